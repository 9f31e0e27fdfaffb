"""The options of each method of inversion for pictures of each domain."""

from collections.abc import Sequence
from typing import Any

from encoders.inverters import INVERTERS
from semedit.config import Config
from semedit.errors import UnknownName

#: Drawn portraits: their feature distance has another scale than LPIPS, so that pixels count for more. After the
#: encoder a little identity loss doubles what the scoring network sees of the person, for 0.1 dB.
_PORTRAITS = {"lr": 0.05, "mse_weight": 4.0, "mean_weight": 0.4, "labels_weight": 0.3}
#: From the encoder's code the way is short: Adam's first step, which is as long as ``lr`` whatever the loss, must not
#: leave what the encoder has found (at 0.05 persons end at a similarity of 0.91, at 0.01 at 0.97; n=8).
_NEAR = {"steps": 60, "lr": 0.01, "mean_weight": 0.7, "identity_weight": 0.05}
#: Options in which a domain departs from a method's defaults: (domain, method) -> options.
DOMAIN_OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("portraits", "optimize"): {**_PORTRAITS, "steps": 300},
    ("portraits", "restyle+optimize"): {**_PORTRAITS, **_NEAR},
    ("portraits", "pti"): {
        **_PORTRAITS,
        **_NEAR,
        "tuning": {"steps": 200, "lr": 1e-3, "mse_weight": 4.0},
    },
}

#: Options that ask for label maps.
NEED_REGIONS = ("labels_weight",)
#: What generators without regions take instead: from what their smaller encoder finds the way is longer (n=6: persons
#: end at 0.86, at the shorter steps at 0.62).
WITHOUT_REGIONS = {key: {"lr": _PORTRAITS["lr"]} for key in DOMAIN_OPTIONS}


def default_options(method: str, domain: str, regions: bool = True) -> Config:
    """The options of a method for pictures of a domain, by a generator with ``regions`` or without."""
    own = DOMAIN_OPTIONS.get((domain, method), {})
    if not regions:
        kept = {name: value for name, value in own.items() if name not in NEED_REGIONS}
        own = {**kept, **WITHOUT_REGIONS.get((domain, method), {})}
    return INVERTERS[method].options(**own)


def chosen_options(
    method: str, domain: str, regions: bool = True, overrides: Sequence[str] = (), **options: Any
) -> Config:
    """The options of a method: the defaults, but for ``options`` and the texts "name=value" of ``overrides``.

    Raises UnknownName for a method that there is not, ConfigError for an option or a value that is none.
    """
    if method not in INVERTERS:
        raise UnknownName("inversion method", method, INVERTERS)
    base = default_options(method, domain, regions)
    return type(base)(**{**base.to_json(), **options}).with_overrides(list(overrides))
