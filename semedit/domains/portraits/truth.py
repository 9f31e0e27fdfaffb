"""True edits of portraits: the law draws what a code shows, and what it would show with one attribute changed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from semedit.domains.base import TrueChange
from semedit.domains.portraits.drawing.renderer import Style, render
from semedit.domains.portraits.factors import ATTRIBUTES, Factors, attributes
from semedit.domains.portraits.law import MixedCodes, factors_of, turned
from semedit.latents.regions import CELEBAMASK, Selection


@dataclass(frozen=True)
class PortraitTruth:
    """Draws the portraits that the law ties to codes, at ``size`` px; codes are the same in every row."""

    size: int
    style: Style = "soft"

    @property
    def protocol(self) -> str:
        return f"law of portraits@{self.size}"

    def attributes(self, codes: Tensor) -> Tensor:
        return attributes(factors_of(codes))

    def turnable(self, codes: Tensor, attribute: str, on: bool) -> Tensor:
        after = turned(codes, attribute, on)
        column = ATTRIBUTES.index(attribute)
        shown = [attributes(factors)[:, column] > 0.5 for factors in (factors_of(codes), after)]
        return (shown[0] != on) & (shown[1] == on)

    def pictures(self, codes: Tensor) -> Tensor:
        return render(factors_of(codes), self.size, self.style)[0]

    def edited(self, codes: Tensor, attribute: str, on: bool) -> Tensor:
        return render(turned(codes, attribute, on), self.size, self.style)[0]

    def true_edit(self, codes: Tensor, attribute: str, on: bool) -> TrueChange:
        return self._change(factors_of(codes), turned(codes, attribute, on))

    def true_transfer(self, codes: Tensor, others: Tensor, selection: Selection) -> TrueChange:
        """The factors that the regions' rows own are the others'; those that the whole head owns stay."""
        from_others = torch.zeros(len(codes), 1 + 2 * len(CELEBAMASK), dtype=torch.bool, device=codes.device)
        from_others[:, list(selection.rows(1))] = True
        return self._change(factors_of(codes), factors_of(MixedCodes(codes, others, from_others).rows()))

    def _change(self, before: Factors, after: Factors) -> TrueChange:
        (image, labels), (changed, moved) = (render(factors, self.size, self.style) for factors in (before, after))
        return TrueChange(image, changed, labels, moved)
