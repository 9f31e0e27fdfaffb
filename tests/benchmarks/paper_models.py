"""A model of random weights with all that a report asks for, small enough for tests."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.paper import Budget
from directions import Calibration, DirectionLibrary, FlowLibrary, FlowTraining, InterFaceGAN, Study
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.checkpoint import save_encoder
from encoders.stored import StoredEncoder
from semedit.checkpoints.native import freeze
from semedit.domains import Domain
from semedit.editing.model import Model
from semedit.latents.regions import CELEBAMASK
from semedit.networks.generator import SemanticGenerator
from semedit.training.gan.recipes import recipe

#: The least of everything.
TINY = Budget(samples=16, inversions=2, edits=2, shown=1, words=2, background=1, style_samples=24, sets=4,
              maps=2, pairs=2, timed=1, timed_size=64)  # fmt: skip


def tiny_generator(seed: int = 0) -> SemanticGenerator:
    """A generator of 16 px with the thirteen regions of faces."""
    torch.manual_seed(seed)
    return freeze(SemanticGenerator(recipe("portraits-tiny").generator, CELEBAMASK))


def tiny_model(
    folder: Path, domain: Domain, attributes: tuple[str, ...] = ("smile", "bald", "beard", "bangs")
) -> Model:
    """The generator with an encoder, directions and a flow, all of random codes."""
    generator = tiny_generator()
    dim, random = generator.config.style_dim, np.random.default_rng(0)
    codes = random.normal(size=(200, dim)).astype(np.float32)
    places = {name: domain.edit_regions[name] for name in attributes}
    # Studied already, so that no report measures which regions suffice.
    known = {name: Calibration(place, 1.0, 1.0, Study(8, 1.0, 0.1, 1.0, 0.1, {}, place, 1.0, ()))
             for name, place in places.items()}  # fmt: skip
    made = {name: InterFaceGAN(name, chosen=0.2).fit(codes, codes[:, i]).calibrated(known[name])
            for i, name in enumerate(attributes)}  # fmt: skip
    DirectionLibrary(made, generator.fingerprint).save(folder / "directions.safetensors")
    flow = FlowLibrary(attributes, generator.fingerprint, training=FlowTraining(epochs=1, batch=64))
    flow.fit(torch.from_numpy(codes), torch.from_numpy(codes[:, : len(attributes)]))
    for name in attributes:
        flow.record(name, known[name])
    flow.save(folder / "flow.safetensors")
    torch.manual_seed(1)
    encoder = ResidualEncoder(
        EncoderConfig(size=32, rows=generator.layout.rows, style_dim=dim, widths=(16, 32), units=(1, 1))
    )
    save_encoder(folder / "encoder.safetensors", StoredEncoder(encoder.eval(), generator.mean_w(), ""))
    editors = {"interfacegan": folder / "directions.safetensors", "styleflow": folder / "flow.safetensors"}
    return Model(generator, domain, "tiny", None, "fp32", folder / "encoder.safetensors", editors)
