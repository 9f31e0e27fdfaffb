"""Picture -> latent. INVERTERS is the registry of methods; tests, the command line and the README read it."""

from encoders import checkpoint, pivotal_tuning, recipes, training
from encoders.checkpoint import load_encoder
from encoders.inverters import DEFAULT, INVERTERS, WITHOUT_ENCODER
from encoders.optimization import OptimizationConfig, OptimizationInverter
from encoders.options import DOMAIN_OPTIONS, chosen_options, default_options
from encoders.restyle import Refiner
from encoders.stored import StoredEncoder

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
    "chosen_options",
    "default_options",
    "load_encoder",
    "pivotal_tuning",
    "recipes",
    "training",
]
