"""Neck and clothes, ears and earrings, glasses and hats."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, bump, ellipse, segment, smooth
from semedit.domains.portraits.drawing.head import Head

EARS, NECK, CLOTH, GLASSES, HAT, EARRINGS = 6, 8, 9, 10, 11, 12


def body(head: Head) -> tuple[Tensor, Tensor]:
    """Body coordinates (B, H, W) in head units: they follow the head's place, and its roll and yaw a little."""
    u = (head.x - head["x"] * 0.7) / head["scale"] + 0.03 * head.sin_yaw
    return u, (head.y - head["y"] - 0.02) / head["scale"]


def draw_neck(canvas: Canvas, head: Head) -> None:
    u, v = body(head)
    half = 0.215 * (head["face_width"] / 0.44) + 0.10 * smooth(v, 0.62, 0.95)
    neck = torch.maximum(u.abs() - half, 0.15 - v)
    shade = head.light(u, v * 0, 0.30, 1.0) - 0.34 * smooth(0.20 - head.face_field(), 0.0, 0.17)
    canvas.paint(neck, canvas.tone(head.factors["neck_skin_colour"], shade, 1.0), NECK, outline=head.outline)
    for side in (-1, 1):
        canvas.darken(0.10 * torch.exp(-(((u - side * (0.03 + 0.16 * (0.95 - v))) / 0.02) ** 2)) * smooth(v, 0.6, 0.8))


def draw_cloth(canvas: Canvas, head: Head) -> None:
    """Shoulders with a round or V neckline and a hem."""
    u, v = body(head)
    shoulders = ellipse(u, v - 1.45, 0.98, 0.74, power=2.6)
    round_neck = ellipse(u, v - 0.66, 0.26, 0.16)
    vee = torch.maximum(u.abs() * 0.86 + (v - 0.98) * 0.52, 0.4 - v)
    neckline = torch.where(head["neckline"] > 0.5, torch.minimum(round_neck, vee), round_neck)
    cloth = torch.maximum(shoulders, -neckline)
    folds = 0.06 * torch.sin(u * 9 + 4 * v) * smooth(v, 0.8, 1.1)
    shade = head.light(u, v - 1.35, 1.05, 0.9) + folds - 0.25 * smooth(0.10 - neckline, 0.0, 0.09)
    colour = head.factors["cloth_colour"]
    canvas.paint(cloth, canvas.tone(colour, shade), CLOTH, outline=head.outline)
    hem = torch.maximum(cloth, neckline - 0.038)
    canvas.paint(hem, canvas.tone(colour * 0.72, shade + 0.05), CLOTH)


def ear_place(head: Head, side: int) -> tuple[Tensor, Tensor]:
    """Centre (B, 1, 1) of an ear: the one turned towards the viewer stands out, the other hides."""
    u0 = side * (head["face_width"] + 0.005) - 0.11 * head.sin_yaw
    return u0, 0.03 - 0.05 * head.sin_pitch


def draw_ears(canvas: Canvas, head: Head) -> None:
    skin = head.factors["ears_skin_colour"]
    for side in (-1, 1):
        ear_u, ear_v = ear_place(head, side)
        u, v = head.u - ear_u, head.v - ear_v
        size = head["ear_size"]
        ear = ellipse(u - 0.12 * v * side, v, 0.072 * size, 0.125 * size)
        shade = 0.92 * head.light(head.u, head.v, head["face_width"] * 1.35, 0.8)
        shade = shade - 0.22 * bump(u, v, side * 0.012, -0.01, 0.022, 0.06)
        canvas.paint(ear, canvas.tone(skin, shade, 1.0), EARS, outline=head.outline)
        drop_v = v - 0.135
        stud = torch.where(head["earring_kind"] > 0.5, ellipse(u, drop_v - 0.02, 0.046, 0.046),
                           ellipse(u, drop_v - 0.06, 0.060, 0.072).abs() - 0.018)  # fmt: skip
        gold = torch.tensor([[0.93, 0.76, 0.28]], device=skin.device).expand(len(skin), -1)
        glint = 0.9 + 0.4 * bump(u, drop_v, -0.012, 0.0, 0.015, 0.02)
        canvas.paint(head.gate(stud, head["earrings"]), canvas.tone(gold, glint), EARRINGS, outline=0.004)


def draw_glasses(canvas: Canvas, head: Head) -> None:
    """Two rimmed lenses, bridge and temples. The eyes show through; the label covers the whole lens."""
    worn, tint = head["glasses"], head["lens"]
    count, device = len(worn), worn.device
    dark = torch.tensor([0.10, 0.09, 0.10], device=device).expand(count, -1)
    metal = torch.tensor([0.55, 0.28, 0.14], device=device).expand(count, -1)
    frame_colour = torch.where(head.factors["frame"][:, None] > 0.6, metal, dark)
    rims, lenses = [], []
    for side in (-1, 1):
        lens_u, lens_v = head.place(side * (head["eye_spacing"] + 0.005), head["eye_height"] + 0.012, lift=0.06)
        u, v = (head.u - lens_u) / head.narrowing(side), head.v - lens_v
        round_lens, square_lens = ellipse(u, v, 0.150, 0.142), ellipse(u, v, 0.158, 0.118, power=4.0)
        lens = torch.where(head["frame"] > 0.45, square_lens, round_lens)
        lenses.append(lens)
        rims.append(lens.abs() - 0.017)
        ear_u = side * head["face_width"] * 0.95 - 0.03 * head.sin_yaw
        edge = (lens_u + side * 0.15 * head.narrowing(side), lens_v - 0.03)
        rims.append(segment(head.u, head.v, edge, (ear_u, lens_v - 0.015), 0.012))
    left, right = (
        head.place(-0.045, head["eye_height"] - 0.008, 0.06),
        head.place(0.045, head["eye_height"] - 0.008, 0.06),
    )
    rims.append(segment(head.u, head.v, left, right, 0.014))
    lens = torch.minimum(*lenses)
    glass = torch.tensor([0.55, 0.66, 0.72], device=device).expand(count, -1)
    canvas.paint(head.gate(lens, worn), glass, GLASSES, opacity=0.10 + 0.16 * tint)
    glare = smooth(torch.sin((head.u + head.v) * 13 + 1.2), 0.80, 0.98)
    canvas.lighten(canvas.cover(head.gate(lens, worn)) * glare * 0.20)
    rim = rims[0]
    for other in rims[1:]:
        rim = torch.minimum(rim, other)
    canvas.paint(head.gate(rim, worn), frame_colour, GLASSES)


def draw_hat(canvas: Canvas, head: Head) -> None:
    """A knitted cap with a turned-up edge, or a hat with a brim."""
    u, v, width = head.u + 0.02 * head.sin_yaw, head.v - 0.10 * head.sin_pitch, head["face_width"]
    worn, brimmed = head["hat"], (head["hat_kind"] > 0.5).float()
    colour = head.factors["hat_colour"]
    crown = torch.maximum(ellipse(u, v + 0.26, width + 0.13, 0.57), v + 0.30 - 0.16 * u.square())
    knit = 0.06 * torch.sin(u * 60) * (1 - brimmed)
    shade = head.light(u, v + 0.3, width + 0.16, 0.6) + knit
    canvas.paint(head.gate(crown, worn), canvas.tone(colour, shade), HAT, outline=head.outline)
    band = torch.maximum(crown - 0.02, -(v + 0.44 - 0.16 * u.square()))
    canvas.paint(head.gate(band, worn * (1 - brimmed)), canvas.tone(colour * 0.78, shade + 0.5 * knit), HAT,
                 outline=head.outline)  # fmt: skip
    brim = ellipse(u, v + 0.33 - 0.10 * u.square(), width + 0.30, 0.075)
    canvas.paint(head.gate(brim, worn * brimmed), canvas.tone(colour * 0.85, shade), HAT, outline=head.outline)
