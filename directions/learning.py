"""Learning the editors of a model from labelled codes: fit, then measure what each does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from directions.contract import AttributeEditor, EditorLibrary
from directions.interfacegan.editor import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from directions.labels import Labelled
from directions.probe import Probe, calibrate, codes_of
from directions.region_choice import choose_regions, edit_regions
from directions.study import SAMPLES, Calibration, Measured, Study
from directions.styleflow.library import FlowLibrary, FlowTraining, scores_of
from semedit.errors import ConfigError, UnknownName
from semedit.latents.latent import Latent
from semedit.protocols import Bundle

Progress = Callable[[int, int], None]
#: How many times as far as samples inversions may ask an edit to go.
FURTHER = 5.0
#: The share of extremes, a side, that local directions are learnt from.
LOCAL_CHOSEN = 0.15


def learn_directions(
    model: Bundle,
    labelled: Labelled,
    *,
    attributes: tuple[str, ...] = (),
    regions: str | None = None,
    prompts: tuple[str, ...] = (),
    local: Callable[[str], Labelled] | None = None,
    chosen: float = 0.02,
    seed: int = 0,
    space: Literal["w", "s"] = "w",
    cost: float = 1.0,
    progress: Progress | None = None,
) -> tuple[DirectionLibrary, list[Measured]]:
    """Fit and measure a direction for each of ``attributes`` (default: all that are scored).

    ``regions`` are the default regions of their edits (by default the domain's, or where it has none the smallest set
    that is measured to be enough); ``prompts`` the words that scored them. ``local`` labels samples of regions by
    themselves; a direction learnt from them takes the other's place in these regions where it is the better one.
    ``space`` is that of the labelled codes, ``cost`` the machines' C. Returns the library and what was measured of
    each. Progress counts the attributes.
    """
    made: dict[str, InterFaceGAN] = {}
    rows: list[Measured] = []
    wanted = attributes or tuple(labelled.scores)
    for name in wanted:
        if name not in labelled.scores:
            raise UnknownName("scored attribute", name, labelled.scores)
        scores = labelled.scores[name]
        known = scores[~np.isnan(scores)]
        if not len(known) or known.min() == known.max():
            raise ConfigError(f"'{name}': the scores do not differ, so that there is nothing to learn")
        place = regions or edit_regions(model).get(name, "auto")
        direction = InterFaceGAN(
            name, regions=place, prompts=prompts, chosen=chosen, seed=seed, space=space,
            styles=model.generator.in_style_space, cost=cost,
        )  # fmt: skip
        direction.fit(labelled.codes, scores)
        if local and place not in ("auto", "all"):
            direction = direction.with_local(better_local(model, direction, local(place), seed))
        made[name] = direction.calibrated(calibration_of(model, direction, seed + 1))
        rows.append(row_of(made[name], labelled))
        if progress:
            progress(len(made), len(wanted))
    return DirectionLibrary(made, model.generator.fingerprint), rows


def measure(
    model: Bundle,
    library: EditorLibrary[AttributeEditor],
    attributes: tuple[str, ...],
    labelled: Labelled | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    regions: str | None = None,
    base: str = SAMPLES,
) -> list[Measured]:
    """Study attributes of a library and record it there; returns what was measured of each.

    ``regions`` become the default regions of their edits; with "auto" they are chosen. ``base`` is what edits are
    measured on, as :class:`Probe` has it. Raises UnknownName.
    """
    if regions and regions != "auto":
        model.generator.regions.select(regions)
    rows, codes = [], codes_of(model, base, seed + 1)
    for done, name in enumerate(attributes):
        own = library[name].calibration_
        if regions and regions != own.regions:  # what was measured is true of the regions that it was measured in
            library.record(name, replace(own, regions=regions, study=None))
        study(model, library, name, seed + 1, base, codes)
        rows.append(row_of(library[name], labelled))
        if progress:
            progress(done + 1, len(attributes))
    return rows


def row_of(editor: AttributeEditor, labelled: Labelled | None = None) -> Measured:
    """What is known of an editor, and of its attribute in labelled samples."""
    found = editor.study_
    return Measured(
        editor.attribute,
        editor.regions_,
        editor.scale_,
        float((labelled.scores[editor.attribute] > 0.5).mean()) if labelled else None,
        found.gain if found else None,
        found.auto_regions if found else None,
        found.side_effects if found else {},
        editor.facts(),
    )


def study(model: Bundle, library: EditorLibrary[AttributeEditor], attr: str, seed: int = 1,
          base: str = SAMPLES, codes: Latent | None = None) -> Study | None:  # fmt: skip
    """Measure an attribute's edits and record it in the library; what was known before where nothing scores it.

    ``codes`` are those of the base, where they are known already.
    """
    found = calibration_of(model, library[attr], seed, base, codes)
    library.record(attr, found)
    return found.study


def calibration_of(model: Bundle, editor: AttributeEditor, seed: int = 1, base: str = SAMPLES,
                   codes: Latent | None = None) -> Calibration:  # fmt: skip
    """What strength 1 has to mean for an editor, measured: scale, gain, side effects, regions that suffice.

    Default regions that are "auto" become those that are chosen here. On inversions, samples count too, measured
    before or now: regions that suffice are theirs, and strength 1 goes as far as both need, up to FURTHER times as
    far as samples do. Where there is nothing to score the attribute with, all stays as it is, but for "auto", which
    becomes all regions. ``codes`` are those of the base, where they are known already.
    """
    name = editor.attribute
    scorer = model.scorer(name, editor.prompts)
    if scorer is None:
        own = editor.calibration_
        return replace(own, regions="all" if own.regions == "auto" else own.regions)
    probe = Probe.of(model, scorer, seed, base=base, latent=codes)
    before: Study | None = None
    if base == SAMPLES:
        auto, distance, table = choose_regions(probe, editor)
    else:
        before = editor.study_ if editor.study_ and editor.study_.base == SAMPLES else None
        before = before or calibration_of(model, editor, seed).study
        assert before is not None  # something scores the attribute
        auto, distance, table = before.auto_regions, before.auto_distance, before.auto_table
    regions = auto if editor.regions_ == "auto" else editor.regions_
    editor = editor.calibrated(replace(editor.calibration_, regions=regions))
    scale, gain = strength_1(probe, editor, None, before.scale if before else None)
    unmasked_scale, unmasked_gain = strength_1(probe, editor, "all", before.unmasked_scale if before else None)
    moved, _ = probe.changes(editor.with_scale(scale), 1.0)
    effects = {other: round(v, 4) for other, v in zip(probe.names, moved.tolist(), strict=True) if other != name}
    found = Study(len(probe.latent), scale, gain, unmasked_scale, unmasked_gain, effects, auto, distance, table, base)
    return Calibration(regions, scale, unmasked_scale, found)


def strength_1(
    probe: Probe, editor: AttributeEditor, regions: str | None, samples: float | None
) -> tuple[float, float]:
    """What strength 1 means in ``regions`` (default: the editor's), and the gain there: the distance that the probe's
    codes need, but no less than what ``samples`` need, and no more than FURTHER times as much."""
    scale, gain = calibrate(probe, editor, regions)
    if samples is None or samples < scale <= FURTHER * samples:
        return scale, gain
    scale = min(max(scale, samples), FURTHER * samples)
    moved, _ = probe.changes(editor.with_scale(1.0), scale, regions)
    return scale, moved[probe.names.index(editor.attribute)].item()


def better_local(model: Bundle, direction: InterFaceGAN, labelled: Labelled, seed: int) -> InterFaceGAN | None:
    """A direction learnt in the rows of the default regions alone, if it gains more there, or as much by less change.

    More of the samples are used than for a common direction: the scores differ less.
    """
    name = direction.attribute
    scorer = model.scorer(name, direction.prompts)
    if scorer is None or labelled.scores[name].min() == labelled.scores[name].max():
        return None
    local = InterFaceGAN(name, regions=direction.regions_, chosen=LOCAL_CHOSEN, seed=seed, cost=direction.cost)
    made = local.fit(labelled.codes, labelled.scores[name])
    probe = Probe.of(model, scorer, seed + 1)

    def worth(editor: InterFaceGAN) -> tuple[float, float]:
        distance, gain = calibrate(probe, editor)
        return round(gain, 2), -probe.effect(editor.with_scale(1.0), distance, direction.regions_).change

    return made if worth(made) > worth(direction) else None


def learn_flow(
    model: Bundle,
    labelled: Labelled,
    *,
    attributes: tuple[str, ...] = (),
    epochs: int = FlowTraining().epochs,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[FlowLibrary, list[Measured]]:
    """Fit a flow under ``attributes`` (default: all that are scored) and measure each; returns both.

    Progress counts the steps of training. Raises UnknownName for an attribute that was not scored.
    """
    attributes = attributes or tuple(labelled.scores)
    if unknown := [name for name in attributes if name not in labelled.scores]:
        raise UnknownName("scored attribute", unknown[0], labelled.scores)
    codes = torch.from_numpy(np.array(labelled.codes))
    scores = torch.from_numpy(np.stack([labelled.scores[name] for name in attributes], axis=1))
    library = FlowLibrary(
        attributes,
        model.generator.fingerprint,
        lambda latent: scores_of(model, attributes, latent),
        regions=edit_regions(model),
        training=FlowTraining(epochs=epochs, seed=seed),
    )
    library.fit(codes, scores, progress)
    return library, measure(model, library, attributes, labelled, seed)
