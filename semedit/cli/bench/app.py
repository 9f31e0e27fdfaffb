"""``semedit bench``: measure speed, reconstruction, editing, fidelity and locality."""

import typer

from semedit.cli.bench import tasks
from semedit.cli.bench.speed import speed
from semedit.packages import check

app = typer.Typer(no_args_is_help=True)


@app.callback()
def root() -> None:
    """Measure speed, reconstruction, editing and fidelity."""
    check("benchmarks", "baselines")


for command in (speed, tasks.reconstruction, tasks.editing, tasks.fidelity, tasks.locality):
    app.command()(command)
