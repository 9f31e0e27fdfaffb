"""Region masking: whatever an editor did, keep it in the rows of the chosen regions only."""

from semedit.latents.latent import Latent
from semedit.protocols import Editor


def limit_to_regions(original: Latent, edited: Latent, regions: str) -> Latent:
    """``original`` in W+ with the rows of ``regions`` taken from ``edited``; all other rows stay bit-identical."""
    return original.with_rows(edited, original.rows(regions))


class RegionMasked:
    """Wraps any editor so that its edits change the rows of ``regions`` alone."""

    def __init__(self, editor: Editor, regions: str):
        self.editor, self.regions = editor, regions

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Edit with the wrapped editor, unrestricted, then restore every row outside ``regions``."""
        regions = regions or self.regions
        edited = self.editor.edit(latent, strength, "all")
        limited = limit_to_regions(latent, edited, regions)
        event = {**(edited.history[-1] if edited.history else {}), "regions": regions}
        return limited.edited_from(latent, **event)
