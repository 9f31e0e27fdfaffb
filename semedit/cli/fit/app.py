"""``semedit fit``: train what stands around a generator."""

import typer

from semedit.cli.fit import domain, editors
from semedit.cli.fit.encoder import encoder

app = typer.Typer(
    help="Train the domain's networks (attributes, features, identity, clip), an encoder, directions or a flow.",
    no_args_is_help=True,
)
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
    app.command()(command)
