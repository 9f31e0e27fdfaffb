"""``semedit fit``: train what stands around a generator."""

import typer

from semedit.cli.console import later

app = typer.Typer(
    cls=later(
        directions="semedit.cli.fit.editors:directions",
        flow="semedit.cli.fit.editors:flow",
        calibration="semedit.cli.fit.editors:calibration",
        attributes="semedit.cli.fit.domain:attributes",
        features="semedit.cli.fit.domain:features",
        identity="semedit.cli.fit.domain:identity",
        encoder="semedit.cli.fit.encoder:encoder",
        clip="semedit.cli.fit.domain:clip",
        fusion="semedit.cli.fit.baselines:fusion",
        catalog="semedit.cli.fit.baselines:catalog",
    ),
    help="Train the domain's networks (attributes, features, identity, clip), an encoder, directions or a flow; for a "
    "StyleGAN2 FusionNets or a catalog.",
    no_args_is_help=True,
)
