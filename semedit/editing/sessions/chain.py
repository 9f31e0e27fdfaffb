"""A chain of edits: each starts from what the last one made, and is measured by itself and as part of the whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from directions import Dragging, reach
from semedit.domains.judges import Judge, Panel, clip_panel
from semedit.editing.measuring.effect import EditReport, compare
from semedit.editing.measuring.judging import judges_of
from semedit.editing.measuring.needs import require
from semedit.editing.model import Model
from semedit.editing.rendering import Progress
from semedit.editing.requests.records import DragRecord, StepRecord, WordsRecord
from semedit.errors import LatentError, MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.clip import Clip
from semedit.metrics.prompts import named_value, noise_floor
from semedit.networks.synthesis import Rendering
from semedit.pictures.tensors import quantise
from semedit.protocols import Editor, PictureEditor

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
    """What an edit did to the cosine of prompt and pictures (B,), by the CLIP of the id ``protocol``.

    ``noise`` is the cosine's: see :func:`semedit.metrics.prompts.noise_floor`. ``named`` is the property that the
    prompt speaks of, if it does, with the zero-shot probabilities (B,) of its value. ``optimised`` says the same by the
    CLIP that the edit was searched with, where another one judges.
    """

    clip_before: Tensor
    clip_after: Tensor
    noise: Tensor
    named: str | None
    probability_before: Tensor
    probability_after: Tensor
    protocol: str
    optimised: "TextReport | None" = None

    @classmethod
    def of(cls, clips: Panel[Clip], prompt: str, old: Tensor, new: Tensor,
           properties: Mapping[str, tuple[str, ...]]) -> "TextReport":  # fmt: skip
        """Compare pictures before and after an edit towards a prompt, as 8-bit files hold them."""
        shown = quantise(old), quantise(new)
        judged = cls._by(clips.first, prompt, *shown, properties)
        beside = [cls._by(one, prompt, *shown, properties) for one in clips.beside]
        return replace(judged, optimised=beside[0] if beside else None)

    @classmethod
    def _by(cls, judge: Judge[Clip], prompt: str, old: Tensor, new: Tensor,
            properties: Mapping[str, tuple[str, ...]]) -> "TextReport":  # fmt: skip
        clip = judge.network
        before, after = (clip.similarity(images, (prompt,))[:, 0] for images in (old, new))
        meant = named_value(prompt, properties)
        if meant is None:
            here = there = torch.full_like(before, float("nan"))
        else:
            here, there = (clip.probabilities(images, properties[meant[0]])[:, meant[1]] for images in (old, new))
        noise = noise_floor(clip, old, (prompt,))[:, 0]
        return cls(before, after, noise, meant[0] if meant else None, here, there, judge.protocol)


@dataclass(frozen=True)
class Chain:
    """B codes on their way through N steps: codes and pictures (N + 1), the strengths used, a report of each step, and
    one of the whole."""

    latents: list[Latent]
    pictures: list[Rendering]
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
    table, touched = latent.regions if latent.regions.names else model.domain.regions, set[int]()
    for step in steps:
        chosen = table.select(step.regions).regions
        touched |= set(chosen)
        before, old = latents[-1], pictures[-1]
        strengths.append(_strength(model, step, before))
        after, new = shown(model, step, before, strengths[-1])
        latents.append(after)
        pictures.append(new)
        scorers = judges_of(model, step.attr) if step.attr else None
        reports.append(compare(model.domain, old, pictures[-1], chosen, step.attr, scorers))
        if step.text and step.clip:
            images = old.image, pictures[-1].image
            clips = clip_panel(model.domain, model.device, step.clip, step.text)
            texts.append(TextReport.of(clips, step.text, *images, model.domain.properties))
        else:
            texts.append(None)
        if progress:
            progress(len(texts), len(steps))
    regions = tuple(sorted(touched))
    whole = reports[0] if len(steps) == 1 else compare(model.domain, pictures[0], pictures[-1], regions)
    return Chain(latents, pictures, strengths, reports, texts, whole)


def shown(model: Model, step: Step, latent: Latent, strength: float) -> tuple[Latent, Rendering]:
    """Codes after a step of some strength, and their pictures; an editor of pictures makes those itself."""
    after = step.editor.edit(latent, strength, step.regions)
    if isinstance(step.editor, PictureEditor):
        return after, step.editor.render(latent, strength, step.regions)
    return after, model.synthesise(after)


def row_of(model: Model, step: Step, latent: Latent, strengths: Iterable[float]) -> list[Tensor]:
    """The pictures (1, 3, H, W) of a step at several strengths, which differ in its regions alone."""
    if isinstance(step.editor, PictureEditor) or not model.generator.regions:
        return [shown(model, step, latent, strength)[1].image for strength in strengths]
    slider = model.retouching()
    return [slider.render(step.editor.edit(latent, strength, step.regions)).image for strength in strengths]


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
    before, after = known(report.score_before), known(report.score_after)
    measurable = None if before is None or after is None else abs(after - before) >= LEAST_SCORE
    words, clips = None, dict[str, str | None](clip=None, clip_optimised=None)
    event = chain.latents[n + 1].pasts[index].history[-1]
    dragged = DragRecord.of(event) if isinstance(step.editor, Dragging) and "reached" in event else None
    if step.moved or dragged:
        measurable = report.preservation.item() < 1
    if text:
        clips = {"clip": text.protocol, "clip_optimised": (text.optimised or text).protocol}
        guide = text.optimised or text
        words = WordsRecord(
            clip_before=text.clip_before[index].item(),
            clip_after=text.clip_after[index].item(),
            clip_noise=text.noise[index].item(),
            property=text.named,
            probability_before=known(text.probability_before[index]),
            probability_after=known(text.probability_after[index]),
            clip_before_optimised=guide.clip_before[index].item(),
            clip_after_optimised=guide.clip_after[index].item(),
            probability_before_optimised=known(guide.probability_before[index]),
            probability_after_optimised=known(guide.probability_after[index]),
            stopped=event.get("stopped"),
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
        score_before_optimised=known(report.score_before_optimised),
        score_after_optimised=known(report.score_after_optimised),
        inside_share=known(report.inside_share),
        preservation=report.preservation.item(),
        measurable=measurable,
        protocols={**{name: report.protocols[name] for name in ("score", "score_optimised")}, **clips},
        words=words,
        moved=step.moved,
        dragged=dragged,
    )


def known(value: Tensor) -> float | None:
    """A number, or None for NaN."""
    number = value.item()
    return None if number != number else number
