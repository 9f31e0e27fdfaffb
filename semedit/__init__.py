"""semedit: put a picture into a generator's latent space, change one part of it, and keep the rest.

The sibling packages are reached as ``semedit.encoders``, ``semedit.directions``, ``semedit.baselines`` and
``semedit.benchmarks``; they and everything heavy load on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from semedit.packages import VERSION

if TYPE_CHECKING:
    from semedit.editing.generators import load_generator
    from semedit.editing.loading import load, load_encoder
    from semedit.editing.model import Model
    from semedit.latents.latent import Latent
    from semedit.latents.regions import RegionTable

__version__ = VERSION

_LAZY = {
    "load": "semedit.editing.loading",
    "Model": "semedit.editing.model",
    "load_generator": "semedit.editing.generators",
    "load_encoder": "semedit.editing.loading",
    "Latent": "semedit.latents.latent",
    "RegionTable": "semedit.latents.regions",
}

__all__ = ["Latent", "Model", "RegionTable", "load", "load_encoder", "load_generator"]


def __getattr__(name: str) -> Any:
    from semedit.packages import PACKAGES, check, opened

    if name in PACKAGES:
        return opened(name)
    if name in _LAZY:
        if _LAZY[name].startswith("semedit.editing."):
            check("encoders", "directions", "baselines")
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'semedit' has no attribute '{name}'")


def __dir__() -> list[str]:
    from semedit.packages import PACKAGES

    return sorted([*__all__, *PACKAGES, "__version__"])
