"""``python -m tests.fuzz --cases 1500 --seed 0``: hostile inputs of all kinds, and what came of them.

The same seed gives the same cases. Exits with 1 if there was a fault.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.cases import MAKERS
from tests.fuzz.judge import Verdicts, judge
from tests.fuzz.world import build


def try_all(root: Path, cases: int, seed: int, kinds: tuple[str, ...] = (),
            watch: Callable[[int, Verdicts], None] | None = None) -> Verdicts:  # fmt: skip
    """Try ``cases`` cases in a world below ``root``."""
    world, verdicts = build(root), Verdicts()
    chosen = {maker: share for maker, share in MAKERS.items() if not kinds or maker.__name__ in kinds}
    for number in range(cases):
        rng = random.Random(f"{seed} {number}")
        maker = rng.choices(list(chosen), list(chosen.values()))[0]
        judge(maker(world, rng), verdicts, world.root, world.out)
        if watch:
            watch(number + 1, verdicts)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=(), help=", ".join(maker.__name__ for maker in MAKERS))
    asked, began = parser.parse_args(), time.monotonic()

    def watch(done: int, verdicts: Verdicts) -> None:
        if done % 50 == 0:
            print(f"{done} cases, {len(verdicts.faults)} faults, {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201

    with tempfile.TemporaryDirectory() as folder:
        verdicts = try_all(Path(folder), asked.cases, asked.seed, tuple(asked.kinds), watch)
    for case, fault in verdicts.faults:
        print(f"--- {case!r}\n{fault}")  # noqa: T201
    print("\n".join(verdicts.lines()), f"\n{time.monotonic() - began:.0f} s, seed {asked.seed}")  # noqa: T201
    return 1 if verdicts.faults else 0


if __name__ == "__main__":
    sys.exit(main())
