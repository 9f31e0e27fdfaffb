"""The marks of pictures that a model has made."""

from semedit.editing.model import Model
from semedit.latents.latent import Latent
from semedit.pictures.provenance import EDIT, SAMPLE, Mark


def mark_of(model: Model, latent: Latent | None = None, source: str | None = None) -> Mark:
    """The mark of a picture by ``model``: of a code, with its edits, an edit if there are any; or else a sample.

    ``source`` says so where it is known otherwise, as of a photo with an edit in it.
    """
    history = latent.history if latent is not None else ()
    return Mark(source or (EDIT if history else SAMPLE), model.name, model.generator.fingerprint, history)
