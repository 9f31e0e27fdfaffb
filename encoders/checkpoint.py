"""Encoder files of this library."""

from pathlib import Path

from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.official import load_official_encoder
from encoders.stored import StoredEncoder, freeze
from semedit.storage.weights import Weights, load_state, load_weights, save_weights

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
    tensors = dict(weights.tensors)
    latent_avg = tensors.pop("latent_avg")
    encoder = ResidualEncoder(EncoderConfig.from_json(weights.config["encoder"]))
    load_state(encoder, tensors, path)
    return StoredEncoder(freeze(encoder), latent_avg, weights.config["fingerprint"], weights.extra)
