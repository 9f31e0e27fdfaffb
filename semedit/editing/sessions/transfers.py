"""Regions of a picture taken over from a reference: one question, five methods.

TRANSFERS is the registry, which the command line and the figures read. A method is imported when it is asked for.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from directions import RegionTransfer
from semedit.editing.model import Model
from semedit.editing.requests.request import ROWS
from semedit.errors import ConfigError, MissingWeights, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.regions import WHOLE
from semedit.protocols import Editor

Maker = Callable[[Model, Latent, str, list[str]], Editor]


def rows(model: Model, reference: Latent, regions: str, options: list[str]) -> Editor:
    """SemanticStyleGAN's local style mixing; of a generator without regions, whole codes."""
    if options:
        raise ConfigError(f"{ROWS} has no options, such as '{options[0]}'")
    if not model.generator.regions.names and regions != WHOLE:
        raise ConfigError(f"model '{model.name}' has no rows of regions; choose another --method for its transfers")
    return RegionTransfer(reference, regions)


def stylefusion(model: Model, reference: Latent, regions: str, options: list[str]) -> Editor:
    from baselines.style_transfer import stylegan2_of
    from baselines.stylefusion import FILE, FusionTransfer, open_fusion

    stylegan2_of(model, FusionTransfer.method)
    if options:
        raise ConfigError(f"stylefusion has no options, such as '{options[0]}'")
    known = (model.generator.fingerprint, *model.generator.lineage)
    path = learnt_file(model, "stylefusion", FILE, "semedit fit fusion")
    stored = open_fusion(path, model.domain.name, *known)
    return FusionTransfer(model, reference, regions, stored)


def editing_in_style(model: Model, reference: Latent, regions: str, options: list[str]) -> Editor:
    from baselines.editing_in_style import FILE, Catalogue, CatalogueTransfer, CatalogueTransferConfig
    from baselines.style_transfer import stylegan2_of

    stylegan2_of(model, CatalogueTransfer.method)
    config = CatalogueTransferConfig().with_overrides(options)
    catalogue = Catalogue.load(learnt_file(model, "editing-in-style", FILE, "semedit fit catalog"))
    return CatalogueTransfer(model, reference, regions, catalogue, config)


def feature_blending(model: Model, reference: Latent, regions: str, options: list[str]) -> Editor:
    from baselines.blending import FeatureBlending, FeatureBlendingConfig

    return FeatureBlending(model, reference, regions, FeatureBlendingConfig().with_overrides(options))


def poisson(model: Model, reference: Latent, regions: str, options: list[str]) -> Editor:
    from baselines.blending import PoissonBlending, PoissonConfig

    return PoissonBlending(model, reference, regions, PoissonConfig().with_overrides(options))


#: Method -> what makes its editor of a model, a reference, the default regions, and options as ``name=value``.
TRANSFERS: dict[str, Maker] = {
    ROWS: rows,
    "stylefusion": stylefusion,
    "editing-in-style": editing_in_style,
    "feature-blending": feature_blending,
    "poisson": poisson,
}


def transfer_editor(
    model: Model, reference: Latent, regions: str, method: str = ROWS, options: Sequence[str] = ()
) -> Editor:
    """The editor that takes regions over from a reference by a method of TRANSFERS.

    Raises UnknownName, ConfigError for a model that the method is not for, or options that it does not have,
    MissingWeights where it has not been learnt.
    """
    if method not in TRANSFERS:
        raise UnknownName("method of transfer", method, TRANSFERS)
    model.generator.check(reference)
    return TRANSFERS[method](model, reference, regions, list(options))


def learnt_file(model: Model, method: str, name: str, command: str) -> Path:
    """The file of what a method has learnt of a model: the one given to :func:`semedit.load`, or the model's own."""
    if method in model.editor_paths:
        return Path(model.editor_paths[method])
    path = model.entry.file(name) if model.entry else None
    if path is None:
        raise MissingWeights(
            f"model '{model.name}' has no {Path(name).stem}; '{command} --model {model.name}' learns it of a StyleGAN2"
        )
    return path


def supported(model: Model) -> tuple[str, ...]:
    """The methods of TRANSFERS that a model can be asked for."""
    probe, found = model.generator.latent(model.generator.mean_w()), []
    for name in TRANSFERS:
        if name == ROWS and not model.generator.regions.names:
            continue  # a whole code is no region
        try:
            transfer_editor(model, probe, "all", name)
        except (ConfigError, MissingWeights):
            continue
        found.append(name)
    return tuple(found)
