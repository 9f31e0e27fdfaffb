"""Learning the editors of a model from labelled codes: fit, then measure what each does."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from directions.interfacegan.editor import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from directions.labels import Labelled
from directions.probe import Probe, calibrate
from directions.region_choice import choose_regions
from directions.study import Study
from directions.styleflow.library import FlowLibrary, scores_of
from semedit.errors import ConfigError, UnknownName
from semedit.protocols import Bundle

Progress = Callable[[int, int], None]
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
    progress: Progress | None = None,
) -> tuple[DirectionLibrary, list[dict[str, Any]]]:
    """Fit and measure a direction for each of ``attributes`` (default: all that are scored).

    ``regions`` are the default regions of their edits (by default the domain's, or where it has none the smallest set
    that is measured to be enough); ``prompts`` the words that scored them. ``local`` labels samples of regions by
    themselves; a direction learnt from them takes the other's place in these regions where it is the better one.
    Returns the library and a row of figures for each. Progress counts the attributes.
    """
    library = DirectionLibrary({}, model.generator.fingerprint)
    rows: list[dict[str, Any]] = []
    wanted = attributes or tuple(labelled.scores)
    for done, name in enumerate(wanted):
        if name not in labelled.scores:
            raise UnknownName("scored attribute", name, labelled.scores)
        scores = labelled.scores[name]
        known = ~np.isnan(scores)
        codes = labelled.codes if known.all() else labelled.codes[known]
        scores = scores[known]
        if not len(scores) or scores.min() == scores.max():
            raise ConfigError(f"'{name}': the scores do not differ, so that there is nothing to learn")
        direction = InterFaceGAN(name, chosen=chosen, seed=seed).fit(codes, scores)
        direction.regions_ = regions or model.domain.edit_regions.get(name, "auto")
        direction.prompts_ = prompts
        direction.scale_ = half_gap(codes, scores, direction)
        library.directions[name] = direction
        if local and direction.regions_ not in ("auto", "all"):
            direction.local_ = better_local(model, direction, local(direction.regions_), seed)
        rows += measure(model, library, (name,), labelled, seed)
        if progress:
            progress(done + 1, len(wanted))
    return library, rows


def measure(
    model: Bundle,
    library: DirectionLibrary | FlowLibrary,
    attributes: tuple[str, ...],
    labelled: Labelled | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Study attributes of a library and record it there; returns a row of figures for each."""
    rows = []
    for done, name in enumerate(attributes):
        found = study(model, library, name, seed + 1)
        editor = library[name]
        if found is None and editor.regions_ == "auto":
            library.record(name, "all", None)
            editor = library[name]
        row = {"attr": name, "regions": editor.regions_, "scale": editor.scale_}
        row["rate"] = float((labelled.scores[name] > 0.5).mean()) if labelled else None
        row |= {"gain": found.gain if found else None, "auto_regions": found.auto_regions if found else None}
        row["side_effects"] = found.side_effects if found else {}
        if isinstance(editor, InterFaceGAN):
            report = editor.report_
            row |= {"validation_accuracy": report.validation_accuracy, "remaining_accuracy": report.remaining_accuracy}
            row["local"] = editor.local_ is not None
        rows.append(row)
        if progress:
            progress(done + 1, len(attributes))
    return rows


def study(model: Bundle, library: DirectionLibrary | FlowLibrary, attr: str, seed: int = 1) -> Study | None:
    """Measure an attribute's edits and record it in the library: scale, gain, side effects, regions.

    An editor whose default regions are "auto" gets those that are chosen here. Returns None, and records nothing, where
    there is nothing to score the attribute with.
    """
    editor = library[attr]
    scorer = model.scorer(attr, getattr(editor, "prompts_", ()))
    if scorer is None:
        return None
    probe = Probe.of(model, scorer, seed)
    chosen = choose_regions(probe, editor)
    if editor.regions_ == "auto":
        library.record(attr, chosen[0], None)
        editor = library[attr]
    scale, gain = calibrate(probe, editor)
    moved, _ = probe.changes(editor.with_scale(scale), 1.0)
    effects = {name: round(value, 4) for name, value in zip(probe.names, moved.tolist(), strict=True) if name != attr}
    unmasked_scale, unmasked_gain = calibrate(probe, editor, "all")
    auto, distance, table = chosen
    found = Study(len(probe.latent), scale, gain, unmasked_scale, unmasked_gain, effects, auto, distance, table)
    library.record(attr, editor.regions_, found)
    return found


def better_local(model: Bundle, direction: InterFaceGAN, labelled: Labelled, seed: int) -> InterFaceGAN | None:
    """A direction learnt in the rows of the default regions alone, if it gains more there, or as much by less change.

    More of the samples are used than for a common direction: the scores differ less.
    """
    name = direction.attribute
    scorer = model.scorer(name, direction.prompts_)
    if scorer is None or labelled.scores[name].min() == labelled.scores[name].max():
        return None
    made = InterFaceGAN(name, chosen=LOCAL_CHOSEN, seed=seed).fit(labelled.codes, labelled.scores[name])
    made.regions_ = direction.regions_
    probe = Probe.of(model, scorer, seed + 1)

    def worth(editor: InterFaceGAN) -> tuple[float, float]:
        distance, gain = calibrate(probe, editor)
        return round(gain, 2), -probe.effect(editor.with_scale(1.0), distance, direction.regions_).change

    return made if worth(made) > worth(direction) else None


def half_gap(codes: Any, scores: Any, direction: InterFaceGAN) -> float:
    """Half the distance between the mean codes of the highest and the lowest tenth, along a direction: the meaning of
    strength 1 where there is nothing to measure gains with."""
    order = np.argsort(scores, kind="stable")
    tenth = max(1, len(order) // 10)
    low, high = (codes[np.sort(part)] @ direction.direction_ for part in (order[:tenth], order[-tenth:]))
    return max(float(high.mean() - low.mean()) / 2, 1e-3)


def learn_flow(
    model: Bundle,
    labelled: Labelled,
    *,
    attributes: tuple[str, ...] = (),
    epochs: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[FlowLibrary, list[dict[str, Any]]]:
    """Fit a flow under ``attributes`` (default: all that are scored) and measure each; returns it and a row for each.

    Progress counts the samples that training has passed over.
    """
    attributes = attributes or tuple(labelled.scores)
    codes = torch.from_numpy(np.array(labelled.codes))
    scores = torch.from_numpy(np.stack([labelled.scores[name] for name in attributes], axis=1))
    library = FlowLibrary(attributes, model.generator.fingerprint, lambda latent: scores_of(model, attributes, latent))
    library.fit(codes, scores, epochs=epochs, seed=seed, progress=progress)
    for name in attributes:
        library.regions_[name] = model.domain.edit_regions.get(name, "all")
    return library, measure(model, library, attributes, labelled, seed)
