"""Where runs begin: growing, adapting, and what of a trained model carries over."""

import pytest
import torch

from directions import label_samples, learn_directions
from semedit.checkpoints import zoo
from semedit.checkpoints.native import save_discriminator, save_generator
from semedit.checkpoints.official import discriminator_entries, generator_entries, official_args, to_official
from semedit.data.drawn import draw_pool
from semedit.data.source import Batch
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.errors import CheckpointError, ConfigError, LatentError
from semedit.latents.regions import CELEBAMASK
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.networks.ops import upsample2
from semedit.pictures.sheets import save_picture
from semedit.pictures.tensors import to_images, to_picture
from semedit.training.engine.feed import DataConfig
from semedit.training.gan.export import pack
from semedit.training.gan.recipes import recipe
from semedit.training.gan.starting import adaptation_of, open_networks, read_sizes, starting_state
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train

TINY = recipe("portraits-tiny").replace(images=16, data=DataConfig(pool=32, differentiable="off"), monitor_every=0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(TINY, folder, domain=PORTRAITS)
    return folder


def grown_config(run):
    generator = TINY.generator.replace(size=32, render_channels={8: 8, 16: 8, 32: 8})
    discriminator = TINY.discriminator.replace(size=32, channels={32: 8, **TINY.discriminator.channels})
    return TINY.replace(generator=generator, discriminator=discriminator, start=str(run))


def test_a_grown_generator_begins_as_the_old_one_enlarged(run):
    old, state = open_networks(run), starting_state(grown_config(run), CPU, CELEBAMASK)
    w = torch.randn(2, 16)
    with torch.no_grad():
        small, large = old.average(w), state.average(w)
    assert large.image.shape[-1] == 32
    torch.testing.assert_close(small.coarse_segmentation, large.coarse_segmentation, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(upsample2(small.image), large.image, rtol=1e-3, atol=1e-3)
    assert torch.isfinite(large.segmentation).all()


def test_a_grown_discriminator_keeps_its_inner_blocks(run):
    old, state = open_networks(run), starting_state(grown_config(run), CPU, CELEBAMASK)
    ours, theirs = state.discriminator.state_dict(), old.discriminator.state_dict()
    assert torch.equal(ours["image_branch.2.conv1.weight"], theirs["image_branch.1.conv1.weight"])
    assert torch.equal(ours["mask_branch.3.skip.weight"], theirs["mask_branch.2.skip.weight"])
    assert torch.equal(ours["final_conv.weight"], theirs["final_conv.weight"])
    assert state.discriminator(torch.randn(4, 3, 32, 32), torch.randn(4, 13, 32, 32)).shape == (4, 1)


def test_a_grown_discriminator_begins_with_the_old_ones_opinion(run):
    """Its new block hands on what the old first convolution sees, halved: exactly so where a picture is flat."""
    old, state = open_networks(run), starting_state(grown_config(run), CPU, CELEBAMASK)
    ours, theirs = state.discriminator, old.discriminator
    pictures = torch.randn(5, 3, 1, 1).expand(-1, -1, 32, 32)
    with torch.no_grad():
        handed = ours.image_branch[1](ours.image_branch[0](pictures))[..., 4:12, 4:12]
        seen = theirs.image_branch[0](pictures[..., :16, :16])[..., 4:12, 4:12]
    assert handed.shape == seen.shape and seen.std() > 0.1
    torch.testing.assert_close(handed, seen, rtol=1e-4, atol=1e-4)


def test_a_grown_model_is_adapted_with_the_discriminator_of_its_start():
    grown, small = (adaptation_of(name, []) for name in ("portraits-256", "portraits-128"))
    assert (grown.discriminator.size, grown.r1_image) == (256, small.r1_image)
    state, theirs = starting_state(grown, CPU, CELEBAMASK), open_networks("portraits-128").discriminator
    assert torch.equal(state.discriminator.final_conv.weight, theirs.final_conv.weight)
    assert state.average.lineage[1:] == zoo.load_generator("portraits-256").lineage


def test_a_grown_run_trains_and_resumes_without_its_start(run, tmp_path):
    config = grown_config(run)
    said = []
    train(config.replace(images=8), tmp_path, domain=PORTRAITS, say=said.append)
    assert any("starting from" in line for line in said)
    said.clear()
    assert train(config, tmp_path, domain=PORTRAITS, say=said.append).step == 2
    assert not any("starting from" in line for line in said)


def test_starts_that_do_not_fit_are_refused(run):
    wide = TINY.generator.replace(local_channels=16)
    with pytest.raises(ConfigError, match="differs from the run's in local_channels"):
        starting_state(TINY.replace(generator=wide, start=str(run)), CPU, CELEBAMASK)
    small = {"generator": TINY.generator.replace(size=8, render_channels={8: 8}),
             "discriminator": TINY.discriminator.replace(size=8)}  # fmt: skip
    with pytest.raises(ConfigError, match="cannot be shrunk"):
        starting_state(TINY.replace(**small, start=str(run)), CPU, CELEBAMASK)


def adapted(run, freeze, steps=3):
    """A state after some adaptation steps on cel portraits, and its start."""
    config = adaptation_of(str(run), [f"freeze_local={freeze}", "batch=8", "data.style=cel", "r1_every=2"])
    state = starting_state(config, CPU, CELEBAMASK)
    step = GanStep(config, state)
    batch = draw_pool(PORTRAITS.draw, 8, 16, 1, "cel").batch(8, 0, 13)
    assert not state.g_optim.state and not state.d_optim.state
    for index in range(steps):
        torch.manual_seed(index)
        step.run(Batch(batch.images, torch.empty(8, 0)))
    return state, open_networks(run)


def changed(now, before):
    return {n for n, p in now.named_parameters() if not torch.equal(p, dict(before.named_parameters())[n])}


@pytest.mark.parametrize("freeze", ["off", "ema_only", "true_freeze"])
def test_adaptation_freezes_what_it_says(run, freeze):
    state, start = adapted(run, freeze)
    average, trained = changed(state.average, start.average), changed(state.generator, start.generator)
    masks = {n for n in changed(state.discriminator, start.discriminator) if n.startswith("mask_branch")}
    assert not masks, "the mask branch of D never changes"
    assert {n.split(".")[0] for n in average} >= {"mapping", "render"}
    assert any(n.startswith("local") for n in average) == (freeze == "off")
    assert any(n.startswith("local") for n in trained) == (freeze != "true_freeze")


@pytest.mark.parametrize("freeze", ["ema_only", "true_freeze"])
def test_a_code_keeps_its_coarse_mask_through_adaptation(run, freeze):
    state, start = adapted(run, freeze)
    code = torch.randn(2, start.average.layout.rows, 16)
    with torch.no_grad():
        before, after = start.average(code), state.average(code)
        z_before, z_after = (
            start.average(start.average.mapping(code[:, 0])),
            state.average(state.average.mapping(code[:, 0])),
        )
    assert torch.equal(before.coarse_segmentation, after.coarse_segmentation)
    assert not torch.equal(before.image, after.image)
    assert not torch.equal(z_before.coarse_segmentation, z_after.coarse_segmentation)  # z goes through the mapping


def test_without_masks_the_segmentation_heads_get_no_gradient(run):
    config = adaptation_of(str(run), ["batch=8", "freeze_local=off"])
    step = GanStep(config, starting_state(config, CPU, CELEBAMASK))
    gmain = next(phase for phase in step.phases if phase.name == "Gmain")
    step.turn_to(gmain)
    gmain.do(draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 13))
    for name, parameter in step.state.generator.named_parameters():
        if "to_seg" in name:
            assert parameter.grad is None or not parameter.grad.any(), name


def test_adapting_from_a_folder_of_pictures(run, tmp_path):
    for index, image in enumerate(draw_pool(PORTRAITS.draw, 12, 16, 2, "cel").images):
        save_picture(to_picture(to_images(image)), tmp_path / "cel" / f"{index}.png")
    config = adaptation_of(str(run), [f"data.path={tmp_path / 'cel'}", "images=64", "batch=32", "monitor_every=2",
                                      "metric_samples=0", "data.workers=0"])  # fmt: skip
    said = []
    state = train(config, tmp_path / "out", domain=PORTRAITS, say=said.append)  # fewer pictures than a batch
    assert state.step == 2 and any("differentiable augmentation" in line for line in said)
    assert (tmp_path / "out" / "generator.safetensors").exists()


def test_a_model_without_a_discriminator_says_so(run, tmp_path):
    save_generator(tmp_path / "alone.safetensors", open_networks(run).average)
    config = adaptation_of(
        str(tmp_path / "alone.safetensors"), ["batch=8", 'discriminator.channels={"16": 8, "8": 8, "4": 8}']
    )
    said = []
    starting_state(config, CPU, CELEBAMASK, said.append)
    assert any("has no discriminator" in line for line in said)
    starting_state(config, CPU, CELEBAMASK, (quiet := list[str]()).append, brings_critic=True)
    assert quiet and not any("discriminator" in line for line in quiet)


def test_an_official_checkpoint_starts_a_run(small, tmp_path):
    discriminator = DualDiscriminator(
        recipe("celebamask-hq-256").discriminator.replace(size=32, regions=small.config.regions)
    )
    state = to_official(generator_entries(small.config), small.state_dict())
    critic = to_official(discriminator_entries(discriminator.config), discriminator.state_dict())
    torch.save({"g": state, "g_ema": state, "d": critic, "args": official_args(small.config)}, tmp_path / "x.pt")
    networks = open_networks(tmp_path / "x.pt")
    assert torch.equal(networks.discriminator.final_conv.weight, discriminator.final_conv.weight)
    assert adaptation_of(str(tmp_path / "x.pt"), []).generator == small.config


def test_a_model_is_adapted_with_its_own_weight_of_r1(run, tmp_path):
    assert adaptation_of(str(run), []).r1_image == TINY.r1_image == 1.0
    assert adaptation_of(str(run), ["r1_image=3"]).r1_image == 3.0
    pack(run, tmp_path / "packed", "portraits")
    assert adaptation_of(str(tmp_path / "packed" / "generator.safetensors"), []).r1_image == 1.0


def test_a_packed_model_brings_its_discriminator(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path))
    pack(run, tmp_path / "models" / "mine", "portraits")
    networks = open_networks("mine")
    assert networks.discriminator is not None
    save_discriminator(tmp_path / "d.safetensors", networks.discriminator)
    assert initial_state(TINY, CPU, CELEBAMASK).discriminator.config == networks.discriminator.config


def test_the_paper_recipe_differs_from_the_released_one_in_three_choices():
    paper, released = recipe("celebamask-hq-256-paper").generator, recipe("celebamask-hq-256").generator
    different = {n for n, v in paper.to_json().items() if released.to_json()[n] != v}
    assert different == {"detach_texture", "background_pose", "heads"}


def test_a_runs_file_knows_its_domain(run):
    assert load(run / "generator.safetensors").domain is PORTRAITS


def test_an_adapted_model_reads_its_ancestors_codes_and_uses_its_directions(run, tmp_path, monkeypatch):
    """invert with the source, decode and edit with the adapted model; other generators' codes stay refused."""
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path))
    models = tmp_path / "models"
    pack(run, models / "source", "portraits")
    config = adaptation_of(
        "source", ["freeze_local=ema_only", "batch=8", "images=16", "data.style=cel", "data.pool=16", "monitor_every=0"]
    )
    train(config.replace(images=8), tmp_path / "cel", domain=PORTRAITS)
    train(config, tmp_path / "cel", domain=PORTRAITS)  # resumed: the lineage is in the state
    pack(tmp_path / "cel", models / "cel", "portraits")
    source, cel = load("source"), load("cel")
    assert cel.generator.lineage == (source.generator.fingerprint,)
    latent = source.sample(2, seed=1).wplus()
    before, after = source.synthesise(latent), cel.synthesise(latent)
    assert torch.equal(before.coarse_segmentation, after.coarse_segmentation)
    monkeypatch.setattr("directions.probe.COUNT", 4)
    labelled = label_samples(source, source.domain.attributes(), 256, 0, tmp_path / "labels")
    fitted, _ = learn_directions(source, labelled, attributes=("smile",), chosen=0.1)
    fitted.save(models / "source" / zoo.DIRECTIONS)
    assert len(cel.edit(latent, "smile", 1.0)) == 2
    with pytest.raises(LatentError, match="belongs to generator"):
        source.synthesise(cel.sample(1, seed=1))


def test_sizes_are_told_without_building_networks(run, small, tmp_path, monkeypatch):
    pack(run, tmp_path / "packed", "portraits")
    sources = [run, tmp_path / "packed" / "generator.safetensors"]
    opened = [open_networks(source) for source in sources]
    monkeypatch.setattr(SemanticGenerator, "__init__", None)
    for source, networks in zip(sources, opened, strict=True):
        sizes = read_sizes(source)
        assert sizes.generator == networks.average.config and sizes.config == networks.config
        assert sizes.discriminator == networks.discriminator.config
    with pytest.raises(CheckpointError, match="no such file"):
        read_sizes(tmp_path / "absent.pt")
