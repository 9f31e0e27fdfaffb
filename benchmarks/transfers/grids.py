"""Grids of pictures with regions taken over: from several references, in several poses, by several methods."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from baselines.editing_in_style import Catalogue
from baselines.stylegan2 import StyleGAN2Generator
from benchmarks.transfers.protocol import editor_of
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.errors import ConfigError, UnknownName
from semedit.latents.latent import Latent
from semedit.pictures.tensors import enlarge

#: Pictures that are looked through for two whose heads are turned apart.
SOUGHT = 64
#: Golden section of the circle of hues, so that neighbours in number differ in colour.
GOLDEN = 0.618034


def taken_over(
    model: Model, target: Latent, reference: Latent, region: str, method: str, options: Sequence[str] = ()
) -> tuple[Latent, Tensor]:
    """Codes of B targets with a region of one or B references, and their pictures (B, 3, H, W), on the CPU."""
    step = Step(editor_of(model, reference, region, method, options), method, region)
    codes, made = shown(model, step, target, 1.0)
    return codes, made.image.cpu()


def possible(model: Model, method: str, regions: Sequence[str]) -> tuple[str, ...]:
    """The regions that a method can take over in this model. Raises as ``editor_of``."""
    probe, found = model.generator.latent(model.generator.mean_w()), []
    editor = editor_of(model, probe, "all", method)
    for region in regions:
        try:
            editor.edit(probe, 1.0, region)
        except (UnknownName, ConfigError):
            continue
        found.append(region)
    return tuple(found)


def control_grid(model: Model, method: str, regions: Sequence[str], target: Latent, references: Latent) -> Tensor:
    """Pictures (N, 3, H, W) in rows of 1 + R: the target and R references; then, for each region, the target and what
    it becomes with the region of each."""
    own, theirs = (model.synthesise(code).image.cpu() for code in (target, references))
    rows = [own, theirs]
    for region in regions:
        rows += [own, taken_over(model, target.repeat(len(references)), references, region, method)[1]]
    return torch.cat(rows)


def parts_strip(model: Model, method: str, regions: Sequence[str], target: Latent, references: Latent) -> Tensor:
    """The target, a reference for each region, and the target with every region from its own one."""
    codes, made = target, model.synthesise(target).image.cpu()
    cells = [made, model.synthesise(references[: len(regions)]).image.cpu()]
    for place, region in enumerate(regions):
        codes, made = taken_over(model, codes, references[place], region, method)
    return torch.cat([*cells, made])


def pose_grid(model: Model, posing: str, method: str, target: Latent, poses: Latent, references: Latent,
              region: str = "hair") -> Tensor:  # fmt: skip
    """Rows of 1 + R: white and R references; then, for each pose, the target in it, and with each one's region.

    ``posing`` is the method that gives the target a pose, ``method`` that which takes the region over.
    """
    theirs = model.synthesise(references).image.cpu()
    rows = [torch.ones_like(theirs[:1]), theirs]
    for place in range(len(poses)):
        posed, own = taken_over(model, target, poses[place], "pose", posing)
        rows += [own, taken_over(model, posed.repeat(len(references)), references, region, method)[1]]
    return torch.cat(rows)


def methods_grid(model: Model, methods: Sequence[tuple[str, tuple[str, ...]]], regions: Sequence[str], target: Latent,
                 reference: Latent) -> Tensor:  # fmt: skip
    """Rows of 2 + M, one for each region: target, reference, and what each method, with its options, makes of them."""
    base = [model.synthesise(code).image.cpu() for code in (target, reference)]
    rows = []
    for region in regions:
        rows += [*base, *(taken_over(model, target, reference, region, name, more)[1] for name, more in methods)]
    return torch.cat(rows)


@torch.no_grad()
def cluster_grid(model: Model, catalogue: Catalogue, codes: Latent) -> Tensor:
    """Pictures of codes (B) and, behind them, the clusters of their activations, a colour for each: (2 B, 3, H, W).

    Raises ConfigError for a catalogue that does not know its layer, or a model that is no StyleGAN2.
    """
    generator = model.generator
    if not isinstance(generator, StyleGAN2Generator) or "size" not in catalogue.about:
        raise ConfigError("clusters are shown of a StyleGAN2, by a catalogue that knows the size of its layer")
    seen = generator.activations(replace(codes, data=codes.data.to(generator.device)))
    maps = catalogue.clusters(seen.first(int(catalogue.about["size"]))).cpu()
    coloured = torch.einsum("nkhw,kc->nchw", maps, hues(maps.shape[1]))
    return torch.cat([seen.image.cpu(), enlarge(coloured, seen.image.shape[-1] // maps.shape[-1])])


def hues(count: int) -> Tensor:
    """Colours (count, 3) in [-1, 1] of hues that are far apart.

    >>> hues(3).shape
    torch.Size([3, 3])
    """
    turn = 2 * torch.pi * (GOLDEN * torch.arange(count)[:, None] + torch.tensor([0.0, 1 / 3, 2 / 3]))
    return 0.9 * turn.cos()


def turned_apart(model: Model, seed: int, psi: float) -> tuple[Latent, Latent]:
    """Of SOUGHT samples the two whose faces lie furthest left and right in their outlines, as the domain parses them.

    Raises MissingWeights for a domain without a parser.
    """
    codes = model.sample(SOUGHT, seed, psi)
    labels = model.domain.features().parse(model.synthesise(codes).image.cpu())
    table = model.domain.regions

    def middle(text: str) -> Tensor:
        inside = torch.isin(labels, torch.tensor(table.select(text).regions)).float().sum(1)  # (B, W)
        return (inside * torch.arange(inside.shape[1])).sum(1) / inside.sum(1).clamp(min=1)

    turn = middle("nose") - middle("skin")
    return codes[int(turn.argmin())], codes[int(turn.argmax())]
