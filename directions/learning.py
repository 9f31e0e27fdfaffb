"""Learning the directions of a model: label samples, fit, calibrate."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from directions.interfacegan import InterFaceGAN
from directions.library import DirectionLibrary
from directions.styleflow import FlowEditor, FlowLibrary, scores_of
from semedit.model import Model

#: The mean score gain that strength 1 stands for, and the samples it is measured on.
TARGET_GAIN, CALIBRATION_SAMPLES = 0.4, 64
Calibrated = InterFaceGAN | FlowEditor


def label_samples(model: Model, count: int, seed: int, batch: int = 256,
                  progress: Callable[[int, int], None] | None = None) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Codes (M, D) in W of random samples, untruncated, and their attribute probabilities (M, A)."""
    scorer, codes, scores = model.domain.attributes(), [], []
    for k, start in enumerate(range(0, count, batch)):
        latent = model.sample(min(batch, count - start), seed * 1_000_003 + k, psi=1.0)
        codes.append(latent.data.cpu())
        scores.append(scorer.score(model.synthesise(latent).image))
        if progress:
            progress(start + len(latent), count)
    return torch.cat(codes), torch.cat(scores)


def gains(model: Model, direction: Calibrated, seed: int, count: int = CALIBRATION_SAMPLES) -> list[float]:
    """Mean score gain over ``count`` samples at each of an editor's DISTANCES, in its default regions."""
    latent = model.sample(count, seed, psi=0.7)
    scorer = model.domain.attributes()
    column = scorer.index(direction.attribute)
    before = scorer.score(model.synthesise(latent).image)[:, column]
    unit = direction.with_scale(1.0)
    found = []
    for distance in direction.DISTANCES:
        edited = unit.edit(latent, distance)
        found.append((scorer.score(model.synthesise(edited).image)[:, column] - before).mean().item())
    return found


def calibrate(model: Model, direction: Calibrated, seed: int) -> float:
    """Set ``scale_`` to the shortest distance with the target gain (or the method's best); returns the gain there."""
    curve, distances = gains(model, direction, seed), direction.DISTANCES
    best = int(np.argmax(curve))
    distance, gain = distances[best], curve[best]
    previous_distance, previous_gain = 0.0, 0.0
    for here, value in zip(distances, curve, strict=True):
        if value >= TARGET_GAIN:
            share = (TARGET_GAIN - previous_gain) / (value - previous_gain)
            distance, gain = previous_distance + share * (here - previous_distance), TARGET_GAIN
            break
        previous_distance, previous_gain = here, value
    direction.scale_ = float(distance)
    return float(gain)


def learn_directions(
    model: Model,
    attributes: tuple[str, ...],
    samples: int,
    *,
    chosen: float = 0.02,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[DirectionLibrary, list[dict[str, Any]]]:
    """Fit and calibrate a direction for each attribute; returns the library and a row of figures for each."""
    codes, scores = label_samples(model, samples, seed, progress=progress)
    scorer, learnt, rows = model.domain.attributes(), {}, []
    for name in attributes:
        direction = InterFaceGAN(name, chosen=chosen, seed=seed)
        direction.fit(codes.numpy(), scores[:, scorer.index(name)].numpy())
        direction.regions_ = model.domain.edit_regions.get(name, "all")
        gain = calibrate(model, direction, seed + 1)
        learnt[name] = direction
        rate = (scores[:, scorer.index(name)] > 0.5).float().mean().item()
        rows.append({
            "attr": name, "regions": direction.regions_, "scale": direction.scale_, "gain": gain, "rate": rate,
            "validation_accuracy": direction.report_.validation_accuracy,
            "remaining_accuracy": direction.report_.remaining_accuracy,
        })  # fmt: skip
    return DirectionLibrary(learnt, model.generator.fingerprint), rows


def learn_flow(
    model: Model,
    attributes: tuple[str, ...],
    samples: int,
    *,
    epochs: int = 10,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FlowLibrary, list[dict[str, Any]]]:
    """Fit a flow under all ``attributes``, calibrate each; returns the flow and a row of figures for each.

    Progress counts the labelled samples, then those that training has passed over.
    """

    def passed(done: int, of: int, before: int, share: int) -> None:
        if progress:
            progress(before + round(done / of * share), samples * (1 + epochs))

    codes, scores = label_samples(model, samples, seed, progress=lambda d, n: passed(d, n, 0, samples))
    scorer = model.domain.attributes()
    chosen = scores[:, [scorer.index(name) for name in attributes]]
    library = FlowLibrary(attributes, model.generator.fingerprint, lambda latent: scores_of(model, attributes, latent))
    library.fit(codes, chosen, epochs=epochs, seed=seed, progress=lambda d, n: passed(d, n, samples, samples * epochs))
    rows = []
    for column, name in enumerate(attributes):
        library.regions_[name] = model.domain.edit_regions.get(name, "all")
        editor = library[name]
        gain = calibrate(model, editor, seed + 1)
        library.scales_[name] = editor.scale_
        rate = (chosen[:, column] > 0.5).float().mean().item()
        rows.append({"attr": name, "regions": editor.regions_, "scale": editor.scale_, "gain": gain, "rate": rate})
    return library, rows


__all__ = ["calibrate", "gains", "label_samples", "learn_directions", "learn_flow"]
