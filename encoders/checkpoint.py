"""Encoder files of this library."""

from pathlib import Path

from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.official import load_official_encoder
from encoders.stored import StoredEncoder
from semedit.errors import CheckpointError
from semedit.storage.content import reading, shaped
from semedit.storage.weights import Weights, load_weights, opened, save_weights

KIND = "encoder"


def save_encoder(path: str | Path, stored: StoredEncoder, *, half: bool = False) -> None:
    """Write an encoder natively, atomically."""
    config = {"encoder": stored.encoder.config.to_json(), "fingerprint": stored.fingerprint}
    tensors = {"latent_avg": stored.latent_avg, **stored.encoder.state_dict()}
    save_weights(path, Weights(KIND, config, tensors, stored.card), half=half)


def load_encoder(path: str | Path) -> StoredEncoder:
    """Open a native encoder file, or an official ``.pt``, in eval mode. Raises CheckpointError."""
    if Path(path).suffix in (".pt", ".pth"):
        return load_official_encoder(path)
    weights = load_weights(path, KIND)
    with reading(path):
        tensors = dict(weights.tensors)
        latent_avg, fingerprint = tensors.pop("latent_avg"), shaped(str, weights.config["fingerprint"], path)
        config = EncoderConfig.from_json(weights.config["encoder"])
        encoder = opened(lambda: ResidualEncoder(config), tensors, path)
        if latent_avg.shape != (1, config.style_dim):
            raise CheckpointError(
                f"{path}: 'latent_avg' is {tuple(latent_avg.shape)} instead of (1, {config.style_dim})"
            )
    return StoredEncoder(encoder.eval().requires_grad_(False), latent_avg, fingerprint, weights.extra)
