"""InterFaceGAN: linear directions from a support vector machine on scored codes.

Reference: Shen et al., "InterFaceGAN: Interpreting the Disentangled Face Representation Learned by GANs", 2020,
https://arxiv.org/abs/2005.09635. Followed: boundary training on extremes, projection for conditional manipulation, and
the absolute (2-D codes) and relative (W+) manipulations. Departures: drawing the training split uses a seed of its own
instead of NumPy's global generator, and ties in score are broken by position; an edit of some regions only may have a
direction of its own, learnt in their rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from directions.masking import limit_to_regions
from directions.study import Study
from semedit.errors import ConfigError, LatentError, NotFitted
from semedit.latents.latent import Latent

Array = NDArray[np.float32]
#: What the name of a local direction's tensor ends in.
LOCAL = "@local"


@dataclass(frozen=True)
class BoundaryReport:
    """How well a boundary separates held-out extremes, and everything that was not chosen."""

    chosen: int
    train: int
    validation_accuracy: float
    remaining_accuracy: float


def select_extremes(scores: Array, chosen: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the highest, the lowest and the remaining scores.

    ``chosen`` in (0, 1] is a share of all, above 1 a count; at most half a side. ConfigError if fewer than 2 are left.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    count = int(len(scores) * chosen) if 0 < chosen <= 1 else int(chosen)
    count = min(count, len(scores) // 2)
    if count < 2:
        raise ConfigError(
            f"{len(scores)} scored codes with chosen={chosen} leave {count} a side; at least 2 are needed"
        )
    return order[:count], order[-count:], order[count:-count]


def project(primal: Array, conditions: list[Array]) -> Array:
    """Remove from a unit direction its components along others: (D,) -> (D,), unit norm.

    Raises ConfigError if nothing is left, or if the conditions depend on each other linearly.
    """
    if not conditions:
        return primal
    stack = np.stack(conditions).astype(np.float64)
    if np.linalg.matrix_rank(stack) < len(stack):
        raise ConfigError("the directions to preserve depend on each other linearly; leave one out")
    weights = np.linalg.solve(stack @ stack.T, stack @ primal)
    rest = primal - weights @ stack
    norm = np.linalg.norm(rest)
    if norm < 1e-6:
        raise ConfigError("nothing is left of the direction: it lies in the span of those to preserve")
    return (rest / norm).astype(np.float32)


def manipulate(code: Tensor, direction: Tensor, distances: Tensor) -> Tensor:
    """Codes at the given distances along a unit direction (D,), as the official script does.

    A code (1, D) is placed at the **absolute** signed distances from the hyperplane through the origin; a W+ code
    (1, L, D) is moved by the **relative** distances in all rows. Returns (S, D) or (S, L, D) for S distances.
    """
    if code.dim() == 2:
        return code + (distances - code @ direction)[:, None] * direction
    if code.dim() == 3:
        return code + distances[:, None, None] * direction
    raise LatentError(f"a code of shape {tuple(code.shape)}; (1, D) or (1, L, D) is wanted")


class InterFaceGAN:
    """A direction for one attribute, learnt from codes in W and their scores.

    After ``fit``: ``direction_`` (D,) unit norm, positive side = higher score; ``report_``. ``regions_`` are the
    default regions of ``edit``; ``scale_`` is the distance in W that strength 1 means in them, ``unmasked_scale_`` in
    all rows, both 1 until they are calibrated; ``local_`` a direction that takes this one's place in the rows of its
    own regions, unless the base rows are edited too (all others then move by ``unmasked_scale_``); ``study_`` what was
    measured, or None; ``prompts_`` the words that gave the scores.
    """

    #: Distances in W that calibration tries.
    DISTANCES: ClassVar[tuple[float, ...]] = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)

    def __init__(self, attribute: str, *, chosen: float = 0.02, split: float = 0.7, invalid: float | None = None,
                 seed: int = 0):  # fmt: skip
        self.attribute, self.chosen, self.split, self.invalid, self.seed = attribute, chosen, split, invalid, seed

    def fit(self, codes: Array, scores: Array) -> "InterFaceGAN":
        """Learn from codes (M, D) and scores (M,): a linear C-SVM, C = 1, on the extremes, without scaling.

        Of codes that are mapped from a file only the extremes, and then a few thousand at a time, are read.
        """
        from sklearn.svm import SVC

        codes, scores = np.asanyarray(codes, np.float32), np.asarray(scores, np.float32).reshape(-1)
        if codes.ndim != 2 or len(codes) != len(scores):
            raise LatentError(f"codes of shape {codes.shape} with {len(scores)} scores; (M, D) and M are wanted")
        if self.invalid is not None:
            codes, scores = codes[scores != self.invalid], scores[scores != self.invalid]
        high, low, rest = select_extremes(scores, self.chosen)
        n_train = int(len(high) * self.split)
        random = np.random.default_rng(self.seed)
        high, low = random.permutation(high), random.permutation(low)
        train = np.concatenate([high[:n_train], low[:n_train]])
        machine = SVC(kernel="linear").fit(codes[train], np.repeat([1, 0], n_train))
        held = np.concatenate([high[n_train:], low[n_train:]])
        truth = np.repeat([1, 0], len(high) - n_train)
        middle = (scores.max() + scores.min()) / 2
        parts = np.array_split(rest, max(1, len(rest) // 2048))
        hits = sum(int((machine.predict(codes[p]) == (scores[p] >= middle)).sum()) for p in parts if len(p))
        remaining = hits / len(rest) if len(rest) else float("nan")
        normal = machine.coef_.reshape(-1).astype(np.float32)
        self.direction_: Array = normal / np.linalg.norm(normal)
        self.report_ = BoundaryReport(
            len(high), n_train, float((machine.predict(codes[held]) == truth).mean()), remaining
        )
        self.scale_, self.unmasked_scale_, self.regions_ = 1.0, 1.0, "all"
        self.local_: InterFaceGAN | None = None
        self.study_: Study | None = None
        self.prompts_: tuple[str, ...] = ()
        return self

    def check_fitted(self) -> None:
        if not hasattr(self, "direction_"):
            raise NotFitted(f"the '{self.attribute}' direction is used before fit or load")

    def preserving(self, others: "list[InterFaceGAN]") -> "InterFaceGAN":
        """This direction with its components along others removed (conditional manipulation)."""
        self.check_fitted()
        for other in others:
            other.check_fitted()
        twin = self.twin()
        twin.direction_ = project(self.direction_, [other.direction_ for other in others])
        if twin.local_:
            twin.local_ = twin.local_.preserving([other.local_ or other for other in others])
        return twin

    def twin(self) -> "InterFaceGAN":
        """A copy of this direction."""
        return InterFaceGAN.from_state(self.attribute, self.tensors(), self.state())

    def with_scale(self, scale: float) -> "InterFaceGAN":
        """The same direction with another meaning of strength 1."""
        self.check_fitted()
        twin = self.twin()
        twin.scale_ = twin.unmasked_scale_ = scale
        return twin

    def move(self, latent: Latent, strength: float, regions: str) -> Latent:
        """Every row of a W or W+ code moved as an edit of ``regions`` moves those that it chooses."""
        wplus = latent.wplus()
        unmasked = latent.regions.select(regions).base
        common = self.unmasked_scale_ if unmasked or self.local_ else self.scale_
        offset = common * torch.from_numpy(self.direction_).repeat(latent.layout.rows, 1)
        if self.local_ and not unmasked:
            offset[list(latent.rows(self.local_.regions_))] = self.scale_ * torch.from_numpy(self.local_.direction_)
        moved = wplus.data + strength * offset.to(wplus.data)
        return latent.with_rows(moved, tuple(range(latent.layout.rows)))

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Move the rows of ``regions`` (default: the attribute's own). All other rows stay bit-identical."""
        self.check_fitted()
        if latent.data.shape[-1] != len(self.direction_):
            raise LatentError(f"a latent of width {latent.data.shape[-1]}, a direction of width {len(self.direction_)}")
        regions = regions or self.regions_
        moved = latent.wplus() if strength == 0 else self.move(latent, strength, regions)
        edited = limit_to_regions(latent, moved, regions)
        event = {"method": "interfacegan", "attr": self.attribute, "strength": strength, "regions": regions}
        return edited.edited_from(latent, **event)

    def state(self) -> dict[str, Any]:
        """Everything but the tensors, as JSON."""
        return {
            "scale": self.scale_,
            "unmasked_scale": self.unmasked_scale_,
            "local": self.local_.state() if self.local_ else None,
            "regions": self.regions_,
            "report": vars(self.report_),
            "study": self.study_.to_json() if self.study_ else None,
            "prompts": list(self.prompts_),
            "chosen": self.chosen,
            "split": self.split,
            "seed": self.seed,
        }

    def tensors(self) -> dict[str, Array]:
        """The direction by the attribute's name, and the local one, if there is one."""
        local = {self.attribute + LOCAL: self.local_.direction_} if self.local_ else {}
        return {self.attribute: self.direction_, **local}

    @classmethod
    def from_state(cls, attribute: str, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> "InterFaceGAN":
        """A fitted direction from what :meth:`tensors` and :meth:`state` gave."""
        self = cls(attribute, chosen=state["chosen"], split=state["split"], seed=state["seed"])
        self.direction_ = np.asarray(tensors[attribute], np.float32).reshape(-1)
        local = state.get("local")
        self.local_ = cls.from_state(attribute, {attribute: tensors[attribute + LOCAL]}, local) if local else None
        self.report_ = BoundaryReport(**state["report"])
        self.scale_, self.regions_ = state["scale"], state["regions"]
        self.unmasked_scale_ = state.get("unmasked_scale", self.scale_)
        self.study_ = Study.from_json(state["study"]) if state.get("study") else None
        self.prompts_ = tuple(state.get("prompts", ()))
        return self
