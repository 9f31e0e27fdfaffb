"""True edits of portraits: the law draws what a code shows, and what it would show with one attribute changed."""

from dataclasses import dataclass

from torch import Tensor

from semedit.domains.portraits.drawing.renderer import Style, render
from semedit.domains.portraits.factors import ATTRIBUTES, attributes
from semedit.domains.portraits.law import factors_of, turned


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
