"""The ``semedit`` command: one app a noun, thin over library functions. Heavy imports happen inside commands."""

import json
import os
import sys
from typing import Annotated

import typer

from semedit.cli.console import MISUSE, OK, complain
from semedit.errors import SemeditError
from semedit.packages import VERSION, check

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
        data,
        doctor,
        draw,
        edit,
        figures,
        inspect,
        invert,
        models,
        sample,
        train,
        transfers,
    )
    from semedit.cli.bench.app import app as bench
    from semedit.cli.fit.app import app as fit

    if not app.registered_commands:
        app.command("invert")(invert.invert)
        app.command("edit")(edit.edit)
        app.command("attributes")(attributes.attributes)
        app.command("undo")(edit.undo)
        app.command("inspect")(inspect.inspect)
        app.command("sample")(sample.sample)
        app.command("draw")(draw.draw)
        app.command("interpolate")(figures.interpolate)
        app.command("components")(figures.components)
        app.command("mix")(figures.mix)
        app.command("compose")(figures.compose)
        app.command("transfers")(transfers.transfers)
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
        build()(args=arguments, standalone_mode=True)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else OK if leave.code is None else MISUSE
    except SemeditError as error:
        complain(str(error))
        if "--json" in arguments:
            print(json.dumps({"results": [], "failed": [{"input": None, "error": str(error)}]}))  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return OK
