"""Speed of editing many codes in one call against a call for each, alternately in one run, with equal results."""

import statistics
from typing import Any

import torch

from benchmarks.speed.timing import OutputsDifferError, time_pair
from directions import RegionTransfer
from semedit.editing.model import Model
from semedit.latents.latent import Latent
from semedit.protocols import Editor


def compare_calls(model: Model, name: str, count: int, pictures: bool, runs: int) -> dict[str, Any]:
    """A row: seconds of one call for ``count`` samples and of as many calls for one each, and their ratio.

    ``name`` is an attribute method's, whose smile edit is timed, or "transfer" of hair. With ``pictures`` each call
    also renders what it has edited. Raises OutputsDifferError if the two give other codes.
    """
    latent = model.sample(count, seed=3)
    if name == "transfer":
        editor: Editor = RegionTransfer(model.sample(1, seed=4), "hair")
    else:
        editor = model.editor("smile", name)

    def edit(codes: Latent) -> Latent:
        edited = editor.edit(codes, 1.0)
        if pictures:
            model.synthesise(edited)
        return edited

    def together() -> torch.Tensor:
        return edit(latent).data

    def one_by_one() -> torch.Tensor:
        return torch.cat([edit(latent[index]).data for index in range(count)])

    difference = (together() - one_by_one()).abs().max().item()
    if difference > (1e-5 if name != "styleflow" else 1e-2):
        raise OutputsDifferError(f"{name}: codes differ by {difference:.1e}")
    fast, slow = time_pair(together, one_by_one, runs)
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    return {
        "task": "editing-speed", "method": name, "model": model.name, "metric": "ratio",
        "value": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios), "n": runs,
        "batch": count, "pictures": pictures, "seconds": statistics.median(fast),
        "single_seconds": statistics.median(slow), "std": None, "skipped": 0,
        "protocol": "alternating, one call against a call for each code",
    }  # fmt: skip
