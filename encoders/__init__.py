"""Picture -> latent. INVERTERS is the registry of methods; tests, the command line and the README read it."""

from typing import Any

from encoders import checkpoint, pivotal_tuning, recipes, training
from encoders.checkpoint import StoredEncoder, load_encoder
from encoders.encoded import PivotalInverter, RefinedOptimizationInverter, RestyleInverter
from encoders.optimization import OptimizationConfig, OptimizationInverter
from encoders.restyle import Refiner
from semedit.config import Config
from semedit.schedule import ramp

AnyInverter = OptimizationInverter | RestyleInverter | RefinedOptimizationInverter | PivotalInverter
INVERTERS: dict[str, type[AnyInverter]] = {
    kind.method: kind for kind in (RestyleInverter, OptimizationInverter, RefinedOptimizationInverter, PivotalInverter)
}
#: The method of a model with an encoder, and of one without.
DEFAULT, WITHOUT_ENCODER = "restyle+optimize", "optimize"

#: Drawn portraits: their feature distance has another scale than LPIPS, so that pixels count for more. After the
#: encoder a little identity loss doubles what the scoring network sees of the person, for 0.1 dB.
_PORTRAITS = {"lr": 0.05, "mse_weight": 4.0, "mean_weight": 0.4, "labels_weight": 0.3}
#: Options in which a domain departs from a method's defaults: (domain, method) -> options.
DOMAIN_OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("portraits", "optimize"): {**_PORTRAITS, "steps": 300},
    ("portraits", "restyle+optimize"): {**_PORTRAITS, "steps": 60, "mean_weight": 0.7, "identity_weight": 0.05},
    ("portraits", "pti"): {
        **_PORTRAITS,
        "steps": 60,
        "mean_weight": 0.7,
        "identity_weight": 0.05,
        "tuning": {"steps": 200, "lr": 1e-3, "mse_weight": 4.0},
    },
}


def default_options(method: str, domain: str) -> Config:
    """The options of a method for pictures of a domain."""
    return INVERTERS[method].options(**DOMAIN_OPTIONS.get((domain, method), {}))


__all__ = [
    "DEFAULT",
    "DOMAIN_OPTIONS",
    "INVERTERS",
    "WITHOUT_ENCODER",
    "OptimizationConfig",
    "OptimizationInverter",
    "Refiner",
    "StoredEncoder",
    "checkpoint",
    "default_options",
    "load_encoder",
    "pivotal_tuning",
    "ramp",
    "recipes",
    "training",
]
