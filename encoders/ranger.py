"""Ranger: RAdam (Liu et al. 2020) with Lookahead (Zhang et al. 2019) and gradient centralisation (Yong et al. 2020)."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Ranger(torch.optim.Optimizer):
    """As the ReStyle encoder is trained with it, without weight decay.

    Gradients of tensors with more than one dimension lose their mean over all but the first; the step is RAdam's
    (plain momentum while the variance of the adaptive rate is unbounded); every ``lookahead`` steps the weights move
    ``alpha`` of the way from a slow copy.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.95, 0.999),
        eps: float = 1e-5,
        alpha: float = 0.5,
        lookahead: int = 6,
        threshold: float = 5.0,
    ):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "alpha": alpha, "lookahead": lookahead}
        super().__init__(params, {**defaults, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step on the present gradients; parameters without one are left alone."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            state["slow_buffer"] = parameter.detach().clone()
        if gradient.dim() > 1:
            gradient = gradient - gradient.mean(tuple(range(1, gradient.dim())), keepdim=True)
        state["step"] += 1
        step, (beta1, beta2) = int(state["step"]), group["betas"]
        state["exp_avg"].lerp_(gradient, 1 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        size, adaptive = rectification(step, beta1, beta2, group["threshold"])
        if adaptive:
            parameter.addcdiv_(
                state["exp_avg"], state["exp_avg_sq"].sqrt().add_(group["eps"]), value=-group["lr"] * size
            )
        else:
            parameter.add_(state["exp_avg"], alpha=-group["lr"] * size)
        if step % group["lookahead"] == 0:
            state["slow_buffer"].lerp_(parameter, group["alpha"])
            parameter.copy_(state["slow_buffer"])


def rectification(step: int, beta1: float, beta2: float, threshold: float) -> tuple[float, bool]:
    """RAdam's step size, and whether the adaptive rate is used, at 1-based ``step``."""
    power = beta2**step
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * power / (1 - power)
    if length <= threshold:
        return 1 / (1 - beta1**step), False
    variance = (1 - power) * (length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2)
    return math.sqrt(variance) / (1 - beta1**step), True
