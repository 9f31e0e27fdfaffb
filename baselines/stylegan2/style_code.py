"""Codes in StyleSpace: one vector for each modulated layer of a StyleGAN2.

Reference: Wu et al., "StyleSpace Analysis: Disentangled Controls for StyleGAN Image Generation", 2021,
https://arxiv.org/abs/2011.12799. A vector scales the channels that its layer reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semedit.errors import LatentError


@dataclass(frozen=True, eq=False)
class StyleCode:
    """The modulations of B pictures.

    ``conv``: one (B, C_i) for each 3x3 convolution, from 4x4 on (two for each further size); ``rgb``: one (B, C_j) for
    each RGB head, one a size.
    """

    conv: tuple[Tensor, ...]
    rgb: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.conv[0])

    def __getitem__(self, chosen: slice) -> "StyleCode":
        """Some of the codes."""
        return self.map(lambda entry: entry[chosen])

    @property
    def entries(self) -> tuple[Tensor, ...]:
        """All convolutions' vectors, then all heads'."""
        return (*self.conv, *self.rgb)

    @property
    def conv_widths(self) -> tuple[int, ...]:
        return tuple(entry.shape[1] for entry in self.conv)

    @property
    def rgb_widths(self) -> tuple[int, ...]:
        return tuple(entry.shape[1] for entry in self.rgb)

    def map(self, change: Callable[..., Tensor], *others: "StyleCode") -> "StyleCode":
        """``change`` of each entry, and of the entries of ``others`` that stand in the same place.

        Raises LatentError for codes of other widths.
        """
        for other in others:
            self.check_widths(other.conv_widths, other.rgb_widths)
        made = [change(*entries) for entries in zip(self.entries, *(other.entries for other in others), strict=True)]
        return StyleCode(tuple(made[: len(self.conv)]), tuple(made[len(self.conv) :]))

    def check_widths(self, conv_widths: Sequence[int], rgb_widths: Sequence[int]) -> None:
        """LatentError unless this code has these widths."""
        if (self.conv_widths, self.rgb_widths) != (tuple(conv_widths), tuple(rgb_widths)):
            raise LatentError(
                f"a style code of widths {list(self.conv_widths)} and {list(self.rgb_widths)}, where "
                f"{list(conv_widths)} and {list(rgb_widths)} are wanted"
            )

    def to(self, target: torch.dtype | torch.device | str) -> "StyleCode":
        """The same code in another dtype or on another device."""
        options: dict[str, Any] = {"dtype" if isinstance(target, torch.dtype) else "device": target}
        return self.map(lambda entry: entry.to(**options))

    def lerp(self, other: "StyleCode", amount: float) -> "StyleCode":
        """This code + amount (other - this code)."""
        return self.map(lambda here, there: torch.lerp(here, there, amount), other)

    @classmethod
    def cat(cls, codes: "Sequence[StyleCode]") -> "StyleCode":
        """One batch of several. Raises LatentError for codes of other widths."""
        first, *others = codes
        return first.map(lambda *entries: torch.cat(entries), *others)

    def flat(self) -> Tensor:
        """The code as one tensor (B, S): all convolutions' vectors, then all heads'."""
        return torch.cat(self.entries, dim=1)

    @classmethod
    def from_flat(cls, flat: Tensor, conv_widths: Sequence[int], rgb_widths: Sequence[int]) -> "StyleCode":
        """The code of a tensor (B, S) as :meth:`flat` gives it. Raises LatentError for another S."""
        widths = [*conv_widths, *rgb_widths]
        if flat.dim() != 2 or flat.shape[1] != sum(widths):
            raise LatentError(f"a flat style code of shape {tuple(flat.shape)}; (B, {sum(widths)}) is wanted")
        parts = flat.split(widths, dim=1)
        return cls(parts[: len(conv_widths)], parts[len(conv_widths) :])

    def interleaved(self) -> tuple[Tensor, ...]:
        """The vectors in StyleCLIP's order: conv, rgb, then conv, conv, rgb for each further size."""
        order = [self.conv[0], self.rgb[0]]
        for size in range(1, len(self.rgb)):
            order += [self.conv[2 * size - 1], self.conv[2 * size], self.rgb[size]]
        return tuple(order)

    @classmethod
    def from_interleaved(cls, entries: Sequence[Tensor]) -> "StyleCode":
        """The code of vectors in StyleCLIP's order. Raises LatentError for a number of them that no generator has."""
        if len(entries) < 2 or len(entries) % 3 != 2:
            raise LatentError(f"{len(entries)} interleaved vectors; 2, and 3 more for each size, are wanted")
        return cls(tuple(e for i, e in enumerate(entries) if i % 3 != 1), tuple(entries[1::3]))
