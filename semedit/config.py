"""The base of every configuration: frozen, keyword-only, checked, and read back from JSON without loss."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semedit.errors import ConfigError

#: The largest seed: what is made of it for steps and parts of a run fits into the 64 bits of torch's generators.
LARGEST_SEED = 2**32 - 1
#: The largest strength of an edit either way: 1 is a clear change, and far below this nothing is left of a picture.
STRONGEST = 1000.0
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


class Config(BaseModel):
    """A frozen set of named options. A misspelt option, a value out of range, NaN or infinity raise ConfigError.

    A config stands beside the component that owns it, and is the only source of its defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    noun: ClassVar[str] = "configuration"

    def __init__(self, **options: Any):
        try:
            super().__init__(**options)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            valid = (
                f" (valid options: {', '.join(type(self).model_fields)})" if first["type"] == "extra_forbidden" else ""
            )
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{self.noun}: {where + ': ' if where else ''}{message}{valid}") from None

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

    def replace(self, **changes: Any) -> Self:
        """The same configuration with some options changed, checked as a new one is.

        >>> class Pace(Config):
        ...     steps: int = 3
        >>> Pace().replace(steps=5)
        Pace(steps=5)
        """
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    def with_overrides(self, assignments: list[str]) -> Self:
        """Apply ``a.b=value`` assignments (values are JSON, or plain text where they are not)."""
        data = self.to_json()
        for assignment in assignments:
            path, equals, text = assignment.partition("=")
            if not equals:
                raise ConfigError(f"'{assignment}': options are set as name=value")
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                value = text
            *parents, leaf = path.split(".")
            target: Any = data
            for parent in parents:
                target = target.get(parent)
                if not isinstance(target, dict):  # a value cannot be descended into
                    raise ConfigError(f"'{path}': {self.noun} has no group called '{parent}'")
            target[leaf] = value
        return type(self)(**data)


def finite(value: float, what: str) -> float:
    """``value``, if it is a number other than NaN and infinity; ConfigError, saying ``what`` it should be, if not.

    >>> finite(0.5, "a strength")
    0.5
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise ConfigError(f"{what} is a finite number, not {value}")
    return value


def check_strength(strength: float, what: str = "the strength of an edit") -> float:
    """``strength``, if it is a finite number of at most STRONGEST either way; ConfigError if not.

    >>> check_strength(-1.5)
    -1.5
    """
    if abs(finite(strength, what)) > STRONGEST:
        raise ConfigError(f"{what} lies between -{STRONGEST:.0f} and {STRONGEST:.0f}, and is not {strength:g}")
    return strength


def check_seed(seed: int) -> int:
    """``seed``, if it is a whole number from 0 to LARGEST_SEED; ConfigError if not."""
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"a seed is a whole number from 0 to {LARGEST_SEED}, not {seed}")
    return seed


def assigned(named: Mapping[str, object], set_: list[str] | None) -> list[str]:
    """Options given by name, then those of ``--set``, as ``a.b=value`` texts; those that are None were not given."""
    return [*(f"{name}={value}" for name, value in named.items() if value is not None), *(set_ or [])]
