"""Pictures while a hand moves: of sliders and of regions that are dragged, before anything is asked for or written."""

from directions import RegionMove
from semedit.editing.generators import semantic
from semedit.editing.model import Model
from semedit.editing.requests.request import AUTO
from semedit.latents.latent import Latent
from semedit.networks.synthesis import Rendering
from semedit.ui.panel import SliderPanel, Turned


class Live:
    """Renders one code after the other and keeps what did not change, see :class:`Retouching`.

    One desk's own: what it keeps is of one picture.
    """

    def __init__(self, model: Model):
        self.model = model
        self._slider = model.retouching() if model.generator.regions else None
        self._base: Latent | None = None
        self._known: dict[tuple[object, ...], Latent] = {}

    def show(self, latent: Latent) -> Rendering:
        """The picture of one code."""
        return self._slider.render(latent) if self._slider else self.model.synthesise(latent)

    def panel(self, base: Latent, panel: SliderPanel) -> Latent:
        """A code with its sliders moved. Codes on the way are kept, so that a slider that moves alone costs one edit.

        Raises what editing raises.
        """
        if base is not self._base:
            self._base, self._known = base, {}
        key: tuple[object, ...] = (panel.method, panel.preserve)
        latent, way = base, dict[tuple[object, ...], Latent]()
        for one in panel.turned:
            key = (*key, one)
            latent = self._known.get(key) or self._edited(latent, panel, one)
            way[key] = latent
        self._known = way
        return latent

    def _edited(self, latent: Latent, panel: SliderPanel, one: Turned) -> Latent:
        auto = one.regions == AUTO
        regions = self.model.auto_regions(one.attr, panel.method) if auto else one.regions
        return self.model.editor(one.attr, panel.method, panel.preserve).edit(latent, one.strength, regions)

    def moved(self, latent: Latent, regions: str, right: float, down: float, zoom: float) -> Latent:
        """A code with regions elsewhere. Raises what :class:`RegionMove` raises."""
        mover = RegionMove(semantic(self.model.generator, "moving them"), right, down, zoom)
        return mover.edit(latent, 1.0, regions)
