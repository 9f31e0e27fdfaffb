"""3x3 convolutions by Winograd's minimal filtering (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", https://arxiv.org/abs/1509.09308, section 4.1, F(2x2, 3x3)).

A tile of 2x2 outputs takes 16 multiplications a pair of channels instead of 36: inputs and weights are transformed, 16
products of matrices follow, and their sums are transformed back. The transforms add and halve alone, so that rounding
is no worse than that of the convolution itself; they cost time in the number of channels, and the products in its
square, so that wide layers gain.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.networks.layers import Folded
from semedit.networks.precision import working_dtype

#: Side of an output tile, and of the input tile that it is made of.
OUT, IN = 2, 4
#: Channels from which on the products outweigh the transforms on a CPU.
WIDE = 256
#: The transforms B^T, G and A^T of one dimension.
INPUT = torch.tensor([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
WEIGHT = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
OUTPUT = torch.tensor([[1.0, 1, 1, 0], [0, 1, -1, -1]])


def transformed(weight: Tensor) -> Tensor:
    """Weights (O, I, 3, 3) as the products take them, (16, I, O)."""
    return torch.einsum("pk,ql,oikl->pqio", WEIGHT.to(weight), WEIGHT.to(weight), weight).flatten(0, 1).contiguous()


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The convolution of x (B, I, H, W), of even sides, with one zero around, by :func:`transformed` weights
    (16, I, O) -> (B, O, H, W), channels-last."""
    (batch, _, height, width), outputs = x.shape, weight.shape[-1]
    down, across = height // OUT, width // OUT
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    tiles = padded.unfold(1, IN, OUT).unfold(2, IN, OUT).permute(4, 5, 0, 1, 2, 3)  # (4, 4, B, h, w, I)
    inputs = torch.mm(torch.kron(INPUT, INPUT).to(x), tiles.reshape(IN * IN, -1))
    products = torch.bmm(inputs.view(IN * IN, batch * down * across, -1), weight)
    back = torch.mm(torch.kron(OUTPUT, OUTPUT).to(x), products.flatten(1)).view(OUT, OUT, batch, down, across, outputs)
    y = back.permute(2, 3, 0, 4, 1, 5).reshape(batch, height, width, outputs)
    return (y if bias is None else y.add_(bias)).permute(0, 3, 1, 2)


def gains(x: Tensor, weight: Tensor) -> bool:
    """Whether x (B, I, H, W) is convolved with a weight (O, I, 3, 3) faster so: where no gradient is asked for, in
    float32, on a CPU, on maps of even sides."""
    asked = torch.is_grad_enabled() or torch.compiler.is_compiling()
    single = weight.dtype == working_dtype(x) == torch.float32 and x.device.type == "cpu"
    return single and not asked and min(weight.shape[:2]) >= WIDE and not (x.shape[-1] % OUT or x.shape[-2] % OUT)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, kept: Folded, *sources: Tensor) -> Tensor:
    """The convolution of x (B, I, H, W) with a weight (O, I, 3, 3) and one zero around, in the faster way.

    ``kept`` holds the transformed weight for as long as the parameters that it was made of, ``sources``, stay the same.
    """
    if gains(x, weight):
        return convolve(x, kept(lambda: transformed(weight), *sources), bias)
    return F.conv2d(x, weight, bias, padding=1)


class WideConv2d(nn.Conv2d):
    """The 3x3 convolution ``conv`` of stride 1, by Winograd's filtering where that :func:`gains`."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__(conv.in_channels, conv.out_channels, 3, 1, 1, bias=conv.bias is not None)
        self.weight, self.bias = conv.weight, conv.bias
        self.kept = Folded()

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Whether a convolution is one of those that may gain."""
        form = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups)
        return form == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and min(conv.in_channels, conv.out_channels) >= WIDE

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias, self.kept, self.weight)
