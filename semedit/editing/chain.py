"""A chain of edits: each starts from what the last one made, and is measured by itself and as part of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from directions import reach
from semedit.editing.effect import EditReport, compare
from semedit.editing.model import Model, Progress
from semedit.editing.needs import require
from semedit.editing.records import StepRecord, WordsRecord
from semedit.errors import LatentError, MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.clip import Clip
from semedit.metrics.prompts import named_value, noise_floor
from semedit.networks.synthesis import Synthesis
from semedit.protocols import Editor

#: The least change of a score that counts, and the gain of a cosine in units of its noise.
LEAST_SCORE, LEAST_NOISE = 0.02, 2.0


@dataclass(frozen=True)
class Step:
    """One edit of a chain: an attribute's, a prompt's, a transfer, or a move (right, down, zoom).

    ``target`` asks for a score instead of a strength; ``clip`` judges a prompt's edit.
    """

    editor: Editor
    method: str
    regions: str
    strength: float = 1.0
    attr: str | None = None
    text: str | None = None
    target: float | None = None
    reference: str | None = None
    clip: Clip | None = None
    moved: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class TextReport:
    """What an edit did to the cosine of prompt and pictures (B,).

    ``noise`` is the cosine's: see :func:`semedit.metrics.prompts.noise_floor`. ``named`` is the property that the
    prompt speaks of, if it does, with the zero-shot probabilities (B,) of its value.
    """

    clip_before: Tensor
    clip_after: Tensor
    noise: Tensor
    named: str | None
    probability_before: Tensor
    probability_after: Tensor

    @classmethod
    def of(cls, clip: Clip, prompt: str, old: Tensor, new: Tensor,
           properties: Mapping[str, tuple[str, ...]]) -> "TextReport":  # fmt: skip
        """Compare pictures before and after an edit towards a prompt."""
        before, after = (clip.similarity(images, (prompt,))[:, 0] for images in (old, new))
        meant = named_value(prompt, properties)
        if meant is None:
            here = there = torch.full_like(before, float("nan"))
        else:
            here, there = (clip.probabilities(images, properties[meant[0]])[:, meant[1]] for images in (old, new))
        noise = noise_floor(clip, old, (prompt,))[:, 0]
        return cls(before, after, noise, meant[0] if meant else None, here, there)


@dataclass(frozen=True)
class Chain:
    """B codes on their way through N steps: codes and pictures (N + 1), the strengths used, a report of each step, and
    one of the whole."""

    latents: list[Latent]
    pictures: list[Synthesis]
    strengths: list[float]
    reports: list[EditReport]
    texts: list[TextReport | None]
    whole: EditReport


def check(model: Model, steps: list[Step]) -> None:
    """Open what measuring these edits needs. Raises MissingWeights for a network, or a target's scorer, that is
    absent."""
    require(model.domain)
    for step in steps:
        if step.target is not None and model.scorer(str(step.attr)) is None:
            raise MissingWeights(f"nothing here scores '{step.attr}', so that no target can be asked for")


@torch.no_grad()
def run(model: Model, latent: Latent, steps: list[Step], progress: Progress | None = None) -> Chain:
    """Edit B codes step by step. A step with a target takes one code at a time; LatentError for more.

    Raises MissingWeights before the first step, see :func:`check`.
    """
    check(model, steps)
    latents, pictures = [latent], [model.synthesise(latent)]
    strengths: list[float] = []
    reports: list[EditReport] = []
    texts: list[TextReport | None] = []
    table, touched = latent.regions, set[int]()
    for step in steps:
        chosen = table.select(step.regions).regions
        touched |= set(chosen)
        before, old = latents[-1], pictures[-1]
        strengths.append(_strength(model, step, before))
        latents.append(step.editor.edit(before, strengths[-1], step.regions))
        pictures.append(model.synthesise(latents[-1]))
        scorer = model.scorer(step.attr) if step.attr else None
        reports.append(compare(model.domain, old, pictures[-1], chosen, step.attr, scorer))
        if step.text and step.clip:
            images = old.image, pictures[-1].image
            texts.append(TextReport.of(step.clip, step.text, *images, model.domain.properties))
        else:
            texts.append(None)
        if progress:
            progress(len(texts), len(steps))
    regions = tuple(sorted(touched))
    whole = reports[0] if len(steps) == 1 else compare(model.domain, pictures[0], pictures[-1], regions)
    return Chain(latents, pictures, strengths, reports, texts, whole)


def _strength(model: Model, step: Step, latent: Latent) -> float:
    """The strength of a step, searched for where it has a target."""
    if step.target is None or step.attr is None:
        return step.strength
    if len(latent) != 1:
        raise LatentError(f"{len(latent)} codes; one at a time is brought to a target")
    return reach(model, step.editor, latent, step.attr, step.target, step.regions).strength


def describe(chain: Chain, steps: list[Step], index: int) -> tuple[StepRecord, ...]:
    """For one picture of a chain, what each step was asked to do and did."""
    return tuple(_record(chain, n, step, index) for n, step in enumerate(steps))


def _record(chain: Chain, n: int, step: Step, index: int) -> StepRecord:
    report, text = chain.reports[n][index], chain.texts[n]
    before, after = _known(report.score_before), _known(report.score_after)
    measurable = None if before is None or after is None else abs(after - before) >= LEAST_SCORE
    words = None
    if step.moved:
        measurable = report.preservation.item() < 1
    if text:
        words = WordsRecord(
            clip_before=text.clip_before[index].item(),
            clip_after=text.clip_after[index].item(),
            clip_noise=text.noise[index].item(),
            property=text.named,
            probability_before=_known(text.probability_before[index]),
            probability_after=_known(text.probability_after[index]),
            stopped=chain.latents[n + 1].pasts[index].history[-1].get("stopped"),
        )
        measurable = words.clip_after - words.clip_before > LEAST_NOISE * words.clip_noise
    return StepRecord(
        method=step.method,
        attr=step.attr,
        text=step.text,
        reference=step.reference,
        strength=chain.strengths[n],
        target=step.target,
        regions=step.regions,
        score_before=before,
        score_after=after,
        inside_share=report.inside_share.item(),
        preservation=report.preservation.item(),
        measurable=measurable,
        words=words,
        moved=step.moved,
    )


def _known(value: Tensor) -> float | None:
    """A number, or None for NaN."""
    number = value.item()
    return None if number != number else number
