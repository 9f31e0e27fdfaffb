"""Hierarchies of FusionNets: a binary tree of regions, of which each leaf and each inner node takes a code of its own.

Reference: StyleFusion (Kafri et al. 2022), section 4.4. The code of an inner node rules the layout of its region; where
the node is bypassed, it rules the whole region.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from baselines.stylefusion.checkpoint import load_fusion_net, save_fusion_net
from baselines.stylefusion.fusion_net import FusionNet
from baselines.stylegan2.style_code import StyleCode
from semedit.errors import ConfigError, UnknownName
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import read_object, shaped

#: Inner node -> its two children.
Tree = Mapping[str, tuple[str, str]]
ROOT, INDEX = "all", "index.json"

#: The trees of the paper's domains.
TREES: dict[str, Tree] = {
    "faces": {
        "all": ("face", "bg_hair_clothes"),
        "face": ("skin_mouth", "eyes"),
        "skin_mouth": ("mouth", "skin"),
        "bg_hair_clothes": ("bg_clothes", "hair"),
        "bg_clothes": ("clothes", "bg"),
    },
    "cars": {
        "all": ("car", "background"),
        "car": ("car_body", "wheels"),
        "background": ("background_top", "background_bottom"),
    },
    "churches": {"all": ("church", "background")},
}

#: What the released code lets each word stand for, in the order in which it is applied; later ones win. The mouth's
#: leaf does not belong to ``mouth`` there.
PRESETS: dict[str, tuple[str, ...]] = {
    "hair": ("bg_hair_clothes", "hair"),
    "face": ("face", "eyes", "skin_mouth", "mouth", "skin"),
    "background": ("background", "background_top", "background_bottom", "bg"),
    "all": ("all",),
    "mouth": ("skin_mouth", "face"),
    "eyes": ("eyes", "face"),
    "wheels": ("wheels",),
    "car": ("car", "wheels", "car_body"),
    "bg_top": ("background_top",),
    "bg_bottom": ("background_bottom",),
}


class Hierarchy:
    """A tree of regions with a FusionNet for some of its inner nodes.

    ``nodes``: all names, each inner node before its children; ``nets``: inner node -> net; ``active``: the names that
    are reached from the root through nodes that have a net.
    """

    def __init__(self, tree: Tree, nets: Mapping[str, FusionNet]):
        check_tree(tree)
        self.tree: Tree = dict(tree)
        self.nodes: tuple[str, ...] = tuple(self._walk(ROOT, self.tree))
        for name in nets:
            if name not in self.tree:
                raise UnknownName("inner node of this hierarchy", name, self.tree)
        self.nets: Mapping[str, FusionNet] = dict(nets)
        self.active: tuple[str, ...] = tuple(self._walk(ROOT, self.nets))

    @classmethod
    def of(cls, domain: str | Tree, nets: Mapping[str, FusionNet]) -> "Hierarchy":
        """The hierarchy of a domain (faces, cars or churches), or of a tree of one's own. Raises UnknownName."""
        if isinstance(domain, str):
            if domain not in TREES:
                raise UnknownName("hierarchy", domain, TREES)
            domain = TREES[domain]
        return cls(domain, nets)

    @classmethod
    def load(cls, domain: str | Tree, weights_json: str | Path) -> "Hierarchy":
        """Open the nets of a JSON index (node -> path, relative to the index, or else to the working directory).

        Raises CheckpointError for an index or a file that cannot be read, UnknownName for a node that is not there.
        """
        path = Path(weights_json)
        index = shaped(dict[str, str], read_object(path), f"{path}: an index of nets maps the names of nodes to paths")
        found = cls.of(domain, {})
        for name in index:
            if name not in found.tree:
                raise UnknownName("inner node of this hierarchy", name, found.tree)
        beside = {name: path.parent / file for name, file in index.items()}
        files = {name: beside[name] if beside[name].exists() else Path(file) for name, file in index.items()}
        return cls.of(domain, {name: load_fusion_net(file) for name, file in files.items()})

    def save(self, folder: str | Path, *, half: bool = False, extra: Mapping[str, object] | None = None) -> None:
        """Write the nets natively, with an index that :meth:`load` reads."""
        folder = make_folder(folder)
        for name, net in self.nets.items():
            save_fusion_net(folder / f"{name}.safetensors", net, half=half, extra=extra)
        write_json(folder / INDEX, {name: f"{name}.safetensors" for name in self.nets})

    def _walk(self, name: str, inner: Mapping[str, object]) -> Iterator[str]:
        """The names below ``name``, itself first, that are reached through nodes of ``inner``."""
        yield name
        if name in inner:
            for child in self.tree[name]:
                yield from self._walk(child, inner)

    def below(self, name: str) -> tuple[str, ...]:
        """A node and everything under it in the tree. Raises UnknownName."""
        if name not in self.nodes:
            raise UnknownName("node of this hierarchy", name, self.nodes)
        return tuple(self._walk(name, self.tree))

    def leaves(self, name: str) -> tuple[str, ...]:
        """The leaves of the tree under a node: the parts that make up its region. Raises UnknownName."""
        return tuple(node for node in self.below(name) if node not in self.tree)

    def parent(self, name: str) -> str | None:
        """The node above, or None above the root."""
        return next((node for node, children in self.tree.items() if name in children), None)

    def fuse(self, codes: Mapping[str, StyleCode], root: str = ROOT) -> StyleCode:
        """One code of the codes of nodes.

        A node without a net, or of whose children one has no code, gives its own code; any other fuses its children's
        with its own. Raises UnknownName for a name that is no node, ConfigError for a code that is needed and missing.
        """
        for name in (root, *codes):
            if name not in self.nodes:
                raise UnknownName("node of this hierarchy", name, self.nodes)
        if root not in codes:
            raise ConfigError(f"the code of '{root}' is missing (given: {', '.join(codes) or 'none'})")
        if root not in self.nets or any(child not in codes for child in self.tree[root]):
            return codes[root]
        first, second = (self.fuse(codes, child) for child in self.tree[root])
        return self.nets[root](first, second, codes[root])

    def assign(self, base: StyleCode, **parts: StyleCode) -> dict[str, StyleCode]:
        """Codes of all active nodes: ``base``, and in its place ``parts`` by the words of PRESETS.

        Words of other domains change nothing. A node's name that is no such word stands for the node and all below it,
        and wins over the words. Raises UnknownName for anything else.
        """
        for part in parts:
            if part not in PRESETS and part not in self.nodes:
                raise UnknownName("part", part, (*PRESETS, *self.nodes))
        codes = dict.fromkeys(self.active, base)
        words = {word: nodes for word, nodes in PRESETS.items() if word in parts}
        words |= {part: self.below(part) for part in parts if part not in PRESETS}
        for word, nodes in words.items():
            codes |= {node: parts[word] for node in nodes if node in self.nodes}
        return codes


def check_tree(tree: Tree) -> None:
    """ConfigError unless this is one tree: rooted at ``all``, two children each, every name in one place."""
    children = [child for pair in tree.values() for child in pair]
    if any(len(pair) != 2 for pair in tree.values()) or len(set(children)) != len(children) or ROOT in children:
        raise ConfigError("a hierarchy gives each inner node two children, and each name one place")
    reached, front = {ROOT}, [ROOT]
    while front:
        front = [child for name in front for child in tree.get(name, ())]
        reached |= set(front)
    if lost := sorted(set(tree) - reached):
        raise ConfigError(f"'{lost[0]}' is not reached from '{ROOT}', the root of every hierarchy")
