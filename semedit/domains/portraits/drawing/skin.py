"""The face's skin under soft light and shade, and the beard on it."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import REACH, Canvas, bell, bump, smooth
from semedit.domains.portraits.drawing.head import OUTLINE, Head, Pose
from semedit.domains.portraits.drawing.sheet import Part, both_sides

SKIN = 1


def face_box(pose: Pose) -> Tensor:
    half, jaw_shift = pose["face_width"], 0.13 * pose.sin_yaw
    return pose.box(-half + jaw_shift.clamp(max=0), -0.61, half + jaw_shift.clamp(min=0), pose["chin"])


def draw_skin(canvas: Canvas, head: Head) -> None:
    field = head.face_field()
    shade = head.light(head.u, head.v, head["face_width"] * 1.08, 0.70) - 0.10 * smooth(field, -0.10, 0.0)
    canvas.paint(field, canvas.tone(head.colour("skin_colour"), shade, warmth=1.0), SKIN, outline=OUTLINE)


def forehead(pose: Pose) -> tuple[Tensor, Tensor]:
    u, v = pose.place(0.0, -0.30)
    return u + 0.08 * pose["light"], v


def forehead_box(pose: Pose) -> Tensor:
    return pose.box_around(forehead(pose), REACH * 0.15, REACH * 0.09)


def draw_forehead(canvas: Canvas, head: Head) -> None:
    """The shine of the forehead."""
    inside = canvas.cover(head.face_field())
    canvas.lighten(inside * 0.16 * bump(head.u, head.v, *forehead(head), 0.15, 0.09))


def cheek_box(pose: Pose, side: int) -> Tensor:
    u, v = pose.place(side * 0.24, 0.16)
    return pose.box_around((u, v - 0.02 * pose["skin_smile"]), REACH * 0.085, REACH * 0.07)


def draw_cheek(canvas: Canvas, head: Head, side: int) -> None:
    """Blush, more of it with a smile, and shine."""
    inside, smile = canvas.cover(head.face_field()), head["skin_smile"]
    cheek_u, cheek_v = head.place(side * 0.24, 0.16)
    warm = 0.10 + 0.10 * head["cheek"] + 0.10 * smile.clamp(min=0)
    blush = bump(head.u, head.v, cheek_u, cheek_v - 0.02 * smile, 0.085, 0.07)
    canvas.tint((0.86, 0.34, 0.30), inside * warm * blush)
    canvas.lighten(inside * 0.08 * bump(head.u, head.v, cheek_u, cheek_v - 0.06, 0.06, 0.04))


def socket_box(pose: Pose, side: int) -> Tensor:
    u, v = pose.place(side * pose["eye_spacing"], pose["eye_height"])
    return pose.box_around((u, v - 0.03), REACH * 0.11, REACH * 0.075)


def draw_socket(canvas: Canvas, head: Head, side: int) -> None:
    """The shades around and under an eye."""
    inside = canvas.cover(head.face_field())
    socket_u, socket_v = head.place(side * head["eye_spacing"], head["eye_height"])
    canvas.darken(inside * 0.13 * bump(head.u, head.v, socket_u, socket_v - 0.03, 0.11, 0.075))
    canvas.darken(inside * 0.07 * bump(head.u, head.v, socket_u, socket_v + 0.10, 0.09, 0.02))


def chin_box(pose: Pose) -> Tensor:
    return pose.box_around(pose.place(0.0, pose["chin"] - 0.12), REACH * 0.07, REACH * 0.05)


def draw_chin(canvas: Canvas, head: Head) -> None:
    """The shine of the chin."""
    inside = canvas.cover(head.face_field())
    canvas.lighten(inside * 0.08 * bump(head.u, head.v, *head.place(0.0, head["chin"] - 0.12), 0.07, 0.05))


def under_lip_box(pose: Pose) -> Tensor:
    mouth_u, mouth_v = pose.place(0.0, 0.335)
    return pose.box_around((mouth_u, mouth_v + 0.105), REACH * 0.085, REACH * 0.018)


def draw_under_lip(canvas: Canvas, head: Head) -> None:
    mouth_u, mouth_v = head.place(0.0, 0.335)
    canvas.darken(0.15 * bump(head.u, head.v, mouth_u, mouth_v + 0.105, 0.085, 0.018))


def fold_box(pose: Pose, side: int) -> Tensor:
    mouth_u, mouth_v = pose.place(0.0, 0.335)
    half_v = REACH * 0.05
    return pose.box_around((mouth_u + side * 0.212, mouth_v - 0.035), 0.25 * (half_v + 0.02) + 2.4 * 0.014, half_v)


def draw_fold(canvas: Canvas, head: Head, side: int) -> None:
    """The fold from the nose to a corner of a smiling mouth."""
    inside = canvas.cover(head.face_field())
    mouth_u, mouth_v = head.place(0.0, 0.335)
    fold_u = mouth_u + side * 0.212
    fold = bell(head.u - fold_u + side * 0.25 * (head.v - mouth_v + 0.02), 0.014)
    fold = fold * bump(head.u, head.v, fold_u, mouth_v - 0.035, 0.2, 0.05)
    canvas.darken(inside * 0.20 * head["skin_smile"].clamp(min=0) * fold)


def beard_box(pose: Pose) -> Tensor:
    half = pose["face_width"] + 0.13 * pose.sin_yaw.abs()
    mouth_u, mouth_v = pose.place(0.0, 0.33)
    moustache, sideburns = mouth_v - 0.075 - 1.1 * REACH * 0.028, mouth_v - 0.01 - 0.5 * (half + mouth_u.abs() - 0.16)
    return pose.box(-half, torch.minimum(moustache, sideburns), half, pose["chin"])


def draw_beard(canvas: Canvas, head: Head) -> None:
    """A full beard with moustache; it is hair on skin, and keeps the label of the skin."""
    u, v = head.u, head.v
    mouth_u, mouth_v = head.place(0.0, 0.33)
    side = (u - mouth_u).abs()
    jaw = smooth(v - (mouth_v + 0.02 - 0.50 * (side - 0.16).clamp(min=0)), -0.03, 0.06)
    jaw = jaw * smooth(side + 0.9 * (v - mouth_v).clamp(min=0), 0.10, 0.17)
    moustache = bump(u, v, mouth_u, mouth_v - 0.075, 0.12, 0.028)
    below = bump(u, v, mouth_u, mouth_v + 0.10, 0.06, 0.03)
    density = (jaw + 1.1 * moustache + 0.8 * below).clamp(0, 1)
    grain = 0.5 + 0.5 * torch.sin(u * 190 + 2.0 * torch.sin(v * 70)) * torch.sin(v * 150 + u * 60)
    opacity = head["beard"] * density * (0.93 if canvas.cel else 0.80 + 0.14 * grain)
    shade = 0.75 + 0.3 * (head.light(u, v, head["face_width"] * 1.1, 0.7) - 0.6)
    canvas.paint(head.face_field(), canvas.tone(head.colour("beard_colour"), shade), opacity=opacity)


SKIN_PARTS: tuple[Part, ...] = (
    Part(draw_skin, face_box),
    Part(draw_forehead, forehead_box, shading=True),
    *both_sides(draw_cheek, cheek_box),
    *both_sides(draw_socket, socket_box, shading=True),
    Part(draw_chin, chin_box, shading=True),
    Part(draw_under_lip, under_lip_box, shading=True),
    *both_sides(draw_fold, fold_box, present=lambda pose: pose["skin_smile"], shading=True),
    Part(draw_beard, beard_box, present=lambda pose: pose["beard"]),
)
