"""Networks of measures on the devices where they are used: a copy for each device, the original on the CPU."""

import copy
from typing import Protocol, Self, TypeVar
from weakref import WeakKeyDictionary

import torch


class Placeable(Protocol):
    """Something that moves to a device in place."""

    def to(self, device: torch.device) -> Self: ...


N = TypeVar("N", bound=Placeable)
_COPIES: WeakKeyDictionary[Placeable, dict[torch.device, Placeable]] = WeakKeyDictionary()


def placed(network: N, device: torch.device | str) -> N:
    """A domain's network on ``device``: itself on the CPU, a copy of it elsewhere, made once.

    A domain opens each of its networks once and shares it; moved in place, it would be torn between two models on two
    devices.
    """
    device = torch.device(device)
    if device.type == "cpu":
        return network
    copies = _COPIES.setdefault(network, {})
    if device not in copies:
        copies[device] = copy.deepcopy(network).to(device)
    found: N = copies[device]  # type: ignore[assignment]
    return found
