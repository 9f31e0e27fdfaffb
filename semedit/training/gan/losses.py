"""The losses of SemanticStyleGAN's GAN training (Shi et al. 2022, section 3.4)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.networks.synthesis import Synthesis


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean softplus(-D(real)) + mean softplus(D(fake)), the non-saturating logistic loss."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """mean softplus(-D(fake))."""
    return F.softplus(-fake).mean()


def r1_penalties(logits: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """R1 of each input apart: mean over the batch of |d(sum logits) / d input|^2, differentiable."""
    gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return tuple(gradient.float().square().flatten(1).sum(1).mean() for gradient in gradients)


def mask_consistency(synthesis: Synthesis) -> Tensor:
    """Mean squared difference between the coarse segmentation (2m - 1) and the pooled refined one; no detach."""
    coarse = synthesis.coarse_segmentation
    return (
        (coarse - F.adaptive_avg_pool2d(synthesis.segmentation, (coarse.shape[-2], coarse.shape[-1]))).square().mean()
    )


def path_lengths(image: Tensor, expanded: Tensor, noise: Tensor) -> Tensor:
    """Lengths (B,) of J^T noise: sqrt(mean over rows of the sum over D of the squared gradient).

    image (B, 3, H, W) must depend on ``expanded`` (B, E, D); noise is N(0, 1) / sqrt(H W).
    """
    (gradient,) = torch.autograd.grad((image * noise).sum(), expanded, create_graph=True)
    return gradient.float().square().sum(2).mean(1).sqrt()


def update_path_mean(mean: Tensor, lengths: Tensor, decay: float = 0.01) -> Tensor:
    """a + 0.01 (mean length - a); differentiable (detached only where it is stored)."""
    return mean + decay * (lengths.mean() - mean)
