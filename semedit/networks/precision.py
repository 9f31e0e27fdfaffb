"""The number format in which networks are trained."""

import torch


def training_cast(precision: str, device: str) -> torch.autocast:
    """The autocast of a training step in "fp32" or "bf16" on a type of device.

    Processors without 512-bit vectors emulate bf16, many times slower than fp32: there, bf16 computes in fp32.
    """
    emulated = device == "cpu" and not torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16" and not emulated)
