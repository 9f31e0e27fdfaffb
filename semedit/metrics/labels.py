"""How well two label maps agree."""

import torch
from torch import Tensor

#: Regions that cover more than this share of the area are the large ones, over which label maps are compared.
LARGE = 0.005


def iou_counts(predicted: Tensor, truth: Tensor, regions: int) -> Tensor:
    """Counts (3, R) of label maps' pixels for each region: intersection, union, truth. Counts of batches add up."""
    rows = []
    for region in range(regions):
        here, there = truth == region, predicted == region
        rows.append(torch.stack([(here & there).sum(), (here | there).sum(), here.sum()]))
    return torch.stack(rows, dim=1).float()


def iou_of_counts(counts: Tensor, min_share: float = 0.0) -> float:
    """Mean intersection over union over the regions that cover more than ``min_share`` of the truth."""
    both, either, truth = counts
    chosen = truth / truth.sum() > min_share
    return (both / either)[chosen].mean().item()


def mean_iou(predicted: Tensor, truth: Tensor, regions: int, min_share: float = 0.0) -> float:
    """Mean intersection over union of label maps, over the regions that cover more than ``min_share`` of ``truth``."""
    return iou_of_counts(iou_counts(predicted, truth, regions), min_share)
