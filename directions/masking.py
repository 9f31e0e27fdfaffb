"""Region masking: whatever an editor did, keep it in the rows of the chosen regions only."""

from semedit.latents.latent import Latent
from semedit.protocols import Editor


def limit_to_regions(original: Latent, edited: Latent, regions: str) -> Latent:
    """``edited`` in W+ with the rows outside ``regions`` taken back from ``original``, bit for bit.

    Codes in S, which have no rows, are edited whole: LatentError for a part of the rows.
    """
    chosen = original.rows(regions)
    if original.space == "s" and len(chosen) == original.layout.rows:
        return edited
    return edited.with_rows(original, tuple(row for row in range(original.layout.rows) if row not in chosen))


class RegionMasked:
    """Wraps any editor so that its edits change the rows of ``regions`` alone."""

    def __init__(self, editor: Editor, regions: str):
        self.editor, self.regions = editor, regions

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Edit with the wrapped editor, unrestricted, then restore every row outside ``regions``."""
        regions = regions or self.regions
        edited = self.editor.edit(latent, strength, "all")
        limited = limit_to_regions(latent, edited, regions)
        events = [{**(past.history[-1] if past.history else {}), "regions": regions} for past in edited.pasts]
        return limited.edited_each(latent, events)
