"""The face: skin with soft shading, beard, nose, mouth, eyes and brows."""

import torch
from torch import Tensor

from semedit.domains.portraits.drawing.canvas import Canvas, bump, ellipse, smooth
from semedit.domains.portraits.drawing.head import Head

SKIN, EYES, BROWS, MOUTH, NOSE = 1, 2, 3, 4, 5


def draw_face(canvas: Canvas, head: Head) -> None:
    """Everything inside the face's outline, in painting order."""
    field = head.face_field()
    draw_skin(canvas, head, field)
    draw_beard(canvas, head, field)
    draw_nose(canvas, head)
    draw_mouth(canvas, head)
    for side in (-1, 1):
        draw_eye(canvas, head, side)
        draw_brow(canvas, head, side)


def draw_skin(canvas: Canvas, head: Head, field: Tensor) -> None:
    u, v, colour = head.u, head.v, head.factors["skin_colour"]
    shade = head.light(u, v, head["face_width"] * 1.08, 0.70)
    shade = shade - 0.10 * smooth(field, -0.10, 0.0)
    canvas.paint(field, canvas.tone(colour, shade, warmth=1.0), SKIN, outline=head.outline)
    inside = canvas.cover(field)
    eye_v = head["eye_height"]
    forehead, cheeks = head.place(0.0, -0.30), [head.place(side * 0.24, 0.16) for side in (-1, 1)]
    canvas.lighten(inside * 0.16 * bump(u, v, forehead[0] + 0.08 * head["light"], forehead[1], 0.15, 0.09))
    smile = head["skin_smile"]
    warm = 0.10 + 0.10 * head["cheek"] + 0.10 * smile.clamp(min=0)
    for cheek_u, cheek_v in cheeks:
        blush = bump(u, v, cheek_u, cheek_v - 0.02 * smile, 0.085, 0.07)
        canvas.tint((0.86, 0.34, 0.30), inside * warm * blush)
        canvas.lighten(inside * 0.08 * bump(u, v, cheek_u, cheek_v - 0.06, 0.06, 0.04))
    for side in (-1, 1):
        socket_u, socket_v = head.place(side * head["eye_spacing"], eye_v)
        canvas.darken(inside * 0.13 * bump(u, v, socket_u, socket_v - 0.03, 0.11, 0.075))
        canvas.darken(inside * 0.07 * bump(u, v, socket_u, socket_v + 0.10, 0.09, 0.02))
    chin_u, chin_v = head.place(0.0, head["chin"] - 0.12)
    canvas.lighten(inside * 0.08 * bump(u, v, chin_u, chin_v, 0.07, 0.05))
    mouth_u, mouth_v = head.place(0.0, 0.335)
    canvas.darken(0.15 * bump(u, v, mouth_u, mouth_v + 0.105, 0.085, 0.018))
    for side in (-1, 1):  # the folds of a smile
        fold_u = mouth_u + side * 0.212
        fold = torch.exp(-(((u - fold_u + side * 0.25 * (v - mouth_v + 0.02)) / 0.014) ** 2))
        canvas.darken(inside * 0.20 * smile.clamp(min=0) * fold * bump(u, v, fold_u, mouth_v - 0.035, 0.2, 0.05))


def draw_beard(canvas: Canvas, head: Head, field: Tensor) -> None:
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
    colour = head.factors["beard_colour"]
    shade = 0.75 + 0.3 * (head.light(u, v, head["face_width"] * 1.1, 0.7) - 0.6)
    canvas.paint(field, canvas.tone(colour, shade), opacity=opacity)


def draw_nose(canvas: Canvas, head: Head) -> None:
    """The nose is skin modelled by light; its label is a wedge that widens to the wings."""
    u, v, length, width = head.u, head.v, head["nose_length"], head["nose_width"]
    top = head["eye_height"] + 0.01
    root_u, root_v = head.place(0.0, top)
    tip_u, tip_v = head.place(0.0, top + length, lift=0.12)
    t = ((v - root_v) / (tip_v - root_v)).clamp(0, 1)
    axis = root_u + (tip_u - root_u) * t
    half = 0.022 + (width - 0.022) * t**2.2
    wedge = torch.maximum((u - axis).abs() - half, torch.maximum(root_v - v, v - tip_v))
    tip = ellipse(u - tip_u, v - tip_v, width, width * 0.52)
    shape = torch.minimum(wedge, tip)
    side = torch.sign(head["light"]) + (head["light"] == 0)
    skin = head.factors["nose_skin_colour"]
    ground = head.light(u, v, head["face_width"] * 1.08, 0.70) - 0.10 * smooth(head.face_field(), -0.10, 0.0)
    canvas.paint(shape, canvas.tone(skin, ground, warmth=1.0))
    soft = torch.exp(-((u - axis + side * half * 0.9) / 0.032).square()) * smooth(t, 0.05, 0.6)
    canvas.darken(canvas.cover(wedge - 0.03) * soft * 0.34)
    canvas.paint(tip, canvas.tone(skin, head.light(u - tip_u, v - tip_v, width * 1.5, width * 1.0) + 0.02, 1.0),
                 opacity=0.75)  # fmt: skip
    canvas.lighten(0.22 * torch.exp(-((u - axis - side * 0.008) / 0.018).square()) * smooth(t, 0.15, 0.5) * (t < 1))
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


def draw_mouth(canvas: Canvas, head: Head) -> None:
    """Lips around a midline that bends with the smile; teeth above, dark below when the mouth is open."""
    smile, parted = head["smile"], head["mouth_open"]
    mouth_u, mouth_v = head.place(0.0, 0.335)
    width = head["mouth_width"] * (1 + 0.28 * smile.clamp(min=0) - 0.10 * parted) * (1 - 0.18 * head.sin_yaw.abs())
    u, v = (head.u - mouth_u) / width, head.v - mouth_v
    arch = (1 - u * u).clamp(min=-0.6)
    middle = 0.085 * smile * (arch - 0.62)
    opening = (0.046 * smile.clamp(min=0) + 0.062 * parted) * arch.clamp(min=0) ** 0.8
    full = head["lip_fullness"]
    bow = 1 - 0.30 * torch.exp(-((u / 0.16) ** 2))
    upper = middle - opening * 0.45 - 0.034 * full * arch.clamp(min=0) ** 0.9 * bow
    lower = middle + opening * 0.62 + 0.044 * full * arch.clamp(min=0) ** 0.9
    lips = torch.maximum(torch.maximum(upper - v, v - lower), (u.abs() - 1) * width)
    skin = head.factors["mouth_skin_colour"]
    red = head.factors["lip_red"][:, None]
    colour = skin * torch.tensor([0.86, 0.60, 0.58], device=skin.device) * (1 - 0.45 * red)
    colour = colour + 0.45 * red * torch.tensor([0.74, 0.16, 0.20], device=skin.device)
    shade = 0.90 - 0.22 * smooth(middle - v, 0.0, 0.03) + 0.10 * bump(u, v, 0.0, 0.045, 0.5, 0.02)
    canvas.paint(lips, canvas.tone(colour, shade, 1.0), MOUTH, outline=0.006)
    inner_top, inner_bottom = middle - opening * 0.45, middle + opening * 0.62
    inner = torch.maximum(torch.maximum(inner_top - v, v - inner_bottom), (u.abs() - 0.93) * width)
    inner = head.gate(inner, ((smile > 0.3) | (parted > 0)).float())
    canvas.paint(inner, torch.tensor([[0.27, 0.06, 0.08]], device=skin.device).expand(len(skin), -1))
    tongue = torch.maximum(inner, inner_top + 0.062 - v)
    canvas.paint(tongue, torch.tensor([[0.70, 0.30, 0.32]], device=skin.device).expand(len(skin), -1), opacity=0.7)
    teeth = torch.maximum(inner, v - inner_top - 0.040 * (0.55 + 0.45 * arch))
    canvas.paint(teeth, torch.tensor([[0.97, 0.96, 0.93]], device=skin.device).expand(len(skin), -1))
    line = canvas.cover((v - middle).abs() - 0.006) * (u.abs() < 1.0) * (opening < 0.012)
    canvas.tint((0.30, 0.10, 0.10), 0.75 * line)
    canvas.lighten(0.22 * bump(u, v, -0.1, (lower - 0.018), 0.35, 0.010) * canvas.cover(lips))
    for side in (-1, 1):
        canvas.darken(0.14 * bump(head.u, head.v, mouth_u + side * width * 1.03, mouth_v - 0.02 * smile, 0.02, 0.018))


def draw_eye(canvas: Canvas, head: Head, side: int) -> None:
    """Almond between two parabolic lids: sclera, iris with limbal ring, pupil, catch-light, lashes, crease."""
    eye_u, eye_v = head.place(side * head["eye_spacing"], head["eye_height"])
    size, opened = head["eye_size"], head["eye_open"] * (1 - 0.22 * head["eyes_smile"].clamp(min=0))
    tilt = -side * head["eye_tilt"]
    du, dv = (head.u - eye_u) / head.narrowing(side), head.v - eye_v
    p, q = (du + dv * tilt) / size, (dv - du * tilt) / size
    arch = 1 - p * p
    top, bottom = -opened * arch, 0.62 * opened * arch
    almond = torch.maximum(top - q, q - bottom) * size
    white = torch.tensor([[0.96, 0.95, 0.94]], device=p.device).expand(len(p), -1)
    shade = 1.0 - 0.45 * smooth(top + 0.30 - q, 0.0, 0.35) - 0.15 * p.abs()
    canvas.paint(almond, canvas.tone(white, shade), EYES)
    gaze = head["gaze"] + 0.35 * head.sin_yaw
    radius = torch.sqrt((p - gaze).square() + (q + 0.05).square())
    inside = canvas.cover(almond)
    iris = head.factors["iris_colour"]
    glow = 0.78 + 0.55 * bump(p, q, gaze, 0.16, 0.3, 0.18) - 0.55 * smooth(radius, 0.36, 0.46)
    canvas.paint((radius - 0.46) * size, canvas.tone(iris, glow), opacity=inside)
    canvas.paint((radius - 0.20) * size, iris * 0.10, opacity=inside)
    spark = torch.sqrt((p - gaze + 0.15).square() + (q + 0.21).square())
    canvas.paint((spark - 0.12) * size, torch.ones_like(iris), opacity=inside * 0.95)
    lash = torch.maximum((q - top + 0.045).abs() * size - 0.0135, (p.abs() - 1.04) * size)
    canvas.paint(lash, torch.full_like(iris, 0.08) + 0.08 * head.factors["eyes_skin_colour"], opacity=0.92)
    under = torch.maximum((q - bottom).abs() * size - 0.004, (p.abs() - 0.95) * size)
    canvas.darken(canvas.cover(under) * 0.30)
    crease = torch.exp(-(((q - top + 0.34) * size / 0.011) ** 2)) * (p.abs() < 0.95) * (q < top)
    canvas.darken(0.22 * crease)


def draw_brow(canvas: Canvas, head: Head, side: int) -> None:
    """A tapered arc above the eye, in a darker shade of the hair."""
    eye_u, eye_v = head.place(side * head["eye_spacing"], head["eye_height"] - head["brow_height"])
    size = head["eye_size"] * 1.25
    p = side * (head.u - eye_u) / head.narrowing(side) / size  # -1 at the nose, 1 at the temple
    arc = eye_v - 0.030 * (1 - p * p) - 0.07 * head["brow_angle"] * p + 0.012 * smooth(p, 0.3, 1.0)
    thick = head["brow_thickness"] * (1.0 - 0.55 * smooth(p, 0.0, 1.1)) * (1 - 0.25 * smooth(-p, 0.7, 1.1))
    brow = torch.maximum((head.v - arc).abs() - thick, (p.abs() - 1) * size)
    strands = 0.9 + 0.2 * torch.sin(p * 30 + (head.v - arc) * 90)
    canvas.paint(
        brow,
        canvas.tone(head.factors["brow_colour"], 0.8 * strands),
        BROWS,
        opacity=0.9,
    )
