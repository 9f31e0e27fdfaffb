"""``semedit fit``: train what stands around a generator."""

import typer

from semedit.cli.console import later
from semedit.packages import check


def commands() -> typer.Typer:
    """The commands, whose options read their defaults from the configurations."""
    check("baselines")
    from semedit.cli.fit import baselines, domain, editors
    from semedit.cli.fit.encoder import encoder

    made = typer.Typer()
    for command in (
        editors.directions,
        editors.flow,
        editors.calibration,
        domain.attributes,
        domain.features,
        domain.identity,
        encoder,
        domain.clip,
        baselines.fusion,
        baselines.catalog,
    ):
        made.command()(command)
    return made


app = typer.Typer(
    cls=later(commands),
    help="Train the domain's networks (attributes, features, identity, clip), an encoder, directions or a flow; for a "
    "StyleGAN2 FusionNets or a catalog.",
    no_args_is_help=True,
)
