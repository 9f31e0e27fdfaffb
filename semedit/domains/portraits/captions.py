"""What drawn portraits show, in words: captions, and the properties that prompts can name."""

import random
from collections.abc import Mapping

import torch
from torch import Tensor

from semedit.domains.portraits.factors import ATTRIBUTES, HAIR, IRIS, SKIN, Factors, attributes, hair_colours

#: Properties with exclusive values, each value as a prompt.
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "hair colour": tuple(f"a person with {colour} hair" for colour in HAIR),
    "skin tone": tuple(f"a person with {tone} skin" for tone in SKIN),
    "eye colour": tuple(f"a person with {colour} eyes" for colour in IRIS),
    "glasses": ("a person with glasses", "a person without glasses"),
    "beard": ("a person with a beard", "a person without a beard"),
}
SUBJECTS = ("a person", "a face", "a portrait of a person", "a photo of a person")


def property_values(factors: Factors) -> Tensor:
    """For each portrait and property, in the order of PROPERTIES, the index of its value (B, P); -1 if it has none."""
    truth = dict(zip(ATTRIBUTES, attributes(factors).bool().unbind(1), strict=True))
    columns = {
        "hair colour": torch.where(truth["bald"], -1, hair_colours(factors)),
        "skin tone": _step(factors["skin"], len(SKIN)),
        "eye colour": _step(factors["iris"], len(IRIS)),
        "glasses": (~truth["glasses"]).long(),
        "beard": (~truth["beard"]).long(),
    }
    return torch.stack([columns[name] for name in PROPERTIES], dim=1)


def captions(factors: Factors) -> list[str]:
    """One English sentence for each portrait, such as "a person with long purple hair and blue eyes, smiling"."""
    sentences = []
    for has in _facts(factors):
        features = [f"{has['skin']} skin"]
        features.append("a bald head" if has["bald"] else f"{has['length']} {has['hair']} hair")
        features += ["bangs"] if has["bangs"] else []
        features += ["a beard"] if has["beard"] else []
        features.append(f"{has['iris']} eyes")
        features += [word for word in ("glasses", "earrings") if has[word]]
        features += ["a hat"] if has["hat"] else []
        mood = ", smiling" if has["smile"] else ""
        sentences.append(f"a person with {_join(features)}{mood}")
    return sentences


def short_captions(factors: Factors, variants: int, seed: int) -> list[list[str]]:
    """``variants`` sentences for each portrait that say one to three things of it, and what is not there, at random."""
    draw = random.Random(seed)
    return [[_short(has, draw) for _ in range(variants)] for has in _facts(factors)]


def property_captions(factors: Factors) -> list[list[str]]:
    """For each portrait a sentence about each property, in the order of PROPERTIES."""
    values = property_values(factors).tolist()
    prompts = list(PROPERTIES.values())
    return [
        [prompt[i] if i >= 0 else "a person with a bald head" for prompt, i in zip(prompts, row, strict=True)]
        for row in values
    ]


def _short(has: Mapping[str, str | bool], draw: random.Random) -> str:
    hair, length = has["hair"], has["length"]
    hairs = ("a bald head", "no hair") if has["bald"] else (
        f"{hair} hair", f"{hair} hair", f"{length} {hair} hair", f"{hair} {length} hair", f"{length} hair",
    )  # fmt: skip
    things = [draw.choice(hairs), f"{has['skin']} skin", f"{has['iris']} eyes"]
    things += ["glasses" if has["glasses"] else "no glasses", "a beard" if has["beard"] else "no beard"]
    seldom = ["bangs" if has["bangs"] else "no bangs", "earrings" if has["earrings"] else "no earrings"]
    seldom += ["a hat" if has["hat"] else "no hat", "a smile" if has["smile"] else "a neutral expression"]
    chosen = draw.sample(things, draw.choice((1, 1, 2, 3))) + (draw.sample(seldom, 1) if draw.random() < 0.3 else [])
    draw.shuffle(chosen)
    if len(chosen) == 1 and chosen[0].startswith("no ") and draw.random() < 0.5:
        return f"{draw.choice(SUBJECTS)} without {chosen[0].replace('no beard', 'a beard').removeprefix('no ')}"
    if draw.random() < 0.2:
        return _join(chosen)
    mood = "" if draw.random() < 0.8 else "smiling " if has["smile"] else ""
    return f"{draw.choice(SUBJECTS)} with {_join(chosen)}".replace("a person", f"a {mood}person")


def _facts(factors: Factors) -> list[dict[str, str | bool]]:
    """What is to be said of each portrait, in words and yes or no."""
    truth = attributes(factors).bool().tolist()
    hairs, skins, irises = list(HAIR), list(SKIN), list(IRIS)
    skin, iris = _step(factors["skin"], len(skins)).tolist(), _step(factors["iris"], len(irises)).tolist()
    hair = hair_colours(factors).tolist()
    found = []
    for i, flags in enumerate(truth):
        has: dict[str, str | bool] = dict(zip(ATTRIBUTES, flags, strict=True))
        long = "long" if has["long_hair"] else "short" if factors["hair_length"][i] < 0.3 else "medium-length"
        words = {"skin": skins[skin[i]], "iris": irises[iris[i]], "hair": hairs[hair[i]]}
        found.append({**has, **words, "length": long})
    return found


def _step(position: Tensor, steps: int) -> Tensor:
    """Which of ``steps`` equal parts of [0, 1] a position lies in."""
    return (position * steps).long().clamp(max=steps - 1)


def _join(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]
