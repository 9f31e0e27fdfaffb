"""LPIPS (Zhang et al. 2018, https://arxiv.org/abs/1801.03924), where the weights of its backbone are present."""

from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor

from semedit.pictures.tensors import fit
from semedit.storage.content import reading
from semedit.storage.found import find_weights
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.weights import load_state

BACKBONES = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}


class Lpips:
    """LPIPS v0.1 on pictures pooled to 256 px, smaller ones too, with torchvision's backbone from a local file.

    ``net`` is "alex" or "vgg", two protocols; ``backbone`` the file of torchvision's weights for it (default: see
    :func:`find_weights`). Raises MissingWeights if the backbone's file is absent: without it the
    number would be meaningless. Nothing is downloaded.
    """

    SIZE = 256

    def __init__(self, net: Literal["alex", "vgg"] = "vgg", backbone: str | Path | None = None):
        path = find_weights(BACKBONES[net], f"SEMEDIT_LPIPS_{net.upper()}", f"LPIPS ({net})", backbone)
        import lpips

        self.protocol = f"lpips-{net}-v0.1@{self.SIZE}"
        self.network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval().requires_grad_(False)
        state, own = state_of(read_pickle(path), path), self.network.net.state_dict()
        with reading(path):
            renamed = {key: state["features." + key.split(".", 1)[1]] for key in own}
        load_state(self.network.net, renamed, path)

    def to(self, device: torch.device) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """LPIPS (B,) of picture pairs (B, 3, H, W) in [-1, 1]; differentiable."""
        return self.network(*(fit(x, self.SIZE, "pool") for x in (a, b))).flatten()
