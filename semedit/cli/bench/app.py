"""``semedit bench``: measure speed, reconstruction, editing, fidelity, locality and transfers."""

import typer

from semedit.cli.console import later
from semedit.packages import check

app = typer.Typer(
    cls=later(
        speed="semedit.cli.bench.speed:speed",
        reconstruction="semedit.cli.bench.tasks:reconstruction",
        editing="semedit.cli.bench.editing:editing",
        fidelity="semedit.cli.bench.tasks:fidelity",
        locality="semedit.cli.bench.tasks:locality",
        measured="semedit.cli.bench.tasks:measured",
        transfers="semedit.cli.bench.transfers:transfers",
        paper="semedit.cli.bench.paper:paper",
    ),
    no_args_is_help=True,
)


@app.callback()
def root() -> None:
    """Measure speed, reconstruction, editing and fidelity."""
    check("benchmarks", "baselines")
