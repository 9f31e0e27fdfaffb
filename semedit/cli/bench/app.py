"""``semedit bench``: measure speed, reconstruction, editing, fidelity and locality."""

import typer

from semedit.cli.console import later, writing
from semedit.packages import check


def commands() -> typer.Typer:
    """The commands, whose options read their defaults from the benchmarks."""
    from semedit.cli.bench import tasks
    from semedit.cli.bench.speed import speed

    made = typer.Typer()
    for command in (speed, tasks.reconstruction, tasks.editing, tasks.fidelity, tasks.locality):
        made.command()(writing(command))
    return made


app = typer.Typer(cls=later(commands), no_args_is_help=True)


@app.callback()
def root() -> None:
    """Measure speed, reconstruction, editing and fidelity."""
    check("benchmarks", "baselines")
