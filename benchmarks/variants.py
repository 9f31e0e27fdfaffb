"""What a mask does, one change at a time: the same direction in all rows and in a region's, and one learnt there."""

from dataclasses import dataclass, replace

from directions import AttributeEditor, InterFaceGAN
from directions.probe import Probe, calibrate
from directions.study import SAMPLES
from semedit.editing.model import Model

ALL_ROWS, MASKED, CHOSEN = "all rows", "masked", "chosen rows"


@dataclass(frozen=True)
class Variant:
    """An ``editor`` of one kind ("common direction", "local direction", or a method), limited to ``regions``.

    ``rows`` is ALL_ROWS, MASKED (the attribute's own regions), or CHOSEN (the smallest set that suffices).
    """

    kind: str
    rows: str
    editor: AttributeEditor
    regions: str

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.rows}"


def variants(model: Model, attr: str, method: str, chosen: bool = False, rescale: bool = True) -> list[Variant]:
    """The variants of an attribute's edit; the first is that of all rows, which others are compared with.

    With ``chosen`` also the editor in the regions that ``--regions auto`` takes. A direction without a local one has no
    variant of it. ``rescale`` measures the strength of a masked one anew, so that 1 means the same gain.
    Raises UnknownName for an attribute without an editor.
    """
    editor = model.editors(method)[attr]
    own, kind = editor.regions_, method
    found = [(editor, own)]
    if isinstance(editor, InterFaceGAN):
        kind, common = "common direction", editor.with_local(None)
        found = [(common, own)]
        if editor.local_:
            found = [(rescaled(model, common, own) if rescale else common, own), (editor, own)]
    made = [Variant(kind, ALL_ROWS, found[0][0], "all")]
    if own != "all":
        made += [Variant(kind if i == 0 else "local direction", MASKED, *one) for i, one in enumerate(found)]
    if chosen:
        made.append(Variant(made[-1].kind, CHOSEN, editor, model.auto_regions(attr, method)))
    return made


def rescaled(model: Model, editor: AttributeEditor, regions: str) -> AttributeEditor:
    """An editor whose strength 1 in ``regions`` is measured anew; as it is where nothing scores its attribute."""
    scorer = model.scorer(editor.attribute, editor.prompts)
    if scorer is None:
        return editor
    base = editor.study_.base if editor.study_ else SAMPLES
    scale, _ = calibrate(Probe.of(model, scorer, base=base), editor, regions)
    return editor.calibrated(replace(editor.calibration_, scale=scale))
