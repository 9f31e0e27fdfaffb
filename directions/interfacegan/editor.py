"""InterFaceGAN: linear directions from a support vector machine on scored codes.

Reference: Shen et al., "InterFaceGAN: Interpreting the Disentangled Face Representation Learned by GANs", 2020,
https://arxiv.org/abs/2005.09635. Followed: boundary training on extremes, projection for conditional manipulation, and
the absolute (2-D codes) and relative (W+) manipulations. In StyleSpace codes are moved by relative distances as well.
Departures: drawing the training split uses a seed of its own
instead of NumPy's global generator, and ties in score are broken by position; an edit of some regions only may have a
direction of its own, learnt in their rows.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from directions.contract import AttributeEditor
from directions.study import Calibration, Study
from semedit.config import finite
from semedit.errors import CheckpointError, ConfigError, LatentError, NotFitted
from semedit.latents.latent import Latent
from semedit.storage.content import shaped

Array = NDArray[np.float32]
#: What the name of a local direction's tensor ends in.
LOCAL = "@local"


@dataclass(frozen=True)
class BoundaryReport:
    """How well a boundary separates held-out extremes, and everything that was not chosen; None where there is none."""

    chosen: int
    train: int
    validation_accuracy: float | None
    remaining_accuracy: float | None


def select_extremes(scores: Array, chosen: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the highest, the lowest and the remaining scores.

    ``chosen`` in (0, 1] is a share of all, above 1 a count; at most half a side. ConfigError if fewer than 2 are left.
    """
    chosen = finite(chosen, "chosen")
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
    (1, L, D), or S of them, is moved by the **relative** distances in all rows. Returns (S, D) or (S, L, D) for S
    distances.
    """
    if code.dim() == 2:
        return code + (distances - code @ direction)[:, None] * direction
    if code.dim() == 3:
        return code + distances[:, None, None] * direction
    raise LatentError(f"a code of shape {tuple(code.shape)}; (1, D) or (1, L, D) is wanted")


class InterFaceGAN(AttributeEditor):
    """A direction for one attribute, learnt from codes and their scores.

    ``space`` is that of the codes it is learnt from: "w", whose directions move the rows of W+ codes, or "s", where
    ``styles`` brings other codes to; ``regions`` are the default regions of edits, ``prompts`` the words that gave the
    scores; ``chosen`` is the share of extremes a side (or their count, above 1), ``split`` the share of them that is
    trained on (1: all, none are held out), ``invalid`` the score of samples that could not be scored, which are left
    out; ``seed`` draws the split. ``cost`` is the SVM's C, 1 in the paper's code: the smaller, the nearer the normal
    comes to the difference between the mean codes of both extremes, which crosses the boundary by a shorter way where
    codes vary along few of their coordinates. The place of the boundary, and with it the accuracies of ``report_``, is
    hardly determined then.

    After ``fit``: ``direction_`` (D,) unit norm, positive side = higher score; ``report_``; ``calibration_``, in which
    strength 1 is a distance in W, half of that between the highest and the lowest tenth of the codes until it has been
    measured; ``local_``, a direction that takes this one's place in the rows of its own regions unless the base rows
    are edited too (all others then move by the unmasked scale), None at first.
    """

    method = "interfacegan"
    DISTANCES: ClassVar[tuple[float, ...]] = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)

    def __init__(self, attribute: str, *, regions: str = "all", prompts: tuple[str, ...] = (), chosen: float = 0.02,
                 split: float = 0.7, seed: int = 0, invalid: float | None = None, space: Literal["w", "s"] = "w",
                 styles: Callable[[Latent], Latent] | None = None, cost: float = 1.0):  # fmt: skip
        if not cost > 0:
            raise ConfigError(f"cost is {cost}; the C of a support vector machine is above 0")
        self.attribute, self.regions, self.prompts = attribute, regions, prompts
        self.chosen, self.split, self.seed, self.invalid = chosen, split, seed, invalid
        self.space, self.styles, self.cost = space, styles, cost

    def fit(self, codes: Array, scores: Array) -> Self:
        """Learn from codes (M, D) and scores (M,): a linear C-SVM, C = ``cost``, on the extremes, without scaling.

        Scores that are missing (NaN, or ``invalid``) are left out. Of codes that are mapped from a file only the
        extremes, and then a few thousand at a time, are read. Raises LatentError for other shapes, ConfigError where
        nothing is left to learn from.
        """
        from sklearn.svm import SVC

        codes, scores = np.asanyarray(codes, np.float32), np.asarray(scores, np.float32).reshape(-1)
        if codes.ndim != 2 or len(codes) != len(scores):
            raise LatentError(f"codes of shape {codes.shape} with {len(scores)} scores; (M, D) and M are wanted")
        if not (known := ~np.isnan(scores) & (scores != self.invalid)).all():
            codes, scores = codes[known], scores[known]
        high, low, rest = select_extremes(scores, self.chosen)
        n_train = int(len(high) * self.split)
        if n_train < 1:
            raise ConfigError(f"split={self.split} of {len(high)} extremes a side leaves none to learn from")
        random = np.random.default_rng(self.seed)
        high, low = random.permutation(high), random.permutation(low)
        train = np.concatenate([high[:n_train], low[:n_train]])
        machine = SVC(C=self.cost, kernel="linear").fit(codes[train], np.repeat([1, 0], n_train))
        held = np.concatenate([high[n_train:], low[n_train:]])
        right = int((machine.predict(codes[held]) == np.repeat([1, 0], len(high) - n_train)).sum()) if len(held) else 0
        middle = (scores.max() + scores.min()) / 2
        parts = np.array_split(rest, max(1, len(rest) // 2048))
        hits = sum(int((machine.predict(codes[p]) == (scores[p] >= middle)).sum()) for p in parts if len(p))
        normal = machine.coef_.reshape(-1).astype(np.float32)
        self.direction_: Array = normal / np.linalg.norm(normal)
        self.report_ = BoundaryReport(
            len(high), n_train, right / len(held) if len(held) else None, hits / len(rest) if len(rest) else None
        )
        gap = half_gap(codes, scores, self.direction_)
        self.calibration_ = Calibration(self.regions, gap, gap)
        self.local_: Self | None = None
        return self

    def check_fitted(self) -> None:
        if not hasattr(self, "direction_"):
            raise NotFitted(f"the '{self.attribute}' direction is used before fit or load")

    def preserving(self, others: Sequence[Self]) -> Self:
        """This direction with its components along others removed (conditional manipulation)."""
        self.check_fitted()
        for other in others:
            other.check_fitted()
        if any(other.space != self.space for other in others):
            raise ConfigError(f"a direction in {self.space.upper()} cannot hold one of another space")
        twin = copy(self)
        twin.direction_ = project(self.direction_, [other.direction_ for other in others])
        if twin.local_:
            twin.local_ = twin.local_.preserving([other.local_ or other for other in others])
        return twin

    def with_styles(self, styles: Callable[[Latent], Latent]) -> Self:
        """This direction with what brings codes to S, where it moves them."""
        twin = copy(self)
        twin.styles = styles
        return twin

    def with_local(self, local: Self | None) -> Self:
        """This direction with another in its place in the rows of that one's regions."""
        self.check_fitted()
        twin = copy(self)
        twin.local_ = local
        return twin

    def in_own_space(self, latent: Latent) -> Latent:
        """Codes in S for a direction of S, LatentError where nothing is known to bring them there; others in W+."""
        if self.space != "s" or latent.space == "s":
            return latent if latent.space == "s" else latent.wplus()
        if self.styles is None:
            raise LatentError(f"the '{self.attribute}' direction is one of S, and this code is in '{latent.space}'")
        return self.styles(latent)

    def move(self, latent: Latent, strength: float, regions: str) -> Latent:
        """Every row of a W+ code moved as an edit of ``regions`` moves those that it chooses, or a code in S moved."""
        if latent.data.shape[-1] != len(self.direction_):
            raise LatentError(f"a latent of width {latent.data.shape[-1]}, a direction of width {len(self.direction_)}")
        if latent.space == "s":
            step = strength * self.unmasked_scale_ * torch.from_numpy(self.direction_).to(latent.data)
            return replace(latent, data=latent.data + step)
        unmasked = latent.regions.select(regions).base
        common = self.unmasked_scale_ if unmasked or self.local_ else self.scale_
        moved = along(latent.wplus().data, self.direction_, strength * common)
        if self.local_ and not unmasked:
            rows = list(latent.rows(self.local_.regions_))
            moved[:, rows] = along(latent.wplus().data[:, rows], self.local_.direction_, strength * self.scale_)
        return latent.with_rows(moved, tuple(range(latent.layout.rows)))

    def facts(self) -> dict[str, Any]:
        """Held-out accuracies of the boundary, and whether there is a local direction."""
        self.check_fitted()
        accuracies = {name: getattr(self.report_, name) for name in ("validation_accuracy", "remaining_accuracy")}
        return {**accuracies, "local": self.local_ is not None}

    def state(self) -> dict[str, Any]:
        """Everything but the tensors, as JSON."""
        return {
            "scale": self.scale_,
            "unmasked_scale": self.unmasked_scale_,
            "local": self.local_.state() if self.local_ else None,
            "regions": self.regions_,
            "report": vars(self.report_),
            "study": self.study_.to_json() if self.study_ else None,
            "prompts": list(self.prompts),
            "chosen": self.chosen,
            "split": self.split,
            "seed": self.seed,
            "space": self.space,
            "invalid": self.invalid,
            "cost": self.cost,
        }

    def tensors(self) -> dict[str, Array]:
        """The direction by the attribute's name, and the local one, if there is one."""
        local = {self.attribute + LOCAL: self.local_.direction_} if self.local_ else {}
        return {self.attribute: self.direction_, **local}

    @classmethod
    def from_state(cls, attribute: str, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """A fitted direction from what :meth:`tensors` and :meth:`state` gave."""
        options = {name: state[name] for name in ("regions", "chosen", "split", "seed")}
        prompts = tuple(shaped(list[str], state.get("prompts", []), "prompts"))
        options |= {"invalid": state.get("invalid"), "space": state.get("space", "w"), "cost": state.get("cost", 1.0)}
        self = cls(attribute, prompts=prompts, **options)
        self.direction_ = np.asarray(tensors[attribute], np.float32).reshape(-1)
        if not np.any(self.direction_):
            raise CheckpointError(f"the direction of '{attribute}' is zero throughout")
        local = state.get("local")
        self.local_ = cls.from_state(attribute, {attribute: tensors[attribute + LOCAL]}, local) if local else None
        report: dict[str, Any] = {k: None if v != v else v for k, v in state["report"].items()}  # older files: NaN
        self.report_ = BoundaryReport(**report)
        study = Study.from_json(state["study"]) if state.get("study") else None
        scale = state["scale"]
        self.calibration_ = Calibration.of(state["regions"], scale, state.get("unmasked_scale", scale), study)
        return self


def along(codes: Tensor, direction: Array, distance: float) -> Tensor:
    """Rows (B, K, D) moved by a distance along a unit direction (D,)."""
    return manipulate(codes, torch.from_numpy(direction).to(codes), codes.new_full((len(codes),), distance))


def half_gap(codes: Array, scores: Array, direction: Array) -> float:
    """Half the distance between the mean codes of the highest and the lowest tenth, along a direction: the meaning of
    strength 1 where there is nothing to measure gains with."""
    order = np.argsort(scores, kind="stable")
    tenth = max(1, len(order) // 10)
    low, high = (codes[np.sort(part)] @ direction for part in (order[:tenth], order[-tenth:]))
    return max(float(high.mean() - low.mean()) / 2, 1e-3)
