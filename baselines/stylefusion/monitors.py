"""What is measured and shown of a FusionNet on codes that it never learns from."""

import torch
from torch import Tensor

from baselines.stylefusion.fusion_net import FusionNet
from baselines.stylefusion.objective import Draw, Scene
from baselines.stylefusion.regions import brought_to
from semedit.pictures.sheets import sheet


@torch.no_grad()
def measure_fusion(net: FusionNet, draw: Draw, scene: Scene, *, layout: bool = True) -> dict[str, float]:
    """Measures on held-out codes.

    ``inside_1``, ``inside_2``: the share of the change inside a region, old or new, when its code is replaced;
    ``changed_1``, ``changed_2``: the change inside it, mean absolute, on [-1, 1]; ``layout_iou``: overlap of the fused
    picture's masks with those of the layout's picture.
    """
    own = draw.layout if layout else None
    result = scene.look(net(draw.first, draw.second, own))
    masks = scene.masks(result, soft=False)
    wanted = scene.masks(scene.look(draw.layout), soft=False)
    shared, union = (masks * wanted).sum((0, 2, 3)), (masks + wanted).clamp(max=1).sum((0, 2, 3))
    found = {"layout_iou": (shared / union.clamp(min=1)).mean().item()}
    for place, (first, second) in enumerate(((draw.other, draw.second), (draw.first, draw.other))):
        changed = scene.look(net(first, second, own))
        region = torch.maximum(masks, scene.masks(changed, soft=False))[:, place : place + 1]
        region = (brought_to(region, result.image.shape[-1]) > 0.5).to(result.image)
        difference = (changed.image - result.image).abs().mean(1, keepdim=True)
        inside = (difference * region).sum()
        found[f"inside_{place + 1}"] = (inside / difference.sum().clamp(min=1e-12)).item()
        found[f"changed_{place + 1}"] = (inside / region.sum().clamp(min=1)).item()
    return found


@torch.no_grad()
def fusion_sheet(net: FusionNet, draw: Draw, scene: Scene, *, layout: bool = True) -> Tensor:
    """A picture (3, H', W'), a column for each draw: the codes of the two regions, of the layout, and another; their
    fusion, and the fusion with the other in place of the first, and of the second."""
    own = draw.layout if layout else None
    codes = (
        draw.first,
        draw.second,
        draw.layout,
        draw.other,
        net(draw.first, draw.second, own),
        net(draw.other, draw.second, own),
        net(draw.first, draw.other, own),
    )
    rows = [scene.look(code).image for code in codes]
    return sheet(torch.cat(rows), columns=len(rows[0]))
