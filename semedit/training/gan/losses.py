"""The losses of SemanticStyleGAN's GAN training (Shi et al. 2022, section 3.4)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.networks.synthesis import Synthesis


def weighed(values: Tensor, shares: Tensor | None) -> Tensor:
    """The mean over pictures of values (B, K), in each of which those of one picture count by ``shares`` (K,).

    >>> weighed(torch.tensor([[1.0, 4.0]]), torch.tensor([1.0, 0.5])), weighed(torch.ones(2, 1), None)
    (tensor(3.), tensor(1.))
    """
    return values.mean() if shares is None else (values * shares).sum(1).mean()


def discriminator_loss(real: Tensor, fake: Tensor, shares: Tensor | None = None) -> Tensor:
    """mean softplus(-D(real)) + mean softplus(D(fake)), the non-saturating logistic loss; ``shares`` as of
    :func:`weighed`.

    >>> discriminator_loss(torch.zeros(4, 1), torch.zeros(4, 1))  # it cannot tell them apart: 2 log 2
    tensor(1.3863)
    """
    return weighed(F.softplus(-real), shares) + weighed(F.softplus(fake), shares)


def generator_loss(fake: Tensor, shares: Tensor | None = None) -> Tensor:
    """mean softplus(-D(fake)); ``shares`` as of :func:`weighed`."""
    return weighed(F.softplus(-fake), shares)


def r1_penalties(logits: Tensor, *inputs: Tensor, shares: Tensor | None = None) -> tuple[Tensor, ...]:
    """R1 of each input apart: mean over the batch of |d(sum logits) / d input|^2, differentiable; of a picture's logits
    (B, K) each counts by ``shares`` (K,)."""
    total = logits.sum() if shares is None else (logits * shares).sum()
    gradients = torch.autograd.grad(total, inputs, create_graph=True)
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
    """a + 0.01 (mean length - a); differentiable (detached only where it is stored).

    >>> update_path_mean(torch.tensor(1.0), torch.tensor([2.0, 4.0]))
    tensor(1.0200)
    """
    return mean + decay * (lengths.mean() - mean)
