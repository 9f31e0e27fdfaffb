"""``semedit fit``: train what stands around a generator."""

import typer

from semedit.cli.console import later, writing


def commands() -> typer.Typer:
    """The commands, whose options read their defaults from the configurations."""
    from semedit.cli.fit import domain, editors
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
    ):
        made.command()(writing(command))
    return made


app = typer.Typer(
    cls=later(commands),
    help="Train the domain's networks (attributes, features, identity, clip), an encoder, directions or a flow.",
    no_args_is_help=True,
)
