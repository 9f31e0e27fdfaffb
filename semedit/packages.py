"""Whether the packages beside ``semedit`` are ours: ``encoders``, ``directions``, ``baselines`` and ``benchmarks``.

Their names are plain words, so that a folder of the user's own may stand in their place. That is found out, and said,
before anything is imported from them.
"""

import ast
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from semedit.errors import ShadowedPackage

#: The version of all of it, as ``semedit.__version__`` says; pyproject.toml has the same.
VERSION = "0.9.0"
PACKAGES = ("encoders", "directions", "baselines", "benchmarks")


def check(*names: str) -> None:
    """ShadowedPackage if one of these packages is not installed, or another of that name stands in its place."""
    home = Path(__file__).resolve().parents[1]
    for name in names:
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


def installed(name: str) -> bool:
    """Whether a package of others can be imported; it is not."""
    return importlib.util.find_spec(name) is not None


def opened(name: str) -> ModuleType:
    """One of PACKAGES, imported. Raises ShadowedPackage as :func:`check` does."""
    check(name)
    return importlib.import_module(name)


def opened_place(place: str) -> Any:
    """What ``module:name`` stands for, its module imported."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def described(place: str) -> str:
    """The docstring of the function ``module:name``, read off the source of a package of ours without importing it."""
    module, _, name = place.partition(":")
    source = Path(__file__).resolve().parents[1].joinpath(*module.split(".")).with_suffix(".py").read_text()
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return ast.get_docstring(nodes[0]) or ""
