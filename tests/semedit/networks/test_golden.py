"""Golden values: this library's numbers against those of the official code."""

import pytest
import torch

from semedit.checkpoints.official import discriminator_entries, generator_entries, to_native, to_official
from semedit.latents.regions import generic_regions
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator, minibatch_stddev
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.training.gan.losses import mask_consistency, path_lengths, r1_penalties, update_path_mean
from tests.golden import check, fill, fill_state, rule_discriminator, rule_generator

TINY = GeneratorConfig(
    size=32, regions=4, local_channels=8, coarse_channels=16, coarse_size=16, min_feature_size=8, local_layers=5,
    base_layers=1, depth_layers=3, transparent=(2,),
)  # fmt: skip
FACE128 = GeneratorConfig(size=128)


def golden_generator(config: GeneratorConfig) -> SemanticGenerator:
    generator = SemanticGenerator(config, generic_regions(config.regions, config.transparent))
    official = to_official(generator_entries(config), generator.state_dict())
    filled = fill_state(official, rule_generator)
    generator.load_state_dict(to_native(generator_entries(config), filled, generator.state_dict(), "golden"))
    return generator.eval()


@pytest.fixture(scope="module")
def tiny() -> SemanticGenerator:
    return golden_generator(TINY)


@pytest.fixture(scope="module")
def face128() -> SemanticGenerator:
    return golden_generator(FACE128)


def codes(generator: SemanticGenerator) -> tuple[torch.Tensor, torch.Tensor]:
    w = generator.mapping(fill(1000, (2, 512)))
    return w, 0.5 * fill(1001, (2, generator.layout.rows, 512))


def test_tiny_sizes(tiny):
    assert sum(p.numel() for p in tiny.parameters()) == 9_423_797
    assert (tiny.layout.rows, tiny.layout.expanded_rows) == (9, 20)
    official = to_official(generator_entries(TINY), tiny.state_dict())
    assert sum(not key.endswith(".kernel") for key in official) == 150


def test_tiny_from_z(tiny):
    w, _ = codes(tiny)
    check(w, 0.47792, 0.967732, [0.172291, -0.135158, -0.25514, 0.441337, 0.224615])
    from semedit.networks.ops import coordinate_grid

    embedded = tiny.local.embed(coordinate_grid(16, 16))
    check(embedded, 0.054437, 0.626523, [0.454157, 1.145323, -0.239282, -0.25327, 0.517325])
    out = tiny(w)
    check(out.depths[:, 1], 0.415828, 0.467598, [0.063051, 0.196674, 0.994734, 0.071452, 0.848745])
    check(out.depths[:, 3], -0.068225, 0.236598, [-0.011398, 0.075163, -0.270833, -0.048739, 0.230219])
    check(out.coarse_segmentation, -0.5, 0.200399, [-0.502075, -0.527635, -0.737722, -0.50004, -0.527172])
    check(out.image, -0.088235, 0.494279, [-0.292854, -0.034542, -0.344474, -0.309634, 0.042331])
    check(out.segmentation, -0.358359, 0.466188, [0.795081, -0.144551, -0.911134, 0.79836, -0.362543])
    assert mask_consistency(out).item() == pytest.approx(0.193177, rel=1e-4)


def test_tiny_wplus(tiny):
    _, wplus = codes(tiny)
    out = tiny(wplus)
    check(out.image, -0.042297, 0.642105, [-0.402276, -0.000342, -0.436736, -0.303669, -0.121215])
    check(out.segmentation, -0.383998, 0.568379, [0.874241, -0.042796, -1.204635, 0.733312, -0.455232])
    check(out.coarse_segmentation, -0.5, 0.196002, [-0.536607, -0.54405, -0.829939, -0.505949, -0.716658])
    masked = tiny(wplus, composition=torch.tensor([[1.0, 0.0, 1.0, 1.0]]).expand(2, -1))
    check(masked.image, 0.01296, 0.302903, [-0.418106, -0.082113, -0.337045, -0.291825, 0.140533])
    check(masked.coarse_segmentation, -0.5, 0.321528, [-0.326111, -0.182766, -0.653221, -0.307837, -0.265863])


def test_tiny_truncation(tiny):
    w, _ = codes(tiny)
    truncated = tiny.latent(w).truncate(w.mean(0, keepdim=True), 0.7)
    check(tiny(truncated).image, -0.085574, 0.484369, [-0.305956, -0.05571, -0.34699, -0.300632, 0.043849])


def test_tiny_path_length(tiny):
    w, _ = codes(tiny)
    expanded = tiny.layout.expand(w).flatten(1, 2).detach().requires_grad_()
    image = tiny(expanded).image
    lengths = path_lengths(image, expanded, fill(3000, (2, 3, 32, 32)) / 32)
    torch.testing.assert_close(lengths.detach(), torch.tensor([0.274139, 0.218563]), rtol=1e-4, atol=1e-4)
    mean = update_path_mean(torch.zeros(()), lengths)
    assert mean.item() == pytest.approx(0.00246351, rel=1e-4)
    assert (lengths - mean).square().mean().item() == pytest.approx(0.0602533, rel=1e-4)


def test_face128(face128):
    assert sum(p.numel() for p in face128.parameters()) == 19_762_434
    w, wplus = codes(face128)
    check(w, 0.554231, 1.08141, [0.653519, -0.308435, 0.599576, 0.083464, 0.353158])
    out = face128(w)
    check(out.depths[:, 1], -1.043463, 0.447996, [-1.022663, -1.214803, -1.498459, -1.754838, -1.606858])
    check(out.depths[:, 12], 0.556073, 0.337117, [0.393249, 0.809795, 1.089027, 0.574849, 0.514841])
    check(out.coarse_segmentation, -0.846154, 0.117573, [-0.880339, -0.892727, -0.861779, -0.85955, -0.803973])
    check(out.image, 0.032194, 0.902953, [-0.29565, -0.146224, -0.060842, -0.30838, 0.4225])
    check(out.segmentation, -0.807385, 0.585031, [-0.812227, -0.922804, -1.29992, -0.783055, -0.554539])
    assert mask_consistency(out).item() == pytest.approx(0.320574, rel=1e-4)
    out = face128(wplus)
    check(out.image, -0.180123, 1.153411, [-0.262816, -0.192801, -0.250181, -0.272803, 0.182692])
    check(out.coarse_segmentation, -0.846154, 0.148832, [-0.899456, -0.926371, -0.802713, -0.893061, -0.840689])
    keep = torch.ones(2, 13)
    keep[:, 1] = 0
    image = face128(wplus, composition=keep).image
    check(image, -0.166608, 1.175494, [-0.261014, -0.190948, -0.256769, -0.272233, 0.178104])
    truncated = face128.latent(w).truncate(w.mean(0, keepdim=True), 0.7)
    check(face128(truncated).image, 0.037436, 0.889566, [-0.354105, -0.25179, -0.118484, -0.311837, 0.403515])


def test_discriminator():
    config = DiscriminatorConfig(size=32, regions=4)
    network = DualDiscriminator(config)
    official = to_official(discriminator_entries(config), network.state_dict())
    filled = fill_state(official, rule_discriminator)
    assert sum(not key.endswith(".kernel") for key in official) == 40
    network.load_state_dict(to_native(discriminator_entries(config), filled, network.state_dict(), "golden"))
    image, mask = fill(2000, (4, 3, 32, 32)).requires_grad_(), fill(2001, (4, 4, 32, 32)).requires_grad_()
    both, alone = network(image, mask), network(image)
    torch.testing.assert_close(
        both[:, 0].detach(), torch.tensor([0.622571, 0.645574, 0.531058, 0.609254]), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(
        alone[:, 0].detach(), torch.tensor([0.376211, 0.40156, 0.358251, 0.352771]), rtol=1e-4, atol=1e-4
    )
    r1_image, r1_mask = r1_penalties(both, image, mask)
    assert r1_image.item() == pytest.approx(0.00279349, rel=1e-4)
    assert r1_mask.item() == pytest.approx(0.00345424, rel=1e-4)


def test_minibatch_stddev_groups_are_strided():
    x = torch.zeros(8, 1, 1, 1)
    x[0] = 1.0
    column = minibatch_stddev(x, 4)[:, 1, 0, 0]
    torch.testing.assert_close(column, torch.tensor([0.433013, 1e-4]).repeat(4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size, entries, parameters", [(512, 732, 20_320_358), (256, 713, 20_208_020)])
def test_official_generator_counts(size, entries, parameters):
    config = GeneratorConfig(size=size)
    shapes = list(generator_entries(config))
    assert len(shapes) == entries
    learnt = [e for e in shapes if e.name and "noises" not in e.key]
    assert sum(torch.Size(e.shape).numel() for e in learnt) == parameters


@pytest.mark.parametrize("size, entries, parameters", [(512, 108, 51_406_593), (256, 94, 51_169_793)])
def test_official_discriminator_counts(size, entries, parameters):
    shapes = list(discriminator_entries(DiscriminatorConfig(size=size)))
    assert len(shapes) == entries
    assert sum(torch.Size(e.shape).numel() for e in shapes if e.name) == parameters
