"""The deterministic fill behind the golden values, and the comparison of a tensor with a golden row."""

import numpy as np
import torch
from torch import Tensor


def fill(position: int, shape: tuple[int, ...], mean: float = 0.0, scale: float = 1.0) -> Tensor:
    """T(s; shape): v(s, j) for all flat j, times ``scale``, plus ``mean``."""
    count = int(np.prod(shape))
    a = 12.9898 * (np.arange(count, dtype=np.float64) + 1)
    x = np.sin(a + 78.233 * (position + 1)) * 43758.5453
    values = mean + scale * ((x - np.floor(x)) - 0.5) * np.sqrt(12)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def rule_generator(key: str) -> tuple[float, float]:
    """Rule table G."""
    if key.startswith("style.") or "disentangle_net" in key:
        return (0.0, 100.0) if key.endswith("weight") else (0.0, 10.0)
    if key.endswith(("modulation.bias", "modulation")):
        return 1.0, 0.1
    return (0.0, 0.1) if key.endswith(("noise.weight", "bias")) else (0.0, 1.0)


def rule_discriminator(key: str) -> tuple[float, float]:
    """Rule table D."""
    return (0.0, 0.1) if key.endswith("bias") else (0.0, 1.0)


def fill_state(state: dict[str, Tensor], rule) -> dict[str, Tensor]:
    """An official state dict with every learnt tensor filled; ``.kernel`` buffers keep their values."""
    names = sorted(key for key in state if not key.endswith((".kernel", "num_batches_tracked")))
    filled = dict(state)
    for position, key in enumerate(names):
        filled[key] = fill(position, tuple(state[key].shape), *rule(key))
    return filled


def check(tensor: Tensor, mean: float, std: float, values: list[float], tolerance: float = 1e-4) -> None:
    """Compare mean, population std and the elements at [0, 1, N//3, N//2, N-1]."""
    flat = tensor.detach().flatten().double()
    n = flat.numel()
    got = [flat.mean(), flat.std(unbiased=False), *(flat[i] for i in (0, 1, n // 3, n // 2, n - 1)[: len(values)])]
    torch.testing.assert_close(
        torch.stack([torch.as_tensor(g, dtype=torch.float64) for g in got]),
        torch.tensor([mean, std, *values], dtype=torch.float64),
        rtol=tolerance,
        atol=tolerance,
    )
