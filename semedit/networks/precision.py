"""The number format in which networks compute."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

Precision = Literal["fp32", "bf16"]
#: How much faster products of matrices must be in bf16, for it to be worth its rounding.
WORTH = 1.5


def training_cast(precision: str, device: str) -> torch.autocast:
    """The autocast of a training step in "fp32" or "bf16" on a type of device, see :func:`training_precision`."""
    return torch.autocast(device, torch.bfloat16, enabled=training_precision(precision, device) == "bf16")


def training_precision(precision: str, device: str) -> Precision:
    """What a training step in "fp32" or "bf16" computes in on a type of device.

    Processors without 512-bit vectors emulate bf16, many times slower than fp32: there, bf16 computes in fp32.
    """
    emulated = device == "cpu" and not torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "bf16" if precision == "bf16" and not emulated else "fp32"


def cast(precision: str, device: torch.device) -> torch.autocast:
    """The autocast of a network that computes in "fp32" or "bf16" on a device."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


#: What autocast computes in bf16, as Python calls it.
PRODUCTS = {F.conv2d, F.conv_transpose2d, F.linear, torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm,
            torch.einsum, Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm}  # fmt: skip


class _HalvedProducts(TorchFunctionMode):
    """Products whose operands are taken in bf16."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:  # fmt: skip
        kwargs = kwargs or {}
        if func in PRODUCTS:
            args, kwargs = tree_map(_halved, (args, kwargs))
        return func(*args, **kwargs)


def _halved(operand: Any) -> Any:
    return operand.bfloat16() if isinstance(operand, Tensor) and operand.dtype == torch.float32 else operand


@contextmanager
def sketched_cast(precision: str) -> Iterator[None]:
    """:func:`cast` for tensors without data (torch's meta device), which autocast passes by: what is kept of them has
    the sizes that it would have on a processor."""
    if precision != "bf16":
        yield
        return
    with torch.autocast("cpu", torch.bfloat16), _HalvedProducts():
        yield


def working_dtype(like: Tensor) -> torch.dtype:
    """What products of ``like`` are computed in: autocast's type where it is on, else its own. Tensors without data
    follow the processor's autocast."""
    kind = "cpu" if like.is_meta else like.device.type
    cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.get_autocast_dtype(kind) if cast else like.dtype


@cache
def bf16_gain(side: int = 512, runs: int = 5) -> float:
    """How many times as fast this processor multiplies matrices in bf16, measured once."""
    fastest = []
    for kind in (torch.float32, torch.bfloat16):
        one, seconds = torch.ones(side, side, dtype=kind), []
        torch.mm(one, one)
        for _ in range(runs):
            began = time.process_time()
            torch.mm(one, one)
            seconds.append(time.process_time() - began)
        fastest.append(min(seconds))
    return fastest[0] / max(fastest[1], 1e-9)


def preferred(device: torch.device | str = "cpu") -> Precision:
    """The precision that a device does well: bf16 where it has it in hardware, and gains WORTH or more, else fp32."""
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if kind == "cpu" and bf16_gain() >= WORTH else "fp32"
