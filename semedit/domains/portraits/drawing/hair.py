"""Hair in four layers: behind the head, a bun, locks in front of the shoulders, and the cap with its hairline."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, bell, ellipse, smooth
from semedit.domains.portraits.drawing.head import OUTLINE, Head, Pose
from semedit.domains.portraits.drawing.sheet import Part, both_sides

HAIR = 7


def length(pose: Pose) -> Tensor:
    """How far down the hair reaches (B, 1): from the ears (short) to below the picture (long)."""
    return 0.05 + 1.15 * pose["hair_length"]


def grown(pose: Pose, at_least: float = 0.0) -> Tensor:
    """Where there is hair on top and it is at least so long (factor ``hair_length``): (B, 1), bool."""
    return (pose["bald"] < 0.5) & (pose["hair_length"] >= at_least)


def outer_half(head: Head, spread: float) -> Tensor:
    """Half-width (B, N) of falling hair: the cap's at its widest, growing by ``spread`` below, plus curls."""
    fuller = head["hair_volume"] * (1.0 + spread * head["hair_length"] * smooth(head.v, -0.14, 0.45))
    return head["face_width"] + fuller + edge_wave(head) * (0.5 + 0.5 * smooth(head.v, -0.14, 0.1))


def widest(pose: Pose, spread: float) -> Tensor:
    """The most (B, 1) that :func:`outer_half` and the slide by yaw come to."""
    fuller = pose["hair_volume"] * (1.0 + spread * pose["hair_length"])
    return pose["face_width"] + fuller + 0.036 * pose["hair_wave"].abs() + 0.03 * pose.sin_yaw.abs()


def edge_wave(head: Head) -> Tensor:
    """Displacement of the outline by curls (B, N)."""
    phase, wave = head["hair_phase"], head["hair_wave"]
    return wave * (0.022 * torch.sin(head.v * 17 + phase) + 0.014 * torch.sin(head.v * 31 + head.u * 9 + 2 * phase))


def strand_shade(head: Head, spread: float = 0.0) -> Tensor:
    """Shade (B, N) of combed hair: locks that fan out over the head, fine strands that leave the parting, a band of
    gloss, darker depths."""
    u, v, phase = head.u - head["parting"], head.v, head["hair_phase"]
    radius = torch.sqrt(u * u + (v + 0.62).square() + 1e-6)
    angle = torch.atan2(u, v + 0.75 + spread)
    curl = head["hair_wave"] * 0.9 * torch.sin(radius * 14 + phase)
    flow = angle * 9 + 0.35 * curl
    strands = 0.30 * torch.sin(flow * 3.1 + phase) + 0.21 * torch.sin(flow * 7.3 + 1.7 * phase)
    strands = strands + 0.15 * torch.sin(flow * 15.7)
    fan = torch.atan2(head.u, v + 0.75 + spread) + 0.04 * curl
    locks = 0.70 * torch.sin(fan * 13 + phase) + 0.21 * torch.sin(fan * 26 + 2 * phase)
    combed = (strands + locks) * smooth(radius, 0.05, 0.40)
    gloss = bell(radius - 0.36 - 0.03 * combed, 0.085)
    shade = head.light(head.u, head.v + 0.1, 0.62, 0.85)
    return 0.28 + 0.62 * shade + 0.085 * combed + 0.30 * gloss * (0.6 + 0.4 * shade)


def back_hair_box(pose: Pose) -> Tensor:
    half = widest(pose, 0.6)
    return pose.box(-half, -0.13, half, length(pose))


def draw_back_hair(canvas: Canvas, head: Head) -> None:
    """The mass behind head and neck, for hair of medium length and more."""
    reach = length(head)
    half = outer_half(head, 0.6) * (1 - 0.16 * smooth(head.v, reach - 0.30, reach))
    fall = torch.maximum((head.u + 0.03 * head.sin_yaw).abs() - half, torch.maximum(head.v - reach, -0.13 - head.v))
    shade = strand_shade(head, 0.4) * (0.72 - 0.1 * smooth(head["face_width"] - head.u.abs(), 0.0, 0.2))
    canvas.paint(fall, canvas.tone(head.colour("hair_colour"), shade), HAIR, outline=OUTLINE)


def bun_box(pose: Pose) -> Tensor:
    centre = 0.10 * pose["parting"] - 0.06 * pose.sin_yaw, -0.80 - 0.05 * pose.sin_pitch
    return pose.box_around(centre, 0.19, 0.16)


def draw_bun(canvas: Canvas, head: Head) -> None:
    """Hair tied into a bun on top of the head."""
    u, v = head.u - 0.10 * head["parting"] + 0.06 * head.sin_yaw, head.v + 0.80 + 0.05 * head.sin_pitch
    rings = 0.10 * torch.sin(torch.atan2(v, u) * 5 + torch.sqrt(u * u + v * v) * 60)
    shade = head.light(u, v, 0.22, 0.2) * 0.8 + rings
    canvas.paint(ellipse(u, v, 0.19, 0.16), canvas.tone(head.colour("hair_colour"), shade), HAIR, outline=OUTLINE)


def lock_box(pose: Pose, side: int) -> Tensor:
    inner = 0.83 * pose["face_width"] - 0.0144 * pose["hair_wave"].abs() - 0.03 * pose.sin_yaw.abs()
    left, right = (inner, widest(pose, 0.5)) if side > 0 else (-widest(pose, 0.5), -inner)
    return pose.box(left, -0.13, right, length(pose))


def draw_lock(canvas: Canvas, head: Head, side: int) -> None:
    """Long hair that falls in front of ear and shoulder on one side."""
    reach = length(head)
    outer = outer_half(head, 0.5) * (1 - 0.14 * smooth(head.v, reach - 0.3, reach))
    inner = head["face_width"] * (0.93 - 0.10 * smooth(head.v, 0.15, 0.75)) + 0.4 * edge_wave(head)
    across = side * (head.u + 0.03 * head.sin_yaw)
    ends = reach - 0.05 * (0.5 + 0.5 * torch.sin(head.u * 24 + head["hair_phase"])) * smooth(across, inner, outer)
    lock = torch.maximum(torch.maximum(across - outer, inner - across), torch.maximum(head.v - ends, -0.13 - head.v))
    shade = strand_shade(head, 0.5) - 0.12 * smooth(inner + 0.05 - across, 0.0, 0.05)
    canvas.paint(lock, canvas.tone(head.colour("hair_colour"), shade), HAIR, outline=OUTLINE)


def hairline(head: Head) -> Tensor:
    """Height (B, N) below which the forehead shows: swept from the parting, or cut straight into bangs."""
    u = head.u - 0.10 * head.sin_yaw
    swept = head["hairline"] + 0.9 * (u - head["parting"]).abs() ** 1.8 + 0.02 * torch.sin(u * 30 + head["hair_phase"])
    strands = 0.5 + 0.5 * torch.sin(u * 46 + head["hair_phase"]).abs()
    cut = head["eye_height"] - 0.19 - 0.035 * strands + 0.25 * u.square()
    pitch = 0.12 * head.sin_pitch
    return torch.lerp(swept, cut, head["bangs"]) + pitch


def lowest_hairline(pose: Pose) -> Tensor:
    """A bound (B, 1) of :func:`hairline` between the temples."""
    half = pose["face_width"] + 0.15 * pose.sin_yaw.abs()
    swept = pose["hairline"] + 0.9 * (half + pose["parting"].abs()) ** 1.8 + 0.02
    cut = pose["eye_height"] - 0.19 + 0.25 * half.square()
    return torch.maximum(swept, cut) + 0.12 * pose.sin_pitch


def hair_end(pose: Pose) -> Tensor:
    """How far down (B, 1) the cap covers the sides of the head."""
    return torch.where(pose["hair_length"] >= 0.30, length(pose).clamp(max=0.25), 0.06)


def cap_box(pose: Pose) -> Tensor:
    volume = pose["hair_volume"] + 0.018 * pose["hair_wave"].abs()
    half = pose["face_width"] + volume + 0.03 * pose.sin_yaw.abs()
    return pose.box(-half, -0.69 - volume, half, torch.maximum(lowest_hairline(pose) + 0.09, hair_end(pose)))


def temples(head: Head) -> tuple[Tensor, Tensor]:
    """Horizontal coordinate (B, N) across the cap, and how far out in it the hair at the temples begins (B, N)."""
    u = head.u + 0.03 * head.sin_yaw
    return u, head["face_width"] * (0.90 + 0.04 * smooth(head.v, -0.2, 0.1)) + 0.02 * head.sin_yaw * torch.sign(u)


def draw_cap(canvas: Canvas, head: Head) -> None:
    """The hair over the skull, open at the face, where it casts a shadow."""
    v, line = head.v, hairline(head)
    u, temple = temples(head)
    volume = head["hair_volume"] + 0.5 * edge_wave(head)
    cap = ellipse(u, v + 0.14, head["face_width"] + volume, 0.55 + volume)
    opening = torch.maximum(line - v, u.abs() - temple)
    hair = torch.maximum(torch.maximum(cap, -opening), v - hair_end(head))
    shade = strand_shade(head) - 0.14 * smooth(opening, -0.05, 0.0)
    canvas.darken(0.25 * canvas.cover(opening) * smooth(0.09 - (v - line).abs(), 0.0, 0.09))
    canvas.paint(hair, canvas.tone(head.colour("hair_colour"), shade), HAIR, outline=OUTLINE)


def fringe_box(pose: Pose) -> Tensor:
    half = pose["face_width"] + 0.035 + 0.03 * pose.sin_yaw.abs()
    return pose.box(-half, -0.24, half, 0.10)


def draw_fringe(canvas: Canvas, head: Head) -> None:
    """What may stay of the hair at the sides of a bald head."""
    v, width = head.v, head["face_width"]
    u, temple = temples(head)
    opening = torch.maximum(hairline(head) - v, u.abs() - temple)
    fringe = torch.maximum(torch.maximum(ellipse(u, v, width + 0.035, 0.42), width * 0.90 - u.abs()),
                           torch.maximum(v - 0.10, -0.24 - v))  # fmt: skip
    shade = 0.9 * (strand_shade(head) - 0.14 * smooth(opening, -0.05, 0.0))
    canvas.paint(fringe, canvas.tone(head.colour("hair_colour"), shade), HAIR)


BEHIND_PARTS: tuple[Part, ...] = (
    Part(draw_back_hair, back_hair_box, present=lambda pose: grown(pose, 0.22)),
    Part(draw_bun, bun_box, present=lambda pose: pose["bun"] > 0.5),
)
FRONT_PARTS: tuple[Part, ...] = (
    *both_sides(draw_lock, lock_box, present=lambda pose: grown(pose, 0.30)),
    Part(draw_cap, cap_box, present=grown),
    Part(draw_fringe, fringe_box, present=lambda pose: (pose["bald"] > 0.5) & (pose["hair_length"] > 0.5)),
)
