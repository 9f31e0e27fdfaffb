"""Errors that a user can cause, each of which says what came, what was wanted and what would be right.

Everything here derives from :class:`SemeditError`; the command line prints such an error as one line and
exits with its ``exit_code`` (2, misuse, unless a class says otherwise).
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SemeditError(Exception):
    """Base of all errors that are the input's fault rather than the library's."""

    exit_code = 2


class UnknownName(SemeditError, KeyError):
    """A region, attribute, model, recipe or method name that nothing answers to."""

    def __init__(self, kind: str, name: str, choices: Iterable[str]):
        self.kind, self.name, self.choices = kind, name, sorted(choices)
        close = get_close_matches(name, self.choices, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        super().__init__(f"no {kind} is called '{name}'{hint} (choose from: {', '.join(self.choices) or 'none'})")

    def __str__(self) -> str:
        return str(self.args[0])


class LatentError(SemeditError, ValueError):
    """A latent code of the wrong shape, space or generator."""


class ImageError(SemeditError):
    """A picture that cannot be read, or that is too small or too large to be used."""


class OutsideDomain(ImageError):
    """A picture that the model cannot show, where what was asked for would spoil it."""


class FaceError(SemeditError):
    """Base of the alignment errors."""


class NoFaceFound(FaceError):
    """The detector found no face where one is required."""


class SeveralFaces(FaceError):
    """The detector found more than one face and none was chosen."""


class CheckpointError(SemeditError):
    """A weight file that is corrupt, of another format, or does not fit the network."""


class OutputError(SemeditError):
    """A result that cannot be written where it was asked for."""


class ConfigError(SemeditError, ValueError):
    """An option value outside its range, or an option that does not exist."""


class MissingWeights(SemeditError):
    """Weights that are needed and not present; the message names the command that supplies them.

    ``file`` is the name of the file that is missing and ``purpose`` what it is for, where these are known.
    """

    def __init__(self, message: str, file: str = "", purpose: str = ""):
        super().__init__(message)
        self.file, self.purpose = file, purpose


class NotFitted(SemeditError):
    """A learning object that was used before ``fit`` or ``load``."""


class ShadowedPackage(SemeditError, ImportError):
    """A foreign package stands where one of semedit's own should."""
