"""The methods that answer a question: pictures of its codes after a change of some amount."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from benchmarks.exact.questions import Question
from benchmarks.transfers import MIXING, Sweep, sweeps
from benchmarks.transfers.grids import possible
from benchmarks.truth import latent_of
from benchmarks.variants import variants
from directions import EDITORS, AttributeEditor
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.editing.sessions.transfers import supported, transfer_editor
from semedit.errors import MissingWeights, UnknownName
from semedit.latents.latent import Latent

#: Strengths of edits in units of the calibrated one, shares of a transfer, and budgets of Editing in Style's queries.
DEGREES, STRENGTHS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.5), (0.2, 0.4, 0.6, 0.8, 1.0)
SHARES = Sweep("editing-in-style", "editing-in-style", (0.03, 0.1, 0.25, 0.5, 1.0), "share")
FUSED = "stylefusion"


@dataclass(frozen=True)
class Answer:
    """A method: pictures (B, 3, H, W) of a slice of a question's codes, changed by one of its ascending ``amounts``."""

    method: str
    amounts: tuple[float, ...]
    pictures: Callable[[slice, float], Tensor]


def transfer_answers(model: Model, question: Question) -> list[Answer]:
    """All methods that take this region over in this model; for a StyleGAN2 plain mixing stands beside."""
    assert question.others is not None
    own, others = latent_of(model, question.codes), latent_of(model, question.others)
    found = []
    for sweep in sweeps(model):
        if sweep.method != MIXING and not possible(model, sweep.method, (question.regions,)):
            continue
        swept = SHARES if sweep.method == SHARES.method else Sweep(sweep.method, sweep.name, STRENGTHS)
        found.append(Answer(swept.name, swept.amounts, partial(_taken, model, swept, own, others, question.regions)))
    return found


def _taken(model: Model, sweep: Sweep, own: Latent, others: Latent, region: str, part: slice, amount: float) -> Tensor:
    editor, strength = sweep.at(model, others[part], region, amount)
    return shown(model, Step(editor, sweep.method, region), own[part], strength)[1].image


def edit_answers(model: Model, question: Question) -> list[Answer]:
    """All methods that edit this attribute, each with and without its mask; in a StyleGAN2 also through StyleFusion."""
    own, found = latent_of(model, question.codes), []
    for method in EDITORS:
        try:
            made = variants(model, question.name, method, rescale=False)
        except (MissingWeights, UnknownName):
            continue
        for one in made:
            name = one.name if method in one.name else f"{method}, {one.name}"
            found.append(Answer(name, DEGREES, partial(_edited, model, one.editor, own, one.regions)))
        if FUSED in supported(model) and possible(model, FUSED, (question.regions,)):
            fused = partial(_fused, model, made[0].editor, own, question.regions)
            found.append(Answer(f"{method} through {FUSED}", DEGREES, fused))
    return found


def _edited(
    model: Model, editor: AttributeEditor, own: Latent, regions: str, part: slice, amount: float
) -> Tensor:  # fmt: skip
    return model.synthesise(editor.edit(own[part], amount, regions)).image


def _fused(model: Model, editor: AttributeEditor, own: Latent, regions: str, part: slice, amount: float) -> Tensor:
    """The edit of the whole code, given to the nodes of the attribute's regions alone."""
    moved = editor.edit(own[part], amount, "all")
    taken = transfer_editor(model, moved, regions, FUSED)
    return shown(model, Step(taken, FUSED, regions), own[part], 1.0)[1].image
