"""StyleFusion as an editor: regions are taken over by giving their nodes the reference's code (section 4.4)."""

from baselines.style_transfer import StyleTransfer
from baselines.stylefusion.hierarchy import ROOT
from baselines.stylefusion.stored import StoredFusion
from baselines.stylegan2 import StyleCode
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.latents.regions import Part, Selection
from semedit.protocols import Bundle

#: Which of a region's codes each part of it means: those of its pixels, those of its layout.
CODES: dict[Part, tuple[bool, bool]] = {"both": (True, True), "texture": (True, False), "shape": (False, True)}


class FusionTransfer(StyleTransfer):
    """All nodes have the target's code, those of the regions the reference's.

    A region's texture is the code of its nodes; its shape the layout's code of these, and of the node above, which
    places it beside its neighbour (not of the root, whose layout is the pose, and has that name). ``strength`` below 1
    gives the nodes a code on the way from the target's to the reference's.
    """

    method = "stylefusion"

    def __init__(self, model: Bundle, reference: Latent, regions: str, stored: StoredFusion):
        super().__init__(model, reference, regions)
        self.stored = stored.to(self.generator.device)

    def nodes(self, selection: Selection) -> tuple[str, ...]:
        """The active nodes whose codes are replaced. Raises ConfigError where the tree cannot tell the regions, or has
        no code for their shape."""
        hierarchy, found = self.stored.hierarchy, set[str]()
        if selection.base:
            found.add(ROOT)
        for part, (pixels, layout) in CODES.items():
            names = [self.table.names[region] for region, own in selection.parts.items() if own == part]
            for node in self.stored.nodes_of(names) if names else ():
                for below in hierarchy.below(node):
                    fuses = below in hierarchy.nets
                    if below in hierarchy.active and (layout if fuses else pixels):
                        found.add(below)
                above = hierarchy.parent(node)
                if layout and above not in (None, ROOT):
                    found.add(str(above))
        if not found:
            raise ConfigError(f"no layout's code of this hierarchy stands for '{selection.text}' alone")
        return tuple(node for node in hierarchy.active if node in found)

    def check(self, selection: Selection) -> None:
        self.nodes(selection)

    def move(self, own: StyleCode, theirs: StyleCode, strength: float, selection: Selection) -> StyleCode:
        hierarchy = self.stored.hierarchy
        codes = dict.fromkeys(hierarchy.active, own) | dict.fromkeys(self.nodes(selection), own.lerp(theirs, strength))
        return hierarchy.fuse(codes)
