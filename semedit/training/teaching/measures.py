"""What is measured on lessons that were never learnt from, and shown of them."""

import torch
from torch import Tensor

from semedit.data.lessons import Lessons
from semedit.metrics.labels import iou_counts
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.sheets import labels_to_colours, sheet
from semedit.pictures.tensors import to_images
from semedit.training.teaching.objectives import PointReader, wplus

BATCH = 16


@torch.no_grad()
def measure_points(reader: PointReader, lessons: Lessons, points: int = 1024) -> dict[str, float]:
    """Error and label agreement at the same ``points`` of each lesson, every time."""
    generator, (count, height, width) = reader.generator, lessons.labels.shape
    chosen = torch.randint(height * width, (count, points), generator=torch.Generator().manual_seed(0))
    errors, found = [], []
    for part in range(0, count, BATCH):
        some, at = lessons.select(slice(part, part + BATCH)), chosen[part : part + BATCH].to(lessons.labels.device)
        colours, masks = reader(wplus(generator, some), torch.stack([at % width, at // width], dim=2))
        true = to_images(some.images.flatten(2).gather(2, at[:, None].expand(-1, 3, -1))).transpose(1, 2)
        errors.append((colours - true).square().mean((1, 2)))
        found.append(masks.argmax(1))
    true_labels = lessons.labels.flatten(1).gather(1, chosen.to(lessons.labels.device)).long()
    return summary(torch.cat(errors), torch.cat(found), true_labels, generator)


@torch.no_grad()
def measure_pictures(generator: StyleBasedGenerator, lessons: Lessons) -> dict[str, float]:
    """Error, and label agreement where there are labels, of whole pictures."""
    errors, found = [], []
    for part in range(0, len(lessons), BATCH):
        some = lessons.select(slice(part, part + BATCH))
        out = generator(wplus(generator, some))
        errors.append((out.image.clamp(-1, 1) - to_images(some.images)).square().flatten(1).mean(1))
        found += [out.labels] if out.labels is not None else []
    return summary(torch.cat(errors), torch.cat(found) if found else None, lessons.labels.long(), generator)


def summary(errors: Tensor, found: Tensor | None, true: Tensor, generator: StyleBasedGenerator) -> dict[str, float]:
    """Mean squared error on [-1, 1], PSNR in dB of that mean, share of labels right, and each region's IoU."""
    error = {"mse": errors.mean().item(), "psnr": 10 * torch.log10(4 / errors.mean()).item()}
    if found is None:
        return error
    both, either, _ = iou_counts(found, true, len(generator.regions))
    overlaps = both / either.clamp(min=1)
    named = {f"iou/{name}": value for name, value in zip(generator.regions.names, overlaps.tolist(), strict=True)}
    return {**error, "labels": (found == true).float().mean().item(), **named}


@torch.no_grad()
def picture_sheet(generator: StyleBasedGenerator, lessons: Lessons) -> Tensor:
    """A picture: lessons, what the generator makes of their codes, and its label maps if there are any, in rows."""
    out = generator(wplus(generator, lessons))
    rows = [to_images(lessons.images), out.image.clamp(-1, 1)]
    if out.labels is not None:
        rows.append(labels_to_colours(out.labels, generator.regions))
    return sheet(torch.cat(rows), columns=len(lessons))


@torch.no_grad()
def point_sheet(reader: PointReader, lessons: Lessons) -> Tensor:
    """The same of every pixel's point, without the render net."""
    height, width = lessons.labels.shape[-2:]
    index = torch.arange(height * width, device=lessons.labels.device)
    points = torch.stack([index % width, index // width], dim=1).expand(len(lessons), -1, -1)
    colours, masks = reader(wplus(reader.generator, lessons), points)
    images = colours.transpose(1, 2).unflatten(-1, (height, width)).clamp(-1, 1)
    labels = masks.argmax(1).unflatten(-1, (height, width))
    rows = [to_images(lessons.images), images, labels_to_colours(labels, reader.generator.regions)]
    return sheet(torch.cat(rows), columns=len(lessons))
