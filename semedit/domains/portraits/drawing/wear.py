"""Neck and clothes, ears and earrings, glasses and hats."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, bell, bump, ellipse, segment, smooth
from semedit.domains.portraits.drawing.head import OUTLINE, Head, Pose, rectangle
from semedit.domains.portraits.drawing.sheet import Part, both_sides

EARS, NECK, CLOTH, GLASSES, HAT, EARRINGS = 6, 8, 9, 10, 11, 12


def body(head: Head) -> tuple[Tensor, Tensor]:
    """Body coordinates (B, N) in head units: they follow the head's place, and its roll and yaw a little."""
    u = (head.x - head["x"] * 0.7) / head["scale"] + 0.03 * head.sin_yaw
    return u, (head.y - head["y"] - 0.02) / head["scale"]


def body_box(pose: Pose, half: Tensor | float, top: float) -> Tensor:
    """The canvas rectangle (B, 4) of body coordinates within ``half`` of the middle and below ``top``."""
    middle, scale = pose["x"] * 0.7 - 0.03 * pose.sin_yaw * pose["scale"], pose["scale"]
    half, top_y = (half + OUTLINE) * scale, pose["y"] + 0.02 + (top - OUTLINE) * scale
    return rectangle(middle - half, top_y, middle + half, torch.ones_like(middle))


def neck_box(pose: Pose) -> Tensor:
    return body_box(pose, 0.215 * (pose["face_width"] / 0.44) + 0.10, 0.15)


def draw_neck(canvas: Canvas, head: Head) -> None:
    u, v = body(head)
    half = 0.215 * (head["face_width"] / 0.44) + 0.10 * smooth(v, 0.62, 0.95)
    neck = torch.maximum(u.abs() - half, 0.15 - v)
    shade = head.light(u, v * 0, 0.30, 1.0) - 0.34 * smooth(0.20 - head.face_field(), 0.0, 0.17)
    canvas.paint(neck, canvas.tone(head.colour("neck_skin_colour"), shade, 1.0), NECK, outline=OUTLINE)
    for side in (-1, 1):
        canvas.darken(0.10 * bell(u - side * (0.03 + 0.16 * (0.95 - v)), 0.02) * smooth(v, 0.6, 0.8))


def cloth_box(pose: Pose) -> Tensor:
    return body_box(pose, 0.98, 0.71)


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
    colour = head.colour("cloth_colour")
    canvas.paint(cloth, canvas.tone(colour, shade), CLOTH, outline=OUTLINE)
    hem = torch.maximum(cloth, neckline - 0.038)
    canvas.paint(hem, canvas.tone(colour * 0.72, shade + 0.05), CLOTH)


def ear_place(pose: Pose, side: int) -> tuple[Tensor, Tensor]:
    """Centre (B, 1) of an ear: the one turned towards the viewer stands out, the other hides."""
    u0 = side * (pose["face_width"] + 0.005) - 0.11 * pose.sin_yaw
    return u0, 0.03 - 0.05 * pose.sin_pitch


def ear_box(pose: Pose, side: int) -> Tensor:
    return pose.box_around(ear_place(pose, side), 0.088 * pose["ear_size"], 0.126 * pose["ear_size"])


def draw_ear(canvas: Canvas, head: Head, side: int) -> None:
    ear_u, ear_v = ear_place(head, side)
    u, v, size = head.u - ear_u, head.v - ear_v, head["ear_size"]
    ear = ellipse(u - 0.12 * v * side, v, 0.072 * size, 0.125 * size)
    shade = 0.92 * head.light(head.u, head.v, head["face_width"] * 1.35, 0.8)
    shade = shade - 0.22 * bump(u, v, side * 0.012, -0.01, 0.022, 0.06)
    canvas.paint(ear, canvas.tone(head.colour("ears_skin_colour"), shade, 1.0), EARS, outline=OUTLINE)


def earring_box(pose: Pose, side: int) -> Tensor:
    ear_u, ear_v = ear_place(pose, side)
    return pose.box_around((ear_u, ear_v + 0.135 + 0.06), 0.078, 0.090)


def draw_earring(canvas: Canvas, head: Head, side: int) -> None:
    """A stud or a ring of gold under the ear."""
    ear_u, ear_v = ear_place(head, side)
    u, v = head.u - ear_u, head.v - ear_v - 0.135
    stud, ring = ellipse(u, v - 0.02, 0.046, 0.046), ellipse(u, v - 0.06, 0.060, 0.072).abs() - 0.018
    earring = torch.where(head["earring_kind"] > 0.5, stud, ring)
    glint = 0.9 + 0.4 * bump(u, v, -0.012, 0.0, 0.015, 0.02)
    canvas.paint(earring, canvas.tone(canvas.rgb(0.93, 0.76, 0.28), glint), EARRINGS, outline=0.004)


def lens_place(pose: Pose, side: int) -> tuple[Tensor, Tensor]:
    """Centre (B, 1) of a lens."""
    return pose.place(side * (pose["eye_spacing"] + 0.005), pose["eye_height"] + 0.012, lift=0.06)


def hinge(pose: Pose, side: int) -> tuple[Tensor, Tensor]:
    """Where (B, 1) a temple of the glasses meets the ear."""
    return side * pose["face_width"] * 0.95 - 0.03 * pose.sin_yaw, lens_place(pose, side)[1] - 0.015


def glasses_box(pose: Pose) -> Tensor:
    left, top = lens_place(pose, -1)
    right, _ = lens_place(pose, 1)
    left, right = (left - 0.180).minimum(hinge(pose, -1)[0] - 0.012), (right + 0.180).maximum(hinge(pose, 1)[0] + 0.012)
    return pose.box(left, top - 0.160, right, top + 0.160)


def draw_glasses(canvas: Canvas, head: Head) -> None:
    """Two rimmed lenses, bridge and temples. The eyes show through; the label covers the whole lens."""
    rims, lenses = [], []
    for side in (-1, 1):
        lens_u, lens_v = lens_place(head, side)
        u, v = (head.u - lens_u) / head.narrowing(side), head.v - lens_v
        round_lens, square_lens = ellipse(u, v, 0.150, 0.142), ellipse(u, v, 0.158, 0.118, power=4.0)
        lens = torch.where(head["frame"] > 0.45, square_lens, round_lens)
        lenses.append(lens)
        rims.append(lens.abs() - 0.017)
        edge = lens_u + side * 0.15 * head.narrowing(side), lens_v - 0.03
        rims.append(segment(head.u, head.v, edge, hinge(head, side), 0.012))
    left, right = (head.place(side * 0.045, head["eye_height"] - 0.008, 0.06) for side in (-1, 1))
    rims.append(segment(head.u, head.v, left, right, 0.014))
    lens = torch.minimum(*lenses)
    canvas.paint(lens, canvas.rgb(0.55, 0.66, 0.72), GLASSES, opacity=0.10 + 0.16 * head["lens"])
    glare = smooth(torch.sin((head.u + head.v) * 13 + 1.2), 0.80, 0.98)
    canvas.lighten(canvas.cover(lens) * glare * 0.20)
    frame_colour = torch.where(head["frame"] > 0.6, canvas.rgb(0.55, 0.28, 0.14), canvas.rgb(0.10, 0.09, 0.10))
    rim = rims[0]
    for other in rims[1:]:
        rim = torch.minimum(rim, other)
    canvas.paint(rim, frame_colour, GLASSES)


def hat_place(head: Head) -> tuple[Tensor, Tensor]:
    """Coordinates (B, N) that a hat is drawn in."""
    return head.u + 0.02 * head.sin_yaw, head.v - 0.10 * head.sin_pitch


def hat_shade(head: Head, knit: Tensor | float = 0.0) -> Tensor:
    u, v = hat_place(head)
    return head.light(u, v + 0.3, head["face_width"] + 0.16, 0.6) + knit


def crown_box(pose: Pose) -> Tensor:
    half, shift = pose["face_width"] + 0.13, 0.10 * pose.sin_pitch
    slide = 0.02 * pose.sin_yaw.abs()
    return pose.box(-half - slide, -0.83 + shift, half + slide, -0.28 + 0.16 * half.square() + shift)


def draw_crown(canvas: Canvas, head: Head) -> None:
    """The top of a hat, or a knitted cap with a turned-up edge."""
    u, v = hat_place(head)
    knitted = (head["hat_kind"] <= 0.5).float()
    colour = head.colour("hat_colour")
    crown = torch.maximum(ellipse(u, v + 0.26, head["face_width"] + 0.13, 0.57), v + 0.30 - 0.16 * u.square())
    knit = 0.06 * torch.sin(u * 60) * knitted
    shade = hat_shade(head, knit)
    canvas.paint(crown, canvas.tone(colour, shade), HAT, outline=OUTLINE)
    band = torch.maximum(crown - 0.02, -(v + 0.44 - 0.16 * u.square()))
    band = torch.where(knitted > 0.5, band, 9.0)  # none on a hat with a brim
    canvas.paint(band, canvas.tone(colour * 0.78, shade + 0.5 * knit), HAT, outline=OUTLINE)


def brim_box(pose: Pose) -> Tensor:
    half, shift = pose["face_width"] + 0.30, 0.10 * pose.sin_pitch
    slide = 0.02 * pose.sin_yaw.abs()
    return pose.box(-half - slide, -0.405 + shift, half + slide, -0.255 + 0.10 * half.square() + shift)


def draw_brim(canvas: Canvas, head: Head) -> None:
    u, v = hat_place(head)
    brim = ellipse(u, v + 0.33 - 0.10 * u.square(), head["face_width"] + 0.30, 0.075)
    canvas.paint(brim, canvas.tone(head.colour("hat_colour") * 0.85, hat_shade(head)), HAT, outline=OUTLINE)


BODY_PARTS: tuple[Part, ...] = (
    Part(draw_neck, neck_box),
    Part(draw_cloth, cloth_box),
    *both_sides(draw_ear, ear_box),
    *both_sides(draw_earring, earring_box, present=lambda pose: pose["earrings"] > 0.5),
)
WORN_PARTS: tuple[Part, ...] = (
    Part(draw_glasses, glasses_box, present=lambda pose: pose["glasses"] > 0.5),
    Part(draw_crown, crown_box, present=lambda pose: pose["hat"] > 0.5),
    Part(draw_brim, brim_box, present=lambda pose: (pose["hat"] > 0.5) & (pose["hat_kind"] > 0.5)),
)
