"""The conditional continuous normalising flow of StyleFlow (Abdal et al. 2021, https://arxiv.org/abs/2008.02401).

An invertible map between rows of latent codes and Gaussian variables, under attributes: a batch norm, an ordinary
differential equation (Chen et al. 2018; its density by Hutchinson's estimate, Grathwohl et al. 2019), a batch norm.
Every row is mapped by itself, with the same weights. Departure: the solver's state holds the rows alone, and density
only where that is asked for, so that its steps are not chosen by what does not change.

Shapes: B batch, L rows, D width, A attributes.
"""

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from semedit.config import Config
from semedit.errors import LatentError


class FlowConfig(Config):
    """Sizes and accuracy of a flow; the defaults are the published ones."""

    noun: ClassVar[str] = "flow configuration"

    dim: int = Field(512, ge=1)
    attributes: int = Field(17, ge=1, le=4096)
    layers: int = Field(6, ge=1, le=256)
    tolerance: float = Field(1e-5, gt=0, description="absolute and relative, of the adaptive solver")


class MovingBatchNorm(nn.Module):
    """Batch norm by running statistics, in training too (those from before the batch), and its exact inverse."""

    DECAY, EPS = 0.1, 1e-4

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, dim: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        log_scale = self.log_scale()
        y = (x - self.running_mean) * log_scale.exp() + self.bias
        if self.training:
            with torch.no_grad():
                rows = x.flatten(0, -2)
                self.running_mean.lerp_(rows.mean(0), self.DECAY)
                self.running_var.lerp_(rows.var(0), self.DECAY)
        return y

    def inverse(self, y: Tensor) -> Tensor:
        return (y - self.bias) * (-self.log_scale()).exp() + self.running_mean

    def log_scale(self) -> Tensor:
        """Logarithm (D,) of the factor of each feature; its sum is the change of volume."""
        return self.weight - 0.5 * (self.running_var + self.EPS).log()


class ConcatSquash(nn.Module):
    """A linear layer whose output is gated and shifted by time and attributes."""

    def __init__(self, dim: int, context: int):
        super().__init__()
        self.linear, self.gate = nn.Linear(dim, dim), nn.Linear(context, dim)
        self.shift = nn.Linear(context, dim, bias=False)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (B, L, D) under context (B, 1 + A), time first."""
        return self.linear(x) * torch.sigmoid(self.gate(context))[:, None] + self.shift(context)[:, None]


class VelocityField(nn.Module):
    """dx/dt at a time, under attributes: gated layers with tanh between them."""

    def __init__(self, dim: int, attributes: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(ConcatSquash(dim, 1 + attributes) for _ in range(layers))

    def forward(self, time: Tensor, attributes: Tensor, x: Tensor) -> Tensor:
        """The velocity (B, L, D) of rows x (B, L, D) under attributes (B, A)."""
        context = torch.cat([time.expand(len(x), 1), attributes], dim=1)
        for index, layer in enumerate(self.layers):
            x = layer(torch.tanh(x) if index else x, context)
        return x


class ConditionalFlow(nn.Module):
    """Rows of codes (B, L, D) <-> Gaussian variables (B, L, D), under attributes (B, A)."""

    def __init__(self, config: FlowConfig):
        super().__init__()
        self.config = config
        self.before, self.after = MovingBatchNorm(config.dim), MovingBatchNorm(config.dim)
        self.field = VelocityField(config.dim, config.attributes, config.layers)
        self.sqrt_end_time = nn.Parameter(torch.tensor(1.0))

    @property
    def end_time(self) -> Tensor:
        return self.sqrt_end_time**2

    def check(self, x: Tensor, attributes: Tensor) -> None:
        """LatentError unless x is (B, L, D) and attributes are (B, A)."""
        wanted = (len(x), self.config.attributes)
        if x.dim() != 3 or x.shape[-1] != self.config.dim or attributes.shape != wanted:
            raise LatentError(
                f"rows {tuple(x.shape)} with attributes {tuple(attributes.shape)}; this flow takes "
                f"(B, L, {self.config.dim}) with (B, {self.config.attributes})"
            )

    def solve(self, x: Tensor, attributes: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Rows after following the field from one time to another; a batch is one solve."""
        if torch.equal(start, end):
            return x
        from torchdiffeq import odeint

        times, tolerance = torch.stack([start, end]), self.config.tolerance
        path = odeint(
            lambda t, y: self.field(t, attributes, y), x, times, rtol=tolerance, atol=tolerance, method="dopri5"
        )
        return path[-1]

    def encode(self, x: Tensor, attributes: Tensor) -> Tensor:
        """Codes -> Gaussian variables. Raises LatentError for other shapes."""
        self.check(x, attributes)
        zero = torch.zeros_like(self.end_time)
        return self.after(self.solve(self.before(x), attributes, zero, self.end_time))

    def decode(self, u: Tensor, attributes: Tensor) -> Tensor:
        """Gaussian variables -> codes; the inverse of :meth:`encode` under the same attributes."""
        self.check(u, attributes)
        zero = torch.zeros_like(self.end_time)
        return self.before.inverse(self.solve(self.after.inverse(u), attributes, self.end_time, zero))

    def log_prob(self, x: Tensor, attributes: Tensor, probe: Tensor | None = None) -> Tensor:
        """Log-density (B, L) of rows x (B, L, D); the trace is estimated with one ``probe`` like x, drawn if missing.

        Unlike the released code's, the constant -D/2 log 2 pi is counted once a row.
        """
        from torchdiffeq import odeint

        self.check(x, attributes)
        probe = torch.randn_like(x) if probe is None else probe
        start = self.before(x)

        def velocity(t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                y = state[0] if state[0].requires_grad else state[0].detach().requires_grad_()
                dy = self.field(t, attributes, y)
                (pulled,) = torch.autograd.grad(dy, y, probe, create_graph=True)
            return dy, (pulled * probe).sum(-1)

        times, tolerance = torch.stack([torch.zeros_like(self.end_time), self.end_time]), self.config.tolerance
        end, trace = start, torch.zeros_like(x[..., 0])
        if times[1] > 0:  # the solver refuses an interval of no length, on which nothing happens
            state = (start if start.requires_grad else start.requires_grad_(), trace)
            path, traces = odeint(velocity, state, times, rtol=tolerance, atol=tolerance, method="dopri5")
            end, trace = path[-1], traces[-1]
        volume = trace + self.before.log_scale().sum() + self.after.log_scale().sum()
        u = self.after(end)
        return -0.5 * u.square().sum(-1) - 0.5 * x.shape[-1] * math.log(2 * math.pi) + volume
