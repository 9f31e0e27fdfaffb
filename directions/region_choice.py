"""Which regions an edit needs: the smallest set that keeps most of its gain.

The choice is this library's: the papers choose regions by hand.
"""

from collections.abc import Callable, Mapping
from itertools import combinations

from directions.contract import AttributeEditor
from directions.probe import Probe, calibrate
from directions.study import Effect
from semedit.latents.regions import BASE_NAME, WHOLE
from semedit.protocols import Bundle

#: The share of the gain that chosen regions keep, the regions that sets are made of, and the least gain that counts.
KEPT, CANDIDATES, LEAST_GAIN = 0.9, 5, 0.02


def choose_regions(probe: Probe, editor: AttributeEditor) -> tuple[str, float, tuple[Effect, ...]]:
    """The smallest set of regions, or of their shapes and textures, that keeps 90 % of the gain of all regions.

    Measured at the shortest distance where all regions together reach the target gain (or their best). Of sets of the
    same size the one with the least unrelated change is taken. Returns the set, the distance, and the table. Where
    nothing gains anything, the set is the editor's default; where there are no regions, it is all rows.
    """
    names = probe.model.generator.regions.names
    everything = ",".join(names) or WHOLE
    distance, _ = calibrate(probe, editor, everything)
    unit = editor.with_scale(1.0)

    def effect(regions: str) -> Effect:
        return probe.effect(unit, distance, regions)

    whole = effect(everything)
    if not names:
        return WHOLE, distance, (whole,)
    pose = effect(BASE_NAME)
    singles = sorted((effect(name) for name in names), key=lambda e: -e.gain)
    table = (whole, pose, *singles)
    if whole.gain < LEAST_GAIN:
        return "all" if editor.regions_ == "auto" else editor.regions_, distance, table
    best = whole
    for size in range(1, CANDIDATES + 1):
        sets = combinations([single.regions for single in singles[:CANDIDATES]], size)
        measured = [singles[0]] if size == 1 else [effect(",".join(one)) for one in sets]
        enough = [e for e in measured if e.gain >= KEPT * whole.gain]
        if enough:
            best = min(enough, key=lambda e: e.unrelated)
            break
    best = narrowed(best, KEPT * whole.gain, effect)
    return best.regions, distance, (*table, best)


def edit_regions(model: Bundle) -> Mapping[str, str]:
    """The regions that the domain gives to the edits of each attribute; none for a generator that knows none."""
    return model.domain.edit_regions if model.generator.regions else {}


def narrowed(found: Effect, least: float, effect: Callable[[str], Effect]) -> Effect:
    """The set with regions narrowed to their shape or texture, one after the other, wherever ``least`` is kept."""
    for name in found.regions.split(","):
        for part in ("shape", "texture"):
            members = [f"{name}:{part}" if member == name else member for member in found.regions.split(",")]
            candidate = effect(",".join(members))
            if candidate.gain >= least:
                found = candidate
                break
    return found
