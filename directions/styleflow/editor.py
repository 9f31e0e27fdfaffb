"""StyleFlow: edits by encoding a code under its attributes and decoding it under changed ones.

Reference: Abdal et al., "StyleFlow: Attribute-conditioned Exploration of StyleGAN-Generated Images using Conditional
Continuous Normalizing Flows", 2021, https://arxiv.org/abs/2008.02401. Followed: the flow, its likelihood, and the
editing procedure, in which later edits keep what earlier ones asked for. Departures: attributes are a classifier's
probabilities, as SemanticStyleGAN has them; the rows that may change are those of the chosen regions, and only they are
mapped; larger batches.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from torch import Tensor

from directions.masking import limit_to_regions
from directions.study import Study
from semedit.errors import LatentError
from semedit.latents.latent import Latent

#: What a latent knows of each of its codes after a flow edit: the attributes it had, and those asked for.
SOURCE, TARGET = "styleflow_source", "styleflow_target"


class Flow(Protocol):
    """What an editor asks of the flow that it belongs to: see FlowLibrary."""

    attributes: tuple[str, ...]

    @property
    def studies_(self) -> Mapping[str, Study]: ...

    def conditions(self, latent: Latent) -> tuple[Tensor, Tensor]: ...

    def transport(self, latent: Latent, here: Tensor, there: Tensor, regions: str) -> Latent: ...


class FlowEditor:
    """One attribute of a flow as an editor.

    ``scale_`` is the change of its condition that strength 1 means in ``regions_``, ``unmasked_scale_`` in all rows.
    """

    #: Changes of the condition that calibration tries.
    DISTANCES: ClassVar[tuple[float, ...]] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)

    def __init__(self, flow: Flow, attribute: str, scale: float, regions: str, unmasked: float = 1.0):
        self.library, self.attribute, self.scale_, self.regions_ = flow, attribute, scale, regions
        self.unmasked_scale_ = unmasked

    @property
    def study_(self) -> Study | None:
        """What was measured of this attribute's edits, or None."""
        return self.library.studies_.get(self.attribute)

    def with_scale(self, scale: float) -> "FlowEditor":
        """The same editor with another meaning of strength 1."""
        return FlowEditor(self.library, self.attribute, scale, self.regions_, scale)

    def preserving(self, _: "list[FlowEditor]") -> "FlowEditor":
        """This editor: the flow holds the condition of every other attribute as it is."""
        return self

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Change the attribute's condition by strength * scale in the rows of ``regions`` (default: its own).

        A batch is one solve. Rows outside the regions stay bit-identical. Raises NotFitted, or LatentError for a latent
        of another width.
        """
        regions = regions or self.regions_
        event = {"method": "styleflow", "attr": self.attribute, "strength": strength, "regions": regions}
        if strength == 0:
            return limit_to_regions(latent, latent.wplus(), regions).edited_from(latent, **event)
        source, current = self.library.conditions(latent)
        wanted = current.clone()
        scale = self.unmasked_scale_ if latent.regions.select(regions).base else self.scale_
        wanted[:, self.library.attributes.index(self.attribute)] += strength * scale
        moved = self.library.transport(latent, current, wanted, regions)
        codes = {**latent.metadata.get("codes", {}), SOURCE: source.tolist(), TARGET: wanted.tolist()}
        return moved.edited_from(latent, **event).annotated(codes=codes)

    def edit_to(self, latent: Latent, value: float, regions: str | None = None, degree: float = 1.0) -> Latent:
        """Ask for a value of the attribute, as the published procedure does: the condition changes by ``degree`` times
        the value's distance from the original's. Works on one latent at a time; LatentError for more."""
        if len(latent) != 1:
            raise LatentError(f"{len(latent)} codes; one at a time is brought to a value")
        source, _ = self.library.conditions(latent)
        delta = degree * (value - source[0, self.library.attributes.index(self.attribute)].item())
        return self.with_scale(1.0).edit(latent, delta, regions)
