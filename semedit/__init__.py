"""semedit: put a picture into a generator's latent space, change one part of it, and keep the rest.

The sibling packages are reached as ``semedit.encoders``, ``semedit.directions``, ``semedit.baselines`` and
``semedit.benchmarks``; they and everything heavy load on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semedit.latent import Latent as Latent
    from semedit.model import Model as Model
    from semedit.model import load as load
    from semedit.model import load_encoder as load_encoder
    from semedit.regions import RegionTable as RegionTable
    from semedit.zoo import load_generator as load_generator

__version__ = "0.4.0"

_LAZY = {
    "load": "semedit.model",
    "Model": "semedit.model",
    "load_generator": "semedit.zoo",
    "load_encoder": "semedit.model",
    "Latent": "semedit.latent",
    "RegionTable": "semedit.regions",
}

__all__ = ["Latent", "Model", "RegionTable", "load", "load_encoder", "load_generator"]


def __getattr__(name: str) -> Any:
    from semedit.siblings import SIBLINGS, sibling

    if name in SIBLINGS:
        return sibling(name)
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'semedit' has no attribute '{name}'")


def __dir__() -> list[str]:
    from semedit.siblings import SIBLINGS

    return sorted([*__all__, *SIBLINGS, "__version__"])
