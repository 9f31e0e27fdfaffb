"""Picture -> latent. INVERTERS is the registry of methods; tests, the command line and the README read it."""

from encoders.optimization import PORTRAITS_OPTIONS, OptimizationConfig, OptimizationInverter, ramp

INVERTERS: dict[str, type[OptimizationInverter]] = {"optimize": OptimizationInverter}

__all__ = ["INVERTERS", "PORTRAITS_OPTIONS", "OptimizationConfig", "OptimizationInverter", "ramp"]
