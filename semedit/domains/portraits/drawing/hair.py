"""Hair in four layers: behind the head, a bun, locks in front of the shoulders, and the cap with its hairline."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, ellipse, smooth
from semedit.domains.portraits.drawing.head import Head

HAIR = 7


def length(head: Head) -> Tensor:
    """How far down the hair reaches (B, 1, 1): from the ears (short) to below the picture (long)."""
    return 0.05 + 1.15 * head["hair_length"]


def grown(head: Head, at_least: float = 0.0) -> Tensor:
    """1 where there is hair on top and it is at least so long (factor ``hair_length``), else 0: (B, 1, 1)."""
    return (1 - head["bald"]) * (head["hair_length"] >= at_least)


def outer_half(head: Head, spread: float) -> Tensor:
    """Half-width (B, H, W) of falling hair: the cap's at its widest, growing by ``spread`` below, plus curls."""
    fuller = head["hair_volume"] * (1.0 + spread * head["hair_length"] * smooth(head.v, -0.14, 0.45))
    return head["face_width"] + fuller + edge_wave(head) * (0.5 + 0.5 * smooth(head.v, -0.14, 0.1))


def edge_wave(head: Head) -> Tensor:
    """Displacement of the outline by curls (B, H, W)."""
    phase, wave = head["hair_phase"], head["hair_wave"]
    return wave * (0.022 * torch.sin(head.v * 17 + phase) + 0.014 * torch.sin(head.v * 31 + head.u * 9 + 2 * phase))


def strand_shade(head: Head, spread: float = 0.0) -> Tensor:
    """Shade (B, H, W) of combed hair: fine strands that leave the parting, a band of gloss, darker depths."""
    u, v, phase = head.u - head["parting"], head.v, head["hair_phase"]
    radius = torch.sqrt(u * u + (v + 0.62).square() + 1e-6)
    angle = torch.atan2(u, v + 0.75 + spread)
    curl = head["hair_wave"] * 0.9 * torch.sin(radius * 14 + phase)
    flow = angle * 9 + 0.35 * curl
    strands = 0.5 * torch.sin(flow * 3.1 + phase) + 0.35 * torch.sin(flow * 7.3 + 1.7 * phase)
    strands = (strands + 0.25 * torch.sin(flow * 15.7)) * smooth(radius, 0.05, 0.40)
    gloss = torch.exp(-(((radius - 0.36 - 0.03 * strands) / 0.085) ** 2))
    shade = head.light(head.u, head.v + 0.1, 0.62, 0.85)
    return 0.28 + 0.62 * shade + 0.085 * strands + 0.30 * gloss * (0.6 + 0.4 * shade)


def draw_back_hair(canvas: Canvas, head: Head) -> None:
    """The mass behind head and neck, for hair of medium length and more."""
    reach = length(head)
    half = outer_half(head, 0.6) * (1 - 0.16 * smooth(head.v, reach - 0.30, reach))
    fall = torch.maximum((head.u + 0.03 * head.sin_yaw).abs() - half, torch.maximum(head.v - reach, -0.13 - head.v))
    shade = strand_shade(head, 0.4) * (0.72 - 0.1 * smooth(head["face_width"] - head.u.abs(), 0.0, 0.2))
    colour = canvas.tone(head.factors["hair_colour"], shade)
    canvas.paint(head.gate(fall, grown(head, 0.22)), colour, HAIR, outline=head.outline)


def draw_bun(canvas: Canvas, head: Head) -> None:
    """Hair tied into a bun on top of the head."""
    u, v = head.u - 0.10 * head["parting"] + 0.06 * head.sin_yaw, head.v + 0.80 + 0.05 * head.sin_pitch
    bun = head.gate(ellipse(u, v, 0.19, 0.16), head["bun"])
    rings = 0.10 * torch.sin(torch.atan2(v, u) * 5 + torch.sqrt(u * u + v * v) * 60)
    shade = head.light(u, v, 0.22, 0.2) * 0.8 + rings
    canvas.paint(bun, canvas.tone(head.factors["hair_colour"], shade), HAIR, outline=head.outline)


def draw_locks(canvas: Canvas, head: Head) -> None:
    """Long hair that falls in front of ears and shoulders on both sides."""
    reach = length(head)
    outer = outer_half(head, 0.5) * (1 - 0.14 * smooth(head.v, reach - 0.3, reach))
    inner = head["face_width"] * (0.93 - 0.10 * smooth(head.v, 0.15, 0.75)) + 0.4 * edge_wave(head)
    u = head.u + 0.03 * head.sin_yaw
    ends = reach - 0.05 * (0.5 + 0.5 * torch.sin(head.u * 24 + head["hair_phase"])) * smooth(u.abs(), inner, outer)
    lock = torch.maximum(torch.maximum(u.abs() - outer, inner - u.abs()), torch.maximum(head.v - ends, -0.13 - head.v))
    shade = strand_shade(head, 0.5) - 0.12 * smooth(inner + 0.05 - u.abs(), 0.0, 0.05)
    colour = canvas.tone(head.factors["hair_colour"], shade)
    canvas.paint(head.gate(lock, grown(head, 0.30)), colour, HAIR, outline=head.outline)


def hairline(head: Head) -> Tensor:
    """Height (B, H, W) below which the forehead shows: swept from the parting, or cut straight into bangs."""
    u = head.u - 0.10 * head.sin_yaw
    swept = head["hairline"] + 0.9 * (u - head["parting"]).abs() ** 1.8 + 0.02 * torch.sin(u * 30 + head["hair_phase"])
    strands = 0.5 + 0.5 * torch.sin(u * 46 + head["hair_phase"]).abs()
    cut = head["eye_height"] - 0.19 - 0.035 * strands + 0.25 * u.square()
    pitch = 0.12 * head.sin_pitch
    return torch.lerp(swept, cut, head["bangs"]) + pitch


def draw_front_hair(canvas: Canvas, head: Head) -> None:
    """The cap over the skull, open at the face; on a bald head a thin fringe at the sides may stay."""
    u, v, width = head.u + 0.03 * head.sin_yaw, head.v, head["face_width"]
    volume = head["hair_volume"] + 0.5 * edge_wave(head)
    cap = ellipse(u, v + 0.14, width + volume, 0.55 + volume)
    temple = width * (0.90 + 0.04 * smooth(v, -0.2, 0.1)) + 0.02 * head.sin_yaw * torch.sign(u)
    opening = torch.maximum(hairline(head) - v, u.abs() - temple)
    reach = length(head)
    end = torch.where(head["hair_length"] >= 0.30, reach.clamp(max=0.25), torch.full_like(reach, 0.06))
    hair = torch.maximum(torch.maximum(cap, -opening), v - end)
    shade = strand_shade(head) - 0.14 * smooth(opening, -0.05, 0.0)
    colour = canvas.tone(head.factors["hair_colour"], shade)
    canvas.darken(0.25 * canvas.cover(opening) * smooth(0.09 - (v - hairline(head)).abs(), 0.0, 0.09) * grown(head))
    canvas.paint(head.gate(hair, grown(head)), colour, HAIR, outline=head.outline)
    fringe = torch.maximum(torch.maximum(ellipse(u, v - 0.0, width + 0.035, 0.42), width * 0.90 - u.abs()),
                           torch.maximum(v - 0.10, -0.24 - v))  # fmt: skip
    kept = head["bald"] * (head["hair_length"] > 0.5)
    canvas.paint(head.gate(fringe, kept), canvas.tone(head.factors["hair_colour"], shade * 0.9), HAIR)
