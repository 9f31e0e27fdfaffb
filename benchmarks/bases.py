"""What edits are measured on: inversions of held-out pictures, as in the paper, or samples of the generator."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity import Progress
from benchmarks.reconstruction import batches, stored_pictures, unseen_pictures
from directions.study import INVERSIONS, SAMPLES, check_base
from semedit.editing.model import Model
from semedit.errors import ImageError, MissingWeights
from semedit.latents.latent import Latent

#: Codes that are edited, and the seed of samples.
COUNT, SEED, BATCH = 1000, 770_001, 16


@dataclass(frozen=True)
class Base:
    """Codes to edit, what they are, and how many pictures could not be aligned."""

    latent: Latent
    kind: str
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.latent)


def base_codes(
    model: Model,
    kind: str = INVERSIONS,
    count: int = COUNT,
    files: list[Path] | None = None,
    progress: Progress | None = None,
    aligned: bool = False,
) -> Base:
    """``count`` codes of one of BASES: the encoder's inversions of ``files`` (default: drawn pictures that nothing was
    trained on), which may be ``aligned`` already, or samples.

    Raises UnknownName, MissingWeights for inversions of a model without an encoder, or ImageError where no file can be
    read.
    """
    if check_base(kind) == SAMPLES:
        return Base(model.sample(count, SEED), kind)
    if not model.has_encoder:
        raise MissingWeights(f"model '{model.name}' has no encoder to invert with; '--base samples' needs none")
    if files:
        targets, wanted = stored_pictures(model, files[:count], aligned), len(files[:count])
    else:
        targets, wanted = unseen_pictures(model.domain.painter(), model.generator.config.size, count), count
    inverter, found = model.inverter("restyle"), list[Latent]()
    for part in batches(targets, BATCH):
        found.append(inverter.invert(part).latent)
        if progress:
            progress(sum(map(len, found)), wanted)
    if not found:
        raise ImageError(f"none of {wanted} pictures could be read and aligned")
    return Base(Latent.cat(found), kind, wanted - sum(map(len, found)))
