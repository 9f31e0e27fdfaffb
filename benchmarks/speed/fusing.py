"""Speed of fusing many codes in one call against a call for each, alternately in one run, with equal results."""

import statistics

import torch

from baselines.stylefusion import RECIPES, TREES, FusionConfig, FusionNet, Hierarchy
from baselines.stylegan2 import StyleCode, StyleGAN2Config
from benchmarks.rows import Lines
from benchmarks.speed.timing import OutputsDifferError, SpeedRow, time_pair

#: Codes that are fused in one call.
COUNT = 64
#: What is timed: the blenders' sizes for a generator's. The nets of the released weights, and nets of drawn portraits.
SIZES: dict[str, tuple[FusionConfig, StyleGAN2Config]] = {
    "official": (FusionConfig(), StyleGAN2Config(size=1024)),
    "portraits": (
        RECIPES["portraits"].net,
        StyleGAN2Config(size=128, style_dim=256, channels={4: 96, 8: 96, 16: 96, 32: 96, 64: 64, 128: 32}),
    ),
}


def measure(runs: int, count: int = COUNT) -> list[SpeedRow]:
    """A row for each of SIZES: a hierarchy of faces, all five nets of which are asked."""
    return [compare_fusing(name, *sizes, count, runs) for name, sizes in SIZES.items()]


def random_codes(config: StyleGAN2Config, count: int, seed: int) -> StyleCode:
    """Codes as a generator's layers might give them."""
    draw = torch.Generator().manual_seed(seed)
    conv, rgb = (
        tuple(1 + 0.5 * torch.randn(count, width, generator=draw) for width in widths)
        for widths in (config.conv_widths, config.rgb_widths)
    )
    return StyleCode(conv, rgb)


@torch.no_grad()
def compare_fusing(name: str, net: FusionConfig, generator: StyleGAN2Config, count: int, runs: int) -> SpeedRow:
    """A row: seconds of one call for ``count`` codes of each node, and how many times as long as many calls take.

    Raises OutputsDifferError if the two give other codes.
    """
    torch.manual_seed(0)
    tree = TREES["faces"]
    hierarchy = Hierarchy.of(tree, {node: FusionNet(net).eval() for node in tree})
    codes = {node: random_codes(generator, count, seed) for seed, node in enumerate(hierarchy.active)}

    def together() -> torch.Tensor:
        return hierarchy.fuse(codes).flat()

    def one_by_one() -> torch.Tensor:
        parts = ({node: code[i : i + 1] for node, code in codes.items()} for i in range(count))
        return torch.cat([hierarchy.fuse(part).flat() for part in parts])

    difference = (together() - one_by_one()).abs().max().item()
    if difference > 1e-4:
        raise OutputsDifferError(f"{name}: fused codes differ by {difference:.1e}")
    fast, slow = time_pair(together, one_by_one, runs)
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    return SpeedRow(
        task="fusing-speed",
        method="stylefusion",
        model=name,
        value=statistics.median(ratios),
        n=runs,
        protocol="alternating, one call against a call for each code",
        batch=count,
        seconds=statistics.median(fast),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
    )


def table(rows: list[SpeedRow]) -> Lines:
    """A line a row."""
    return [{"nets": row.model, "codes": row.batch, "one call s": row.seconds, "ratio": row.span} for row in rows]
