"""The user's object: a generator with its domain, encoder and editors, and the edits of its codes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from directions import (
    EDITORS,
    AttributeEditor,
    DragConfig,
    Dragging,
    EditorLibrary,
    RegionMove,
    RegionTransfer,
    StyleClip,
)
from directions.dragging import Point
from directions.learning import study
from semedit.checkpoints import zoo
from semedit.config import check_strength
from semedit.domains import Domain
from semedit.editing.generators import check_regions, semantic
from semedit.editing.inversion import Picture, PictureInverter
from semedit.editing.rendering import Progress
from semedit.editing.requests.request import METHOD
from semedit.errors import ConfigError, MissingWeights, OutputError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.regions import WHOLE
from semedit.metrics.attributes import Scorer
from semedit.metrics.clip import Clip
from semedit.metrics.placed import placed
from semedit.metrics.prompts import PromptScorer
from semedit.networks.precision import Precision
from semedit.networks.style_based import StyleBasedGenerator
from semedit.protocols import Editor
from semedit.storage.ownership import claiming


class Model(PictureInverter):
    """A generator with everything that its domain knows. Made by :func:`load`, or from parts."""

    def __init__(
        self,
        generator: StyleBasedGenerator,
        domain: Domain,
        name: str = "",
        entry: zoo.ModelFolder | None = None,
        precision: Precision = "fp32",
        encoder_path: str | Path | None = None,
        editor_paths: Mapping[str, str | Path] | None = None,
    ):
        super().__init__(generator, domain, name, entry, precision, encoder_path)
        self.editor_paths = dict(editor_paths or {})
        self._editors: dict[str, EditorLibrary[AttributeEditor]] = {}

    def to(self, device: str) -> "Model":
        """Move all that this model holds: the generator, and encoder and editors once they are open; returns it.

        The domain's networks, which models share, have a copy on each device that needs one.
        """
        self.generator.to(device)
        if "refiner" in self.__dict__:
            self.refiner.to(device)
        for library in self._editors.values():
            library.to(device)
        return self

    @property
    def directions(self) -> EditorLibrary[AttributeEditor]:
        """The attribute directions of this generator. Raises MissingWeights if there are none."""
        return self.editors("interfacegan")

    def editors(self, method: str = METHOD) -> EditorLibrary[AttributeEditor]:
        """The editors of a registered method by attribute. Raises UnknownName, or MissingWeights if there are none."""
        if method not in EDITORS:
            raise UnknownName("editing method", method, EDITORS)
        if method not in self._editors:
            self._editors[method] = EDITORS[method].of_model(self, self.editor_file(method))
        return self._editors[method]

    def editor_file(self, method: str) -> Path:
        """The file of a method's editors: the one given to :func:`load`, the model's own, or an ancestor's."""
        name = EDITORS[method].FILE
        if method in self.editor_paths:
            return Path(self.editor_paths[method])
        own = [self.entry] if self.entry else []
        # An adapted generator is edited with the directions of the one that it was adapted from.
        ancestors = [e for e in zoo.entries().values() if e.card.get("fingerprint") in self.generator.lineage]
        path = next((found for entry in own + ancestors if (found := entry.file(name))), None)
        if path is None:
            raise MissingWeights(
                f"model '{self.name}' has no {Path(name).stem}; '{EDITORS[method].COMMAND} --model {self.name}' learns "
                f"them"
            )
        return path

    def tuned(self, generator: StyleBasedGenerator) -> "Model":
        """This model with a generator that was tuned to one picture; it keeps the directions."""
        return Model(
            generator, self.domain, self.name, self.entry, self.precision, self.encoder_path, self.editor_paths
        )

    def edit(self, latent: Latent, attr: str | None = None, strength: float = 1.0, regions: str | None = None,
             preserve: tuple[str, ...] = (), method: str = METHOD, *, text: str | None = None) -> Latent:  # fmt: skip
        """Change an attribute in the chosen regions, by a registered method, or what a ``text`` says.

        ``regions`` are by default the attribute's own, with "auto" the smallest set that keeps 90 % of its gain, and
        for a text all. ``preserve`` names attributes that are held: InterFaceGAN projects their directions out, a flow
        holds all others anyway. Raises UnknownName, LatentError, ConfigError unless one of ``attr`` and ``text`` is
        given, or MissingWeights where the method has not been fitted.
        """
        self.generator.check(latent)
        check_strength(strength)
        if (attr is None) == (text is None):
            raise ConfigError("an edit has an attribute or a text, one of them")
        editor = self.editor(attr, method, preserve) if attr else self.text_editor(str(text))
        if regions == "auto":
            regions = self.auto_regions(attr, method) if attr else None
        return editor.edit(latent, strength, regions)

    def editor(self, attr: str, method: str = METHOD, preserve: tuple[str, ...] = ()) -> Editor:
        """The editor of an attribute, with others held; see :meth:`edit`."""
        library = self.editors(method)
        editor: Editor = library[attr]
        if preserve:
            editor = library[attr].preserving([library[name] for name in preserve])
        return editor

    def text_editor(self, prompt: str, clip: Clip | None = None, overrides: list[str] | None = None,
                    progress: Progress | None = None, **options: Any) -> StyleClip:  # fmt: skip
        """StyleCLIP's optimisation towards a prompt; by default with the domain's CLIP and its options.

        ``options`` and ``overrides`` are StyleClipConfig's; ``progress`` counts the steps of each search. Raises
        ConfigError for a prompt that is too long, and MissingWeights without a CLIP.
        """
        return StyleClip.of_model(self, prompt, clip, overrides or [], progress, **options)

    def auto_regions(self, attr: str, method: str = METHOD) -> str:
        """The regions that ``--regions auto`` takes: measured when the editor was fitted, or now, and then kept."""
        library = self.editors(method)
        found = library[attr].study_
        if found is None:
            found = study(self, library, attr)
            file = self.editor_file(method)
            with suppress(OutputError), claiming(file):  # one that cannot be written is measured again next time
                library.save(file)
        if found is None:
            raise MissingWeights(f"nothing here scores '{attr}', so that its regions cannot be chosen; name them")
        return found.auto_regions

    def transfer(self, latent: Latent, reference: Latent | Picture, regions: str, strength: float = 1.0) -> Latent:
        """Take chosen regions (``hair``, ``hair:texture``, ``pose``) over from a reference code or picture.

        ``strength`` below 1 goes part of the way. Raises LatentError for a code of another generator.
        """
        self.generator.check(latent)
        check_strength(strength)
        source = reference if isinstance(reference, Latent) else self.invert(reference).latent
        return RegionTransfer(source).edit(latent, strength, regions)

    def move(self, latent: Latent, regions: str, right: float = 0.0, down: float = 0.0, zoom: float = 1.0) -> Latent:
        """Show regions elsewhere: moved by shares of the picture's side, and zoomed about their middle.

        No row of the code changes; see :class:`directions.RegionMove` for what is raised.
        """
        self.generator.check(latent)
        return RegionMove(semantic(self.generator, "moving them"), right, down, zoom).edit(latent, 1.0, regions)

    def drag(self, latent: Latent, handles: Sequence[Point], targets: Sequence[Point], regions: str = WHOLE,
             progress: Progress | None = None, **options: Any) -> Latent:  # fmt: skip
        """Pull points of the pictures (x and y in 0..1 from the upper left corner) to targets, in the rows of regions.

        ``options`` are :class:`directions.DragConfig`'s; the last event of the history says where the points are now.
        Raises ConfigError for points outside the picture or unequal numbers of them, UnknownName, or LatentError.
        """
        self.generator.check(latent)
        check_regions(self.generator, self.domain.regions, regions)
        return Dragging(self.generator, handles, targets, regions, DragConfig(**options), progress).edit(latent, 1.0)

    def scorer(self, attr: str, prompts: tuple[str, ...] | None = None) -> Scorer | None:
        """What scores an attribute: the domain's classifier, or else prompts, by default those of its direction.

        None where neither is at hand.
        """
        try:
            if attr in self.domain.attribute_names:
                return placed(self.domain.attributes(), self.device)
            if prompts is None:
                prompts = self.editors()[attr].prompts if attr in list(self.editors()) else ()
            return PromptScorer(placed(self.domain.clip(), self.device), attr, prompts) if prompts else None
        except MissingWeights:
            return None
