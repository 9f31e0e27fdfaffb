"""A trained hierarchy in one file: its tree, its nets, the regions it was trained with, and how that was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from baselines.stylefusion.fusion_net import FusionConfig, FusionNet
from baselines.stylefusion.hierarchy import ROOT, Hierarchy
from baselines.stylefusion.regions import FusionRegions
from semedit.errors import ConfigError, LatentError
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, load_weights, opened, save_weights
from semedit.training.engine.state import part

KIND = "stylefusion"
#: The name of the file beside its generator.
FILE = "fusion.safetensors"


@dataclass(frozen=True, eq=False)
class StoredFusion:
    """A hierarchy with what belongs to it.

    ``parts``: leaf -> the domain's regions that it stands for, the one that it is called by first; ``regions``: the
    clusters that it was trained with, or None; ``fingerprint``: of the generator; ``card``: how it was trained, as
    JSON.
    """

    hierarchy: Hierarchy
    parts: Mapping[str, Sequence[str]]
    regions: FusionRegions | None = None
    fingerprint: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)

    def nodes_of(self, regions: Sequence[str]) -> tuple[str, ...]:
        """The fewest active nodes that together stand for some of the domain's regions.

        A leaf is meant by the first of its parts, with which the others go along. Raises ConfigError for another part
        by itself, and for regions that only change together with others.
        """
        mains = {leaf: own[0] for leaf, own in self.parts.items()}
        wanted, chosen, front = set(regions), list[str](), [ROOT]
        for leaf, own in self.parts.items():
            if mains[leaf] not in wanted and (alone := [name for name in own if name in wanted]):
                raise ConfigError(f"here '{alone[0]}' goes with '{mains[leaf]}'; name that")
        while front:
            node = front.pop(0)
            own = tuple(mains[leaf] for leaf in self.hierarchy.leaves(node))
            if wanted.issuperset(own):
                chosen.append(node)
            elif not wanted.isdisjoint(own):
                if node not in self.hierarchy.nets:
                    raise ConfigError(f"this hierarchy changes {', '.join(own)} together ('{node}'); name all of them")
                front += self.hierarchy.tree[node]
        return tuple(chosen)

    def to(self, device: torch.device | str) -> "StoredFusion":
        """Move the nets; returns this object."""
        for net in self.hierarchy.nets.values():
            net.to(device)
        return self


def save_fusion(path: str | Path, stored: StoredFusion, *, half: bool = False) -> None:
    """Write a ``.safetensors`` file, or a folder, atomically; ``half`` stores the nets as float16."""
    hierarchy, regions = stored.hierarchy, stored.regions
    tensors = {f"{node}.{name}": t for node, net in hierarchy.nets.items() for name, t in net.state_dict().items()}
    config: dict[str, Any] = {
        "tree": {node: list(pair) for node, pair in hierarchy.tree.items()},
        "nets": {node: net.config.to_json() for node, net in hierarchy.nets.items()},
        "parts": {leaf: list(own) for leaf, own in stored.parts.items()},
        "fingerprint": stored.fingerprint,
        "regions": None,
    }
    if regions is not None:
        tensors["regions.centroids"] = regions.centroids
        config["regions"] = regions.to_json()
    save_weights(path, Weights(KIND, config, tensors, stored.card), half=half)


def load_fusion(path: str | Path, *fingerprints: str) -> StoredFusion:
    """Read what :func:`save_fusion` wrote, frozen and in eval mode.

    Raises CheckpointError for anything else, LatentError for a hierarchy of a generator other than those named.
    """
    weights = load_weights(path, KIND)
    with reading(path):
        return _stored(weights, path, [name for name in fingerprints if name])


def _stored(weights: Weights, path: str | Path, named: list[str]) -> StoredFusion:
    config, nets = weights.config, {}
    theirs = shaped(str, config["fingerprint"], f"{path}: fingerprint")
    if named and theirs and theirs not in named:
        raise LatentError(f"{path}: FusionNets of generator {theirs}, not of {named[0]}")
    for node, sizes in config["nets"].items():
        net = FusionConfig.from_json(sizes)
        nets[node] = opened(partial(FusionNet, net), part(dict(weights.tensors), node), path)
        nets[node].eval().requires_grad_(False)
    tree = {node: (pair[0], pair[1]) for node, pair in shaped(dict[str, list[str]], config["tree"], path).items()}
    regions = None
    if config["regions"]:
        regions = FusionRegions.from_json(config["regions"], weights.tensors["regions.centroids"], path)
    parts = shaped(dict[str, list[str]], config["parts"], f"{path}: parts")
    return StoredFusion(Hierarchy.of(tree, nets), parts, regions, theirs, weights.extra)
