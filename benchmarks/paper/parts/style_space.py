"""SemanticStyleGAN's figure 16: InterFaceGAN in StyleGAN2's style space still changes other parts."""

import torch
from torch import Tensor

from baselines.stylegan2 import StyleCode, StyleGAN2Generator
from benchmarks.paper.cells import Absent, Measure, mean_interval
from benchmarks.paper.part import Made, PaperPart
from benchmarks.paper.setting import NotThere, Progress, Setting, difference
from benchmarks.shares import share_inside, share_protocol
from directions import InterFaceGAN
from directions.interfacegan.editor import half_gap
from semedit.domains.judges import attribute_panel
from semedit.editing.model import Model
from semedit.latents.truncation import TRUNCATION
from semedit.networks.synthesis import Rendering

SEED, BATCH = 50_000, 8
ATTRIBUTES, HEADS = ("smile", "bald"), ("sample", "edit", "difference")
#: Share of extremes a side that the boundary is learnt from.
CHOSEN = 0.1


def units(setting: Setting) -> tuple[str, ...]:
    return tuple(name for name in ATTRIBUTES if name in setting.model.domain.attribute_names)


def style_codes(generator: StyleGAN2Generator, count: int, seed: int) -> Tensor:
    """Style codes (B, S) of random samples, truncated in W."""
    z = torch.randn(count, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    mean = generator.mean_w()
    w = mean + TRUNCATION * (generator.mapping(z.to(mean)) - mean)
    return generator.styles(w).flat().cpu()


@torch.no_grad()
def rendered(generator: StyleGAN2Generator, flat: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) of style codes (B, S)."""
    config = generator.config
    parts = [
        generator(StyleCode.from_flat(part.to(generator.device), config.conv_widths, config.rgb_widths)).image.cpu()
        for part in flat.split(BATCH)
    ]
    return torch.cat(parts)


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """A direction of ``name`` in style space, as far as half the gap between the highest and the lowest tenth."""
    generator, domain = setting.rival("stylegan2").generator, setting.model.domain
    if not isinstance(generator, StyleGAN2Generator):
        raise NotThere(Absent("style space is StyleGAN2's, and the rival is another generator", setting.command()))
    scorer, count = domain.attributes(), setting.budget.style_samples
    codes, scores = style_codes(generator, count, SEED), []
    for part in codes.split(64):
        scores.append(scorer.score(rendered(generator, part))[:, scorer.index(name)])
        progress(64 * len(scores), count)
    labels = torch.cat(scores).numpy()
    editor = InterFaceGAN(name, chosen=CHOSEN).fit(codes.numpy(), labels)
    flat = style_codes(generator, max(2, setting.budget.shown), SEED + 1)
    step = half_gap(codes.numpy(), labels, editor.direction_)
    before, after = rendered(generator, flat), rendered(generator, flat + step * torch.from_numpy(editor.direction_))
    judge = attribute_panel(domain, torch.device("cpu")).first
    gain = (judge.network.score(after) - judge.network.score(before))[:, judge.network.index(name)]
    found = {("score gain", f"{domain.name}-{judge.protocol}"): gain}
    found |= share_of(setting.rival("stylegan2"), name, before, after)
    measures = []
    for (column, protocol), values in found.items():
        mean, std = values.mean().item(), values.std(unbiased=False).item()
        low, high = mean_interval(mean, std, len(values))
        row = f"{name}: InterFaceGAN in S"
        measures.append(
            Measure(row=row, column=column, value=mean, protocol=protocol, n=len(values), std=std, low=low, high=high)
        )
    cells = torch.stack([before, after, difference(after, before)], dim=1).flatten(0, 1)
    caption = f"StyleGAN2, {name} in style space: sample, edit, difference."
    return Made(measures, [setting.show("ssg.f16", name, cells, 6, caption, heads=2 * HEADS)])


def share_of(model: Model, attr: str, before: Tensor, after: Tensor) -> dict[tuple[str, str], Tensor]:
    """Column and protocol -> the share (B,) of the change inside an attribute's regions; empty where nobody tells
    these."""
    place, old = model.domain.edit_regions.get(attr, "all"), Rendering(before)
    share = share_inside(model, place, old, Rendering(after))
    return {} if share.isnan().any() else {("share of the change inside", share_protocol(place, old)): share}


PART = PaperPart("ssg.f16", "Directions in StyleGAN2's style space", "Shi et al. 2022, figure 16", units, make)
