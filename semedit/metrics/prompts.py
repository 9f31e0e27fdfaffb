"""Scores by words: what prompts and a CLIP say of pictures, and what a prompt speaks of."""

from collections.abc import Mapping

import torch
from torch import Tensor

from semedit.errors import ConfigError
from semedit.metrics.clip import Clip


class PromptScorer:
    """Scores pictures by words: the zero-shot probability of the first prompt among all. A Scorer of one attribute."""

    def __init__(self, clip: Clip, name: str, prompts: tuple[str, ...]):
        if len(prompts) < 2:
            raise ConfigError("a score by words needs two prompts or more: what is wanted, then what is not")
        self.clip, self.prompts = clip, prompts
        self.names: tuple[str, ...] = (name,)

    @property
    def protocol(self) -> str:
        return f"{self.clip.protocol}: {' | '.join(self.prompts)}"

    def score(self, images: Tensor) -> Tensor:
        """Probabilities (B, 1)."""
        return self.clip.probabilities(images, self.prompts)[:, :1].cpu()


@torch.no_grad()
def noise_floor(clip: Clip, images: Tensor, prompts: tuple[str, ...]) -> Tensor:
    """Standard deviation (B, P) of the cosines of pictures when they are shifted by a pixel in eight directions."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return torch.stack([clip.similarity(images.roll(by, (2, 3)), prompts) for by in shifts]).std(0)


def named_value(prompt: str, properties: Mapping[str, tuple[str, ...]]) -> tuple[str, int] | None:
    """Which value of which property a prompt speaks of: (property, index), or None if of none, or of several.

    A value is meant if the words that tell it from the others of its property stand shortly before the word that they
    share: "purple long hair".
    """
    words = prompt.lower().replace(",", " , ").split()
    found = []
    for name, values in properties.items():
        split = [set(value.lower().split()) for value in values]
        shared = set.intersection(*split)
        (noun,) = shared - {"a", "an", "person", "with", "the"}
        if noun not in words:
            continue
        end = words.index(noun)
        near = set(words[max(0, end - 3) : end])
        meant = [i for i, one in enumerate(split) if one - shared <= near and "no" not in near]
        found.append((name, meant[0] if len(meant) == 1 else -1))
    return found[0] if len(found) == 1 and found[0][1] >= 0 else None
