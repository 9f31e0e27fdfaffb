"""The ``semedit`` command: one app a noun, thin over library functions. Heavy imports happen inside commands."""

import json
import os
import sys
from typing import Annotated, Any

import typer

from semedit.cli.console import INTERRUPTED, MISUSE, OK, complain, writing
from semedit.errors import SemeditError
from semedit.packages import VERSION, check

#: The base of the errors of command lines. Typer carries a click of its own, or uses the one that is installed.
Misuse: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="semedit",
    help="Put a picture into a generator's latent space, change one region or attribute, keep the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        print(f"semedit {VERSION}")  # noqa: T201
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Latent editing with SemanticStyleGAN."""


def build() -> typer.Typer:
    """The app with all commands registered."""
    from semedit.cli import (
        attributes,
        convert,
        data,
        doctor,
        drag,
        draw,
        edit,
        figures,
        inspect,
        invert,
        models,
        sample,
        train,
        transfers,
        ui,
        undo,
    )
    from semedit.cli.bench.app import app as bench
    from semedit.cli.fit.app import app as fit

    if not app.registered_commands:
        app.command("invert")(writing(invert.invert))
        app.command("edit")(writing(edit.edit))
        app.command("drag")(writing(drag.drag))
        app.command("attributes")(attributes.attributes)
        app.command("undo")(writing(undo.undo))
        app.command("inspect")(inspect.inspect)
        app.command("convert")(writing(convert.convert))
        app.command("sample")(writing(sample.sample))
        app.command("draw")(writing(draw.draw))
        app.command("interpolate")(writing(figures.interpolate))
        app.command("components")(writing(figures.components))
        app.command("mix")(writing(figures.mix))
        app.command("compose")(writing(figures.compose))
        app.command("transfers")(writing(transfers.transfers))
        app.command("ui")(ui.ui)
        app.add_typer(data.app, name="data")
        app.command("train")(train.train)
        app.command("adapt")(train.adapt)
        app.add_typer(fit, name="fit")
        app.add_typer(models.app, name="models")
        app.add_typer(bench, name="bench")
        app.command("doctor")(doctor.doctor)
    return app


def run(argv: list[str] | None = None) -> int:
    """Run a command line; returns the exit code (0 ok, 1 some inputs failed, 2 misuse, 130 interrupted)."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        check("encoders", "directions")
        code = build()(args=arguments, standalone_mode=False)
        if code == INTERRUPTED:  # so Typer says it
            raise KeyboardInterrupt
        return code if isinstance(code, int) else OK
    except typer.Exit as leave:
        return leave.exit_code
    except Misuse as error:
        if not error.format_message():  # no command was named, and the help has been shown
            return MISUSE
        return _failed(_usage(error), arguments)
    except SemeditError as error:
        return _failed(str(error), arguments, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted; what was finished is kept, nothing is half-written")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except MemoryError as error:
        return _failed(f"not enough memory ({error}); ask for less at once", arguments)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return _failed(f"{named}{error.strerror or error}", arguments)


def _failed(message: str, arguments: list[str], code: int = MISUSE) -> int:
    """Say why a command failed, also as JSON where that is asked for."""
    complain(message)
    if "--json" in arguments:
        print(json.dumps({"results": [], "failed": [{"input": None, "error": message}]}))  # noqa: T201
    return code


def _usage(error: Any) -> str:
    """What is wrong with a command line, and where its help is."""
    context = getattr(error, "ctx", None)
    return error.format_message() + (f" (see '{context.command_path} --help')" if context else "")
