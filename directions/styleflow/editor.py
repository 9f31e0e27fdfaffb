"""StyleFlow: edits by encoding a code under its attributes and decoding it under changed ones.

Reference: Abdal et al., "StyleFlow: Attribute-conditioned Exploration of StyleGAN-Generated Images using Conditional
Continuous Normalizing Flows", 2021, https://arxiv.org/abs/2008.02401. Followed: the flow, its likelihood, and the
editing procedure, in which later edits keep what earlier ones asked for. Departures: attributes are a classifier's
probabilities, as SemanticStyleGAN has them; the rows that may change are those of the chosen regions, and only they are
mapped; larger batches.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

from torch import Tensor

from directions.contract import AttributeEditor
from directions.study import Calibration
from semedit.latents.latent import Latent

#: What a latent knows of each of its codes after a flow edit: the attributes it had, and those asked for.
SOURCE, TARGET = "styleflow_source", "styleflow_target"


class Flow(Protocol):
    """What an editor asks of the flow that it belongs to: see FlowLibrary."""

    attributes: tuple[str, ...]

    def check_fitted(self) -> None: ...

    def conditions(self, latent: Latent) -> tuple[Tensor, Tensor]: ...

    def transport(self, latent: Latent, here: Tensor, there: Tensor, regions: str) -> Latent: ...


class FlowEditor(AttributeEditor):
    """One attribute of a ``flow`` as an editor; distances are changes of its condition."""

    method = "styleflow"
    DISTANCES: ClassVar[tuple[float, ...]] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)

    def __init__(self, flow: Flow, attribute: str, calibration: Calibration = Calibration()):  # noqa: B008 (frozen)
        self.flow, self.attribute, self.calibration_ = flow, attribute, calibration

    def check_fitted(self) -> None:
        self.flow.check_fitted()

    def calibrated(self, calibration: Calibration) -> Self:
        """The same editor with another calibration, which a flow that is not fitted yet has too."""
        return type(self)(self.flow, self.attribute, calibration)

    def preserving(self, others: Sequence[Self]) -> Self:  # noqa: ARG002
        """This editor: the flow holds the condition of every other attribute as it is."""
        return self

    def move(self, latent: Latent, strength: float, regions: str) -> Latent:
        """The attribute's condition changed by strength * scale in the rows of ``regions``; a batch is one solve."""
        source, current = self.flow.conditions(latent)
        wanted = current.clone()
        scale = self.unmasked_scale_ if latent.regions.select(regions).base else self.scale_
        wanted[:, self.flow.attributes.index(self.attribute)] += strength * scale
        moved = self.flow.transport(latent, current, wanted, regions)
        return moved.annotated_each(**{SOURCE: source.tolist(), TARGET: wanted.tolist()})
