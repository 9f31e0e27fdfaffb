"""The features of the face: nose, mouth, eyes and brows."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import REACH, Canvas, bell, bump, ellipse, smooth
from semedit.domains.portraits.drawing.head import Head, Pose
from semedit.domains.portraits.drawing.sheet import Part, both_sides

EYES, BROWS, MOUTH, NOSE = 2, 3, 4, 5


def nose_axis(pose: Pose) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Root and tip (u, v, u, v) of the nose."""
    top = pose["eye_height"] + 0.01
    return *pose.place(0.0, top), *pose.place(0.0, top + pose["nose_length"], lift=0.12)


def nose_box(pose: Pose) -> Tensor:
    root_u, root_v, tip_u, tip_v = nose_axis(pose)
    width = pose["nose_width"]
    shadow = (0.62 * REACH * width).maximum(width + REACH * 0.016)
    left, right = tip_u - shadow, tip_u + shadow
    bottom = tip_v + width * 0.58 + REACH * 0.016
    return pose.box(left.minimum(root_u - 0.06), root_v, right.maximum(root_u + 0.06), bottom)


def draw_nose(canvas: Canvas, head: Head) -> None:
    """The nose is skin modelled by light; its label is a wedge that widens to the wings."""
    u, v, width = head.u, head.v, head["nose_width"]
    root_u, root_v, tip_u, tip_v = nose_axis(head)
    t = ((v - root_v) / (tip_v - root_v)).clamp(0, 1)
    axis = root_u + (tip_u - root_u) * t
    half = 0.022 + (width - 0.022) * t**2.2
    wedge = torch.maximum((u - axis).abs() - half, torch.maximum(root_v - v, v - tip_v))
    tip = ellipse(u - tip_u, v - tip_v, width, width * 0.52)
    shape = torch.minimum(wedge, tip)
    side = torch.sign(head["light"]) + (head["light"] == 0)
    skin = head.colour("nose_skin_colour")
    ground = head.light(u, v, head["face_width"] * 1.08, 0.70) - 0.10 * smooth(head.face_field(), -0.10, 0.0)
    canvas.paint(shape, canvas.tone(skin, ground, warmth=1.0))
    soft = bell(u - axis + side * half * 0.9, 0.032) * smooth(t, 0.05, 0.6)
    canvas.darken(canvas.cover(wedge - 0.03) * soft * 0.34)
    canvas.paint(tip, canvas.tone(skin, head.light(u - tip_u, v - tip_v, width * 1.5, width * 1.0) + 0.02, 1.0),
                 opacity=0.75)  # fmt: skip
    canvas.lighten(0.22 * bell(u - axis - side * 0.008, 0.018) * smooth(t, 0.15, 0.5) * (t < 1))
    canvas.lighten(0.30 * bump(u, v, tip_u + side * 0.016, tip_v - 0.016, 0.02, 0.016))
    canvas.darken(0.30 * bump(u, v, tip_u, tip_v + width * 0.58, width * 0.62, 0.016))
    for wing in (-1, 1):
        nostril = ellipse(u - tip_u - wing * width * 0.46, v - tip_v - width * 0.30, width * 0.24, width * 0.14)
        canvas.paint(nostril, skin * 0.30, opacity=0.75)
        canvas.darken(0.26 * bump(u, v, tip_u + wing * width * 1.0, tip_v + 0.01, 0.016, 0.035))
    if canvas.cel:
        canvas.paint((ellipse(u - tip_u, v - tip_v, width, width * 0.55).abs() - 0.008).maximum(tip_v - v),
                     skin * 0.35)  # fmt: skip
    canvas.mark(shape, NOSE)


def mouth_width(pose: Pose) -> Tensor:
    """Half-width (B, 1) of the mouth."""
    spread = 1 + 0.28 * pose["smile"].clamp(min=0) - 0.10 * pose["mouth_open"]
    return pose["mouth_width"] * spread * (1 - 0.18 * pose.sin_yaw.abs())


def mouth_box(pose: Pose) -> Tensor:
    smile, thickness = pose["smile"], 0.044 * pose["lip_fullness"]
    opening = 0.046 * smile.clamp(min=0) + 0.062 * pose["mouth_open"]
    half_u = mouth_width(pose) * 1.03 + REACH * 0.02
    half_v = 0.053 * smile.abs() + 0.62 * opening + thickness
    return pose.box_around(pose.place(0.0, 0.335), half_u, half_v.clamp(min=0.06 + 0.02))


def draw_mouth(canvas: Canvas, head: Head) -> None:
    """Lips around a midline that bends with the smile; teeth above, dark below when the mouth is open."""
    smile, parted, width = head["smile"], head["mouth_open"], mouth_width(head)
    mouth_u, mouth_v = head.place(0.0, 0.335)
    u, v = (head.u - mouth_u) / width, head.v - mouth_v
    arch = (1 - u * u).clamp(min=-0.6)
    middle = 0.085 * smile * (arch - 0.62)
    opening = (0.046 * smile.clamp(min=0) + 0.062 * parted) * arch.clamp(min=0) ** 0.8
    full = 0.034 * head["lip_fullness"] * arch.clamp(min=0) ** 0.9
    inner_top, inner_bottom = middle - opening * 0.45, middle + opening * 0.62
    upper, lower = inner_top - full * (1 - 0.30 * bell(u, 0.16)), inner_bottom + full * (0.044 / 0.034)
    lips = torch.maximum(torch.maximum(upper - v, v - lower), (u.abs() - 1) * width)
    red = head["lip_red"]
    colour = head.colour("mouth_skin_colour") * canvas.rgb(0.86, 0.60, 0.58) * (1 - 0.45 * red)
    colour = colour + 0.45 * red * canvas.rgb(0.74, 0.16, 0.20)
    shade = 0.90 - 0.22 * smooth(middle - v, 0.0, 0.03) + 0.10 * bump(u, v, 0.0, 0.045, 0.5, 0.02)
    canvas.paint(lips, canvas.tone(colour, shade, 1.0), MOUTH, outline=0.006)
    inner = torch.maximum(torch.maximum(inner_top - v, v - inner_bottom), (u.abs() - 0.93) * width)
    inner = torch.where((smile > 0.3) | (parted > 0), inner, 9.0)  # closed lips show nothing within
    canvas.paint(inner, canvas.rgb(0.27, 0.06, 0.08))
    tongue = torch.maximum(inner, inner_top + 0.062 - v)
    canvas.paint(tongue, canvas.rgb(0.70, 0.30, 0.32), opacity=0.7)
    teeth = torch.maximum(inner, v - inner_top - 0.040 * (0.55 + 0.45 * arch))
    canvas.paint(teeth, canvas.rgb(0.97, 0.96, 0.93))
    line = canvas.cover((v - middle).abs() - 0.006) * (u.abs() < 1.0) * (opening < 0.012)
    canvas.tint((0.30, 0.10, 0.10), 0.75 * line)
    canvas.lighten(0.22 * bump(u, v, -0.1, (lower - 0.018), 0.35, 0.010) * canvas.cover(lips))
    for side in (-1, 1):
        canvas.darken(0.14 * bump(head.u, head.v, mouth_u + side * width * 1.03, mouth_v - 0.02 * smile, 0.02, 0.018))


def eye_opening(pose: Pose) -> Tensor:
    """Height (B, 1) of the upper lid over the eye's middle, in eye sizes."""
    return pose["eye_open"] * (1 - 0.22 * pose["eyes_smile"].clamp(min=0))


def eye_box(pose: Pose, side: int) -> Tensor:
    u, v = pose.place(side * pose["eye_spacing"], pose["eye_height"])
    size, tilt, above, below = pose["eye_size"], pose["eye_tilt"].abs(), eye_opening(pose) + 0.60, 0.62
    half_u = size * (1.05 + above * tilt) * pose.narrowing(side)
    lean = size * 1.05 * tilt
    return pose.box(u - half_u, v - size * above - lean, u + half_u, v + size * below + lean)


def draw_eye(canvas: Canvas, head: Head, side: int) -> None:
    """Almond between two parabolic lids: sclera, iris with limbal ring, pupil, catch-light, lashes, crease."""
    eye_u, eye_v = head.place(side * head["eye_spacing"], head["eye_height"])
    size, opened, tilt = head["eye_size"], eye_opening(head), -side * head["eye_tilt"]
    du, dv = (head.u - eye_u) / head.narrowing(side), head.v - eye_v
    p, q = (du + dv * tilt) / size, (dv - du * tilt) / size
    arch = 1 - p * p
    top, bottom = -opened * arch, 0.62 * opened * arch
    almond = torch.maximum(top - q, q - bottom) * size
    shade = 1.0 - 0.45 * smooth(top + 0.30 - q, 0.0, 0.35) - 0.15 * p.abs()
    canvas.paint(almond, canvas.tone(canvas.rgb(0.96, 0.95, 0.94), shade), EYES)
    gaze = head["gaze"] + 0.35 * head.sin_yaw
    radius = torch.sqrt((p - gaze).square() + (q + 0.05).square())
    inside = canvas.cover(almond)
    iris = head.colour("iris_colour")
    glow = 0.78 + 0.55 * bump(p, q, gaze, 0.16, 0.3, 0.18) - 0.55 * smooth(radius, 0.36, 0.46)
    canvas.paint((radius - 0.46) * size, canvas.tone(iris, glow), opacity=inside)
    canvas.paint((radius - 0.20) * size, iris * 0.10, opacity=inside)
    spark = torch.sqrt((p - gaze + 0.15).square() + (q + 0.21).square())
    canvas.paint((spark - 0.12) * size, canvas.rgb(1.0, 1.0, 1.0), opacity=inside * 0.95)
    lash = torch.maximum((q - top + 0.045).abs() * size - 0.0135, (p.abs() - 1.04) * size)
    canvas.paint(lash, 0.08 + 0.08 * head.colour("eyes_skin_colour"), opacity=0.92)
    under = torch.maximum((q - bottom).abs() * size - 0.004, (p.abs() - 0.95) * size)
    canvas.darken(canvas.cover(under) * 0.30)
    crease = bell((q - top + 0.34) * size, 0.011) * (p.abs() < 0.95) * (q < top)
    canvas.darken(0.22 * crease)


def brow_place(pose: Pose, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Centre (u, v) of a brow and its half-length before perspective, (B, 1) each."""
    return *pose.place(side * pose["eye_spacing"], pose["eye_height"] - pose["brow_height"]), pose["eye_size"] * 1.25


def brow_box(pose: Pose, side: int) -> Tensor:
    u, v, size = brow_place(pose, side)
    half_u, half_v = size * pose.narrowing(side), 0.07 * pose["brow_angle"].abs() + pose["brow_thickness"]
    return pose.box(u - half_u, v - 0.030 - half_v, u + half_u, v + 0.012 + half_v)


def draw_brow(canvas: Canvas, head: Head, side: int) -> None:
    """A tapered arc above the eye, in a darker shade of the hair."""
    brow_u, brow_v, size = brow_place(head, side)
    p = side * (head.u - brow_u) / head.narrowing(side) / size  # -1 at the nose, 1 at the temple
    arc = brow_v - 0.030 * (1 - p * p) - 0.07 * head["brow_angle"] * p + 0.012 * smooth(p, 0.3, 1.0)
    thick = head["brow_thickness"] * (1.0 - 0.55 * smooth(p, 0.0, 1.1)) * (1 - 0.25 * smooth(-p, 0.7, 1.1))
    brow = torch.maximum((head.v - arc).abs() - thick, (p.abs() - 1) * size)
    strands = 0.9 + 0.2 * torch.sin(p * 30 + (head.v - arc) * 90)
    canvas.paint(brow, canvas.tone(head.colour("brow_colour"), 0.8 * strands), BROWS, opacity=0.9)


FACE_PARTS: tuple[Part, ...] = (
    Part(draw_nose, nose_box),
    Part(draw_mouth, mouth_box),
    *both_sides(draw_eye, eye_box),
    *both_sides(draw_brow, brow_box),
)
