"""Speed of the encoder's eval forward against the plainest one: a network for each head, nothing folded or stacked."""

import statistics
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.speed.timing import OutputsDifferError, time_pair
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.official import to_official


class PlainHead(nn.Module):
    """One style head as published: convolutions of stride 2 with LeakyReLU, then a linear layer."""

    def __init__(self, channels: int, dim: int, layers: int):
        super().__init__()
        pairs = [[nn.Conv2d(channels, channels, 3, 2, 1), nn.LeakyReLU(0.01)] for _ in range(layers)]
        self.convs = nn.Sequential(*(module for pair in pairs for module in pair))
        self.linear = nn.Linear(channels, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.convs(x).flatten(1))


class PlainEncoder(nn.Module):
    """The same weights in the published shape: trunk with its batch norms, and a loop over the heads."""

    def __init__(self, encoder: ResidualEncoder):
        super().__init__()
        config, state = encoder.config, to_official(encoder)
        channels, layers = config.stages[-1], config.map_side.bit_length() - 1
        self.trunk = ResidualEncoder(config).trunk
        self.trunk.load_state_dict({k: v for k, v in state.items() if not k.startswith("styles.")})
        self.styles = nn.ModuleList(PlainHead(channels, config.style_dim, layers) for _ in range(config.rows))
        heads = {k.removeprefix("styles."): v for k, v in state.items() if k.startswith("styles.")}
        scale = channels**-0.5  # the equalised learning rate of the linear layers
        self.styles.load_state_dict({k: v * scale if k.endswith("linear.weight") else v for k, v in heads.items()})

    def forward(self, x: Tensor) -> Tensor:
        x = self.trunk(x)
        return torch.stack([head(x) for head in self.styles], dim=1)


def official_encoder(config: EncoderConfig | None = None, seed: int = 0) -> ResidualEncoder:
    """An encoder of the official configuration (256 px, 28 heads) with random weights and statistics."""
    torch.manual_seed(seed)
    encoder = ResidualEncoder(config or EncoderConfig())
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.8, 1.2)  # type: ignore[union-attr]
    return encoder.eval().requires_grad_(False)


def compare_encoders(encoder: ResidualEncoder, batch: int, precision: str, runs: int) -> dict[str, Any]:
    """One row of the table. Raises OutputsDifferError if the codes are not the same."""
    low = precision == "bf16"
    folded = encoder.for_inference(torch.bfloat16 if low else torch.float32)
    plain = PlainEncoder(encoder).eval().requires_grad_(False)
    x = (
        torch.rand(batch, 6, encoder.config.size, encoder.config.size, generator=torch.Generator().manual_seed(1)) * 2
        - 1
    )

    def run(network: nn.Module) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
            return network(x)

    ours, theirs = run(folded).float(), run(plain).float()
    difference = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    if difference > (0.1 if low else 1e-4):
        raise OutputsDifferError(f"codes differ by {difference:.2e} of their maximum")
    times, plain_times = time_pair(lambda: run(folded), lambda: run(plain), runs)
    ratios = sorted(b / a for a, b in zip(times, plain_times, strict=True))
    config = encoder.config
    return {
        "task": "speed", "method": "encoder", "size": config.size, "rows": config.rows, "batch": batch,
        "precision": precision, "seconds": statistics.median(times), "plain_seconds": statistics.median(plain_times),
        "ratio": statistics.median(ratios), "ratio_low": ratios[0], "ratio_high": ratios[-1], "difference": difference,
    }  # fmt: skip
