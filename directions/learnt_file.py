"""Files of what was learnt in one generator's latent space."""

from pathlib import Path

from semedit.errors import LatentError
from semedit.storage.content import shaped
from semedit.storage.weights import Weights, load_weights


def load_learnt(path: str | Path, kind: str, *generators: str) -> Weights:
    """Read a file of ``kind``; LatentError if it was learnt for a generator other than those named (none: any)."""
    weights = load_weights(path, kind)
    own, named = shaped(str, weights.config.get("fingerprint"), f"{path}: fingerprint"), [g for g in generators if g]
    if named and own not in named:
        raise LatentError(f"{path}: a {kind} file of generator {own}, not of {named[0]}")
    return weights
