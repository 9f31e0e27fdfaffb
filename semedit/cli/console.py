"""What every command shares: options, progress on stderr, one result object on stdout, exit codes."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from unicodedata import category

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from semedit.cli import complete
from semedit.cli.early import check_models, named_model
from semedit.errors import ConfigError, ImageError, SemeditError, UnknownName
from semedit.packages import described, opened_place
from semedit.storage.content import check_file, exists

if TYPE_CHECKING:
    from semedit.config import Config

OK, SOME_FAILED, MISUSE, INTERRUPTED = 0, 1, 2, 130
#: config.LARGEST_SEED, which is not read from there so that commands begin fast.
LARGEST_SEED = 2**32 - 1

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of text.")]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of everything that is drawn at random.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps ...")]
OutOption = Annotated[str, typer.Option("--out", help="Folder for results.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override any other option: --set NAME=VALUE.")]
PrecisionOption = Annotated[
    Literal["fp32", "bf16", "auto"],
    typer.Option("--precision", help="fp32; bf16 for speed; auto for what this machine does well."),
]
AlignedOption = Annotated[
    bool,
    typer.Option("--aligned", help="The pictures are aligned already (CelebAMask-HQ, FFHQ): take them as they are."),
]
OverwriteOption = Annotated[
    bool,
    typer.Option("--overwrite", help="Let results replace files that semedit did not write, or that were changed."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", help="A model's name, or a generator file.", autocompletion=complete.models, callback=named_model
    ),
]
PerceptualOption = Annotated[
    str, typer.Option("--perceptual", help="own, or none: plain squared distance instead of a perceptual network.")
]
IdentityOption = Annotated[
    str, typer.Option("--identity", help="own, or none: no measure of the person, whose network is then not needed.")
]
NoMarkOption = Annotated[
    bool, typer.Option("--no-mark", help="Write pictures without their mark of provenance; see 'inspect'.")
]


stdout = Console(highlight=False, markup=False, emoji=False)
stderr = Console(stderr=True, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    r"""A text as any terminal shows it, markup and all: broken letters and control characters as escapes.

    >>> printable("a\x1b[2J[b].gif")
    'a\\x1b[2J[b].gif'
    """
    control = {c: c.encode("unicode_escape").decode() for c in set(text) if category(c) == "Cc" and c not in "\n\t"}
    shown = "".join(control.get(c, c) for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def complain(message: str) -> None:
    """One line on stderr, never wrapped."""
    print(f"semedit: {printable(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201


def check_present(report: "Report", sources: Sequence[str | Path]) -> None:
    """Leave at once, as :meth:`Report.finish` does, if none of the files, folders or globs that are named is there.

    Raises ImageError for a glob that matches nothing.
    """
    from semedit.pictures.reading import find_pictures

    globs = [one for one in sources if any(mark in str(one) for mark in "*?[")]
    if not sources or find_pictures(globs) or any(exists(one) for one in sources):
        return
    for one in sources:
        try:
            check_file(one, ImageError)
        except ImageError as error:
            report.fail(str(one), error)
    report.finish()


def check_device(device: str) -> str:
    """``device`` if torch can use it here; ConfigError otherwise."""
    import torch

    try:
        if torch.ones(1, device=device).item() != 1:
            raise RuntimeError("it does not compute")
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), "")[:100]
        raise ConfigError(f"device '{device}' cannot be used here ({reason})") from None
    return device


def left_out(**measures: str) -> tuple[str, ...]:
    """The measures whose option says none; UnknownName for a word that is neither that nor own."""
    for name, value in measures.items():
        if value not in ("own", "none"):
            raise UnknownName(f"choice for --{name}", value, ("own", "none"))
    return tuple(name for name, value in measures.items() if value == "none")


@contextmanager
def watching(quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr for one long step after another; the yielded function takes (what, done, total)."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=quiet or not stderr.is_terminal) as bar:
        task = bar.add_task("", total=None, visible=False)

        def update(what: str, done: int, total: int) -> None:
            if bar.tasks[0].description != what:
                bar.reset(task, description=what, visible=True, total=total, completed=done)
            bar.update(task, completed=done, total=total)

        yield update


@contextmanager
def progress_bar(text: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr for one long step; the yielded function takes (done, total)."""
    with watching(quiet) as watch:
        yield lambda done, total: watch(text, done, total)


class Report:
    """Results and failures of a command, printed at the end as text or JSON."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self.results: list[dict[str, Any]] = []
        self.failed: list[dict[str, str]] = []

    def say(self, text: str) -> None:
        """A line for a human reader; silent under --json."""
        if not self.as_json:
            stdout.print(printable(text), soft_wrap=True)

    def table(self, columns: list[str], rows: list[list[str]], title: str | None = None) -> None:
        if self.as_json:
            return
        table = Table(
            title=title and printable(title), title_justify="left", header_style="bold", box=None, pad_edge=False
        )
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(printable, row))
        stdout.print(table)

    def add(self, **result: Any) -> None:
        self.results.append(result)

    def fail(self, source: str, error: SemeditError) -> None:
        self.failed.append({"input": source, "error": str(error)})
        complain(f"{error}" if source in str(error) else f"{source}: {error}")

    def finish(self) -> None:
        """Print the JSON object if asked for, and leave with 0, 1 (some inputs failed) or 2 (all did)."""
        if self.as_json:
            print(json.dumps({"results": self.results, "failed": self.failed}))  # noqa: T201
        if self.failed:
            raise typer.Exit(SOME_FAILED if self.results else MISUSE)


class _Commands(Mapping[str, Any]):
    """Commands that write results, by name, each imported, from ``module:function``, when it is looked up."""

    def __init__(self, places: Mapping[str, str]):
        self.places = places

    def __getitem__(self, name: str) -> Any:
        made = typer.Typer(add_completion=False)
        made.command(name)(writing(opened_place(self.places[name])))
        return typer.main.get_command(made)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def later(**places: str) -> type[TyperGroup]:
    """A group of commands that write results, name -> ``module:function``, each imported when it is called or its help
    is asked for.

    Their modules may then import what is heavy, and read options from where they belong. A list of them imports none:
    what each does is read off its source.
    """

    class Later(TyperGroup):
        _listing = False

        @property
        def commands(self) -> Any:
            return _Commands(places)

        @commands.setter
        def commands(self, given: Any) -> None:
            """None but those of ``places``."""

        def list_commands(self, _: Any) -> list[str]:
            return list(places)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if not ctx.resilient_parsing and "--help" not in args:
                check_models(args)  # before the command's module is imported
            return super().resolve_command(ctx, args)

        def get_command(self, _: Any, cmd_name: str) -> Any:
            if self._listing:
                return TyperCommand(cmd_name, help=described(places[cmd_name]))
            return self.commands[cmd_name] if cmd_name in places else None

        def format_help(self, ctx: Any, formatter: Any) -> None:
            self._listing = True
            super().format_help(ctx, formatter)
            self._listing = False

    return Later


def writing(command: Callable[..., None]) -> Callable[..., None]:
    """A command that writes results, with --overwrite, which lets them replace files that semedit did not write."""

    @wraps(command)
    def run(*arguments: Any, overwrite: bool = False, **options: Any) -> None:
        from semedit.storage.ownership import claiming

        with claiming("/") if overwrite else nullcontext():
            command(*arguments, **options)

    own = signature(command)
    insist = Parameter("overwrite", Parameter.KEYWORD_ONLY, default=False, annotation=OverwriteOption)
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), insist])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "overwrite": OverwriteOption}
    return run


def default(function: Callable[..., Any], name: str) -> Any:
    """The default of a function's argument, for the option that hands it over."""
    return signature(function).parameters[name].default


def option(config: "type[Config]", name: str, help: str = "") -> Any:
    """An option for a field of a configuration: its bound, and its description where ``help`` says nothing else."""
    field = config.model_fields[name]
    lowest = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), None)
    return typer.Option(f"--{name.replace('_', '-')}", min=lowest, help=help or field.description)


def number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"


def names(texts: str | list[str] | None) -> tuple[str, ...]:
    """Names in one comma-separated text, or in several."""
    given = [texts] if isinstance(texts, str) else texts or []
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


SheetOption = Annotated[str | None, typer.Option("--sheet", help="File of the sheet (default: OUT/sheet.png).")]
SheetOnlyOption = Annotated[bool, typer.Option("--sheet-only", help="Write the sheet alone.")]
