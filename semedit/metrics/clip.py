"""CLIP: pictures and sentences as vectors whose cosine says how well they go together.

Networks, tokenizers and their weights are open_clip's: any of its models by name, from its registry or a local file, or
a file written here, as the one that ships for the portraits domain. The two ways of preparing pictures are StyleCLIP's
(Patashnik et al. 2021): as published, and with CLIP's own normalisation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.config import Config
from semedit.errors import CheckpointError, ConfigError, UnknownName
from semedit.metrics.roles import GUIDE, suffix
from semedit.storage.content import check_file, exists, reading
from semedit.storage.pickled import read_pickle
from semedit.storage.tensors import read_tensors
from semedit.storage.weights import Weights, load_state, load_weights, save_weights

KIND = "clip"
Preprocess = Literal["official", "correct"]
PREPROCESS: tuple[Preprocess, ...] = ("official", "correct")


class ClipConfig(Config):
    """Sizes of a CLIP with open_clip's ModifiedResNet and its text transformer, for pictures in [-1, 1]."""

    noun: ClassVar[str] = "CLIP configuration"

    size: int = Field(128, ge=32, multiple_of=32, description="side in px of the pictures")
    width: int = Field(16, ge=2, multiple_of=2)
    layers: tuple[int, int, int, int] = (1, 1, 1, 1)
    dim: int = Field(128, ge=1, description="width of the common space")
    text_width: int = Field(64, ge=2, multiple_of=2)
    text_layers: int = Field(2, ge=1, le=256)
    context: int = Field(48, ge=8, description="longest prompt in tokens, with its two ends")

    def build(self) -> nn.Module:
        """The network, with initial weights."""
        from open_clip.model import CLIP

        vision = {"layers": list(self.layers), "width": self.width, "image_size": self.size, "head_width": 64}
        text = {"context_length": self.context, "width": self.text_width, "heads": 2, "layers": self.text_layers}
        network: nn.Module = CLIP(self.dim, vision, text)
        return network

    def tokenizer(self) -> Any:
        from open_clip.tokenizer import SimpleTokenizer

        return SimpleTokenizer(context_length=self.context)


class Clip:
    """A CLIP as a user's object: cosines and zero-shot probabilities of pictures and prompts. Frozen, in fp32.

    ``mean`` and ``std`` are of pictures in [0, 1]; ``card`` holds what is known of its quality.
    """

    def __init__(
        self,
        network: nn.Module,
        tokenizer: Any,
        protocol: str,
        size: int,
        mean: tuple[float, ...] = (0.5, 0.5, 0.5),
        std: tuple[float, ...] = (0.5, 0.5, 0.5),
        card: Mapping[str, Any] | None = None,
    ):
        self.network: Any = network.eval().requires_grad_(False)
        self.tokenizer, self.protocol, self.size, self.card = tokenizer, protocol, size, dict(card or {})
        self.mean, self.std = mean, std

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def to(self, device: torch.device | str) -> Self:
        """Move the network; returns this object."""
        self.network.to(device)
        return self

    def prepare(self, images: Tensor, preprocess: Preprocess = "correct") -> Tensor:
        """Pictures (B, 3, S, S) about [-1, 1] at the network's size, by nearest upsampling by 7 and average pooling.

        "official" stops there, as StyleCLIP does; "correct" maps to [0, 1], clamps, and normalises as CLIP was trained.
        Raises UnknownName for any other word.
        """
        if preprocess not in PREPROCESS:
            raise UnknownName("CLIP preprocessing", preprocess, PREPROCESS)
        down, across = (_pooling(side, self.size).to(images) for side in images.shape[-2:])
        pooled = down.T @ images @ across
        if preprocess == "official":
            return pooled
        mean, std = (pooled.new_tensor(v)[:, None, None] for v in (self.mean, self.std))
        return ((pooled + 1) / 2).clamp(0, 1).sub(mean) / std

    def embed(self, images: Tensor, preprocess: Preprocess = "correct") -> Tensor:
        """Unit vectors (B, E) of pictures (B, 3, S, S); differentiable."""
        return F.normalize(self.network.encode_image(self.prepare(images, preprocess)), dim=-1)

    @torch.no_grad()
    def embed_text(self, prompts: tuple[str, ...] | list[str]) -> Tensor:
        """Unit vectors (P, E) of prompts. Raises ConfigError for an empty one, or one with too many tokens."""
        for prompt in prompts:
            tokens, most = len(self.tokenizer.encode(prompt)), self.network.context_length - 2
            if not 0 < tokens <= most:
                raise ConfigError(f"the prompt '{prompt[:60]}' has {tokens} tokens; {self.protocol} reads 1 to {most}")
        tokens = self.tokenizer(list(prompts)).to(self.device)
        return F.normalize(self.network.encode_text(tokens), dim=-1)

    def similarity(self, images: Tensor, prompts: tuple[str, ...] | list[str],
                   preprocess: Preprocess = "correct") -> Tensor:  # fmt: skip
        """Cosines (B, P) of pictures and prompts; differentiable in the pictures."""
        return self.embed(images, preprocess) @ self.embed_text(prompts).T

    @torch.no_grad()
    def probabilities(self, images: Tensor, prompts: tuple[str, ...] | list[str], batch: int = 64) -> Tensor:
        """Zero-shot probabilities (B, P): softmax over the prompts of the scaled cosines."""
        texts, scale = self.embed_text(prompts), self.network.logit_scale.exp()
        parts = [self.embed(part.to(self.device)) @ texts.T for part in images.split(batch)]
        return (scale * torch.cat(parts)).softmax(1)

    def save(self, path: str | Path, config: ClipConfig) -> None:
        """Write a network that ``config`` built. Tokens that were never learnt (zero rows) are left out."""
        tensors = dict(self.network.state_dict())
        table = tensors.pop("token_embedding.weight")
        known = table.abs().sum(1).nonzero()[:, 0]
        tensors |= {"token_embedding.known": table[known]}
        extra = {**self.card, "protocol": self.protocol}
        save_weights(path, Weights(KIND, {**config.to_json(), "tokens": known.tolist()}, tensors, extra), half=True)

    @classmethod
    def load(cls, path: str | Path, role: str = GUIDE) -> "Clip":
        """Read a file written by :meth:`save`; CheckpointError if it is anything else.

        Its protocol id names a ``role`` other than "guide".
        """
        weights = load_weights(path, KIND)
        with reading(path):
            config = ClipConfig.from_json({k: v for k, v in weights.config.items() if k != "tokens"})
            network, tensors = config.build(), dict(weights.tensors)
            rows = tensors.pop("token_embedding.known")
            table = torch.zeros_like(network.get_parameter("token_embedding.weight"))
            table[weights.config["tokens"]] = rows.to(table)
            load_state(network, {**tensors, "token_embedding.weight": table}, path)
            card = dict(weights.extra)
            name, at, size = str(card.pop("protocol")).rpartition("@")
            protocol = f"{name.removesuffix(suffix(role))}{suffix(role)}{at}{size}"
            return cls(network, config.tokenizer(), protocol, config.size, card=card)

    @classmethod
    def open(cls, name: str, weights: str | None = None) -> "Clip":
        """A model of open_clip by name, with weights from a local file or a tag of its registry (which downloads).

        A local file of OpenAI's own weights belongs to a name that ends in ``-quickgelu``. ``name`` may also be the
        path of a file written by :meth:`save`. Raises UnknownName, ConfigError, or CheckpointError for a file that
        does not fit.
        """
        if Path(name).suffix == ".safetensors":
            return cls.load(name)
        import open_clip

        if name not in open_clip.list_models():
            raise UnknownName("CLIP model", name, open_clip.list_models())
        tags = open_clip.list_pretrained_tags_by_model(name)
        if not weights or not (exists(weights) or weights in tags):
            raise ConfigError(f"CLIP weights '{weights or ''}': neither a file nor one of {name}'s: {', '.join(tags)}")
        if exists(weights):
            _check_file(weights, name)
        try:
            network = open_clip.create_model(name, pretrained=weights, precision="fp32")
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            raise CheckpointError(f"{weights}: not weights of {name} ({str(error).splitlines()[0][:120]})") from None
        facts = open_clip.get_model_preprocess_cfg(network)
        size = facts["size"] if isinstance(facts["size"], int) else facts["size"][0]
        label = Path(weights).stem if Path(weights).is_file() else weights
        return cls(
            network, open_clip.get_tokenizer(name), f"{name}/{label}", size, tuple(facts["mean"]), tuple(facts["std"])
        )


def _pooling(side: int, size: int) -> Tensor:
    """The matrix (side, size) that upsamples by 7 and pools to ``size``, along one axis."""
    return F.adaptive_avg_pool1d(torch.eye(side).repeat_interleave(7, 1), size)


def _check_file(weights: str, name: str) -> None:
    """CheckpointError for a file that is broken, and for a TorchScript archive: opening it would run what is in it."""
    import zipfile

    check_file(weights)
    if Path(weights).suffix == ".safetensors":
        read_tensors(weights, f"weights of {name}")
        return
    if zipfile.is_zipfile(weights):
        with zipfile.ZipFile(weights) as archive:
            if any("/code/" in entry for entry in archive.namelist()):
                raise CheckpointError(
                    f"{weights}: a TorchScript archive, which is code; save its state_dict() once with torch.save, "
                    f"for {name.removesuffix('-quickgelu')}-quickgelu if it is OpenAI's"
                )
    read_pickle(weights)
