"""What can be told of a command's arguments before anything heavy is imported."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path

import typer

from semedit.errors import CheckpointError, ConfigError, ImageError, UnknownName
from semedit.storage import cards
from semedit.storage.content import check_file, exists

#: What there is to train, to draw in, and to look at; whose owners have to be imported to be asked.
COURSES = (
    "portraits-128", "portraits-256", "portraits-taught-64", "portraits-taught-tiny", "stylegan2-portraits-128",
    "stylegan2-taught-tiny",
)  # fmt: skip
#: Those that look at pictures alone.
UNLABELLED = (
    "stylegan2-portraits-128-alone", "stylegan2-portraits-tiny", "stylegan2-256", "stylegan2-512", "stylegan2-1024",
)  # fmt: skip
RECIPES = (
    *COURSES, *UNLABELLED,
    "portraits-adversarial", "portraits-128-grown", "portraits-tiny", "celebamask-hq-256", "celebamask-hq-512",
    "celebamask-hq-256-paper", "deepfashion-256", "celebamask-hq-512-paper", "semanticgan-256",
    "semanticgan-patches-256", "semanticgan-portraits-tiny", "semanticgan-patches-tiny",
)  # fmt: skip
STYLES = ("soft", "cel")
DOMAINS = ("faces", "portraits")


def check_model(name_or_path: str) -> None:
    """Raise UnknownName, MissingWeights or CheckpointError for a model, or the path of one, that is not there."""
    path = Path(name_or_path)
    if exists(path):
        return
    if path.suffix or len(path.parts) > 1:
        raise CheckpointError(f"{path}: no such file or folder")
    cards.find(name_or_path)


def check_sources(sources: Sequence[str]) -> None:
    """Raise ImageError if none of the files, folders or globs that are named is there; some may fail on their own."""
    problems = []
    for one in sources:
        if any(mark in one for mark in "*?[") or exists(one):
            return
        try:
            check_file(one, ImageError)
        except ImageError as error:
            problems.append(str(error))
    if problems:
        raise ImageError("; ".join(problems))


def check_names(wanted: Collection[str], choices: Collection[str], kind: str = "attribute") -> None:
    """UnknownName for the first name that is none of the choices."""
    if unknown := [name for name in wanted if name not in choices]:
        raise UnknownName(kind, unknown[0], choices)


def check_data(path: str | None, label_map: str | None = None) -> None:
    """ConfigError for training pictures, or a file that says what their labels mean, that are not there."""
    if path and not exists(path):
        raise ConfigError(f"{path}: no such folder; 'semedit data' prepares and checks data sets")
    if label_map:
        check_file(label_map, ConfigError)


def named_model(context: typer.Context, name_or_path: str) -> str:
    """The value of --model, checked where a command is carried out, and not only completed."""
    if not context.resilient_parsing:
        check_model(name_or_path)
    return name_or_path


def finite_number(parameter: typer.CallbackParam, value: float | None) -> float | None:
    """The value of an option that takes a number. Raises ConfigError for NaN and infinity."""
    if value is not None and not isfinite(value):
        raise ConfigError(f"{parameter.opts[0]} is a finite number, not {value}")
    return value


def check_models(arguments: Iterable[str]) -> None:
    """:func:`check_model` for each --model of a command line that has not been parsed."""
    for name in _values(iter(arguments), "--model"):
        check_model(name)


def _values(arguments: Iterator[str], option: str) -> Iterator[str]:
    """What an option is given in a command line."""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == option and (equals or (value := next(arguments, ""))):
            yield value
