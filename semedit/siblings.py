"""The one door from the core to its sibling packages: found by name, loaded on first use, checked to be ours.

``encoders``, ``directions``, ``baselines`` and ``benchmarks`` are top-level packages that import the core; the core
never imports them. Where it needs one (the user's Model, ``semedit.encoders``), it asks here.
"""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from semedit.errors import ShadowedPackage

SIBLINGS = ("encoders", "directions", "baselines", "benchmarks")


def sibling(name: str) -> ModuleType:
    """Import a sibling package; ShadowedPackage if another package of that name stands in its place."""
    home = Path(__file__).resolve().parents[1]
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ShadowedPackage(f"semedit's package '{name}' is not installed beside {home}; reinstall semedit")
    found = (
        Path(spec.origin).resolve().parent
        if spec.origin
        else Path(next(iter(spec.submodule_search_locations or ["?"])))
    )
    if found != home / name:
        raise ShadowedPackage(
            f"semedit's package '{name}' is hidden by {found}; rename that folder, or run from another directory"
        )
    return importlib.import_module(name)
