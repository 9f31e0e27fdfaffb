"""Part transfer: the shape, the texture, or both, of chosen regions from another code.

SemanticStyleGAN's local style mixing (Shi et al. 2022, section 4.2): a region has rows of its own, so a part of one
picture goes into another by taking over its rows.
"""

from semedit.config import check_strength
from semedit.errors import LatentError
from semedit.latents.latent import Latent


class RegionTransfer:
    """An editor that brings regions nearer to those of a reference: one code for all, or one for each.

    Regions are named as everywhere: ``hair`` takes shape and texture, ``hair:texture`` the colour alone, ``pose`` the
    shared base rows.
    """

    def __init__(self, reference: Latent, regions: str = "all"):
        self.reference, self.regions_ = reference.wplus(), regions

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent:
        """Interpolate the rows of ``regions`` towards the reference's; 0 changes nothing, 1 takes them over.

        Raises LatentError for a reference of another generator, or of another number of codes than 1 or the latent's.
        """
        check_strength(strength)
        regions, reference = regions or self.regions_, self.reference
        latent.check_compatible(reference)
        if len(reference) not in (1, len(latent)):
            raise LatentError(f"{len(reference)} references for {len(latent)} codes; one for all, or one for each")
        source = reference.metadata.get("source")
        event = {"method": "transfer", "strength": strength, "regions": regions, "reference": source}
        return latent.blend(reference, strength, regions).edited_from(latent, **event)
