"""Editors that take regions over from a reference: by StyleFusion, by Editing in Style, and by blending in space."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from baselines.blending import (
    FeatureBlending,
    FeatureBlendingConfig,
    PoissonBlending,
    blend_semantic_features,
    region_masks,
)
from baselines.editing_in_style import Catalogue, CatalogueTransfer, CatalogueTransferConfig, queries
from baselines.stylefusion import FusionNet, FusionTransfer, Hierarchy, StoredFusion
from baselines.stylefusion.recipes import FACE_PARTS, TINY
from baselines.stylegan2 import StyleCode
from semedit.domains import Domain
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import ConfigError, ImageError, LatentError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.regions import CELEBAMASK
from semedit.protocols import PictureEditor
from tests.baselines.networks import random_codes

TREE = {"all": ("face", "bg_hair_clothes"), "face": ("skin_mouth", "eyes"), "bg_hair_clothes": ("bg_clothes", "hair"),
        "skin_mouth": ("mouth", "skin"), "bg_clothes": ("clothes", "bg")}  # fmt: skip


@dataclass
class Shown:
    """What editors take of a user's model."""

    generator: Any
    domain: Domain = PORTRAITS

    @torch.no_grad()
    def synthesise(self, latent: Latent) -> Any:
        return self.generator(latent)


@pytest.fixture(scope="module")
def model(stylegan2):
    return Shown(stylegan2)


@pytest.fixture(scope="module")
def codes(stylegan2):
    return stylegan2.latent(random_codes(stylegan2, 3))


@pytest.fixture(scope="module")
def reference(stylegan2):
    return stylegan2.latent(random_codes(stylegan2, 1, seed=9)).annotated(source="other")


@pytest.fixture(scope="module")
def stored(stylegan2):
    """Nets for four of the five nodes of the tree of faces: the mouth and the skin go together."""
    torch.manual_seed(0)
    nets = {name: FusionNet(TINY.net).eval() for name in TREE if name != "skin_mouth"}
    return StoredFusion(Hierarchy.of(TREE, nets), FACE_PARTS, fingerprint=stylegan2.fingerprint)


@pytest.fixture(scope="module")
def catalogue(stylegan2):
    draw = torch.Generator().manual_seed(0)
    layers = [torch.rand(3, width, generator=draw) for width in stylegan2.config.conv_widths]
    return Catalogue(torch.eye(4, 8), {"hair": [0], "skin": [1, 2], "eyes": [3]}, layers)


@pytest.fixture(params=["stylefusion", "editing-in-style", "feature-blending", "poisson"])
def editor(request, model, reference, stored, catalogue):
    return {
        "stylefusion": lambda: FusionTransfer(model, reference, "hair", stored),
        "editing-in-style": lambda: CatalogueTransfer(model, reference, "hair", catalogue),
        "feature-blending": lambda: FeatureBlending(model, reference, "hair"),
        "poisson": lambda: PoissonBlending(model, reference, "hair"),
    }[request.param]()


def pictures(editor, model, latent, strength, regions=None):
    """What an edit shows."""
    if isinstance(editor, PictureEditor):
        return editor.render(latent, strength, regions).image
    return model.synthesise(editor.edit(latent, strength, regions)).image


def test_strengths_beyond_all_pictures_are_refused(editor, codes):
    for strength in (float("nan"), 1e39, "1"):
        with pytest.raises(ConfigError, match="the strength of an edit"):
            editor.edit(codes, strength)


def test_strength_zero_changes_nothing(editor, model, codes):
    kept = editor.edit(codes, 0.0)
    assert torch.equal(kept.data, codes.data) and kept.space == codes.space
    assert torch.equal(pictures(editor, model, codes, 0.0), model.synthesise(codes).image)


def test_strength_one_changes_the_pictures(editor, model, codes):
    before, half, whole = (pictures(editor, model, codes, s) for s in (0.0, 0.5, 1.0))
    assert ((whole - before).abs().flatten(1).max(1).values > 1e-3).all() and not torch.equal(half, whole)


def test_a_batch_is_edited_as_one_by_one(editor, model, codes, reference):
    together = pictures(editor, model, codes, 1.0)
    for i in range(3):
        one = pictures(editor, model, codes[i], 1.0)
        torch.testing.assert_close(one[0], together[i], rtol=1e-3, atol=1e-4)
    editor.reference = Latent.cat([reference, reference])
    with pytest.raises(LatentError, match="2 references for 3 codes"):
        editor.edit(codes, 1.0)


def test_the_way_back_and_the_note(editor, codes):
    edited = editor.edit(codes, 1.0)
    assert torch.equal(edited.undo().data, codes.data)
    event = edited.history[-1]
    assert (event["method"], event["regions"], event["reference"]) == (editor.method, "hair", "other")
    assert isinstance(editor, PictureEditor) == (edited.space != "s") == ("codes" in event)


def test_regions_are_checked_before_anything_is_done(editor, codes):
    with pytest.raises(UnknownName, match="hair"):
        editor.edit(codes, 1.0, "hare")
    if editor.method != "stylefusion":
        with pytest.raises(ConfigError, match="takes regions whole"):
            editor.edit(codes, 1.0, "hair:texture")


def test_all_regions_are_the_reference(model, codes, reference, stored):
    whole = FusionTransfer(model, reference, "all", stored).edit(codes, 1.0)
    wanted = model.generator.styles(reference).flat().expand(3, -1)
    torch.testing.assert_close(whole.data, wanted, rtol=1e-4, atol=1e-5)


def test_regions_become_nodes(model, reference, stored):
    def nodes(text):
        return FusionTransfer(model, reference, text, stored).nodes(CELEBAMASK.select(text))

    assert nodes("hair") == ("bg_hair_clothes", "hair")
    assert nodes("hair:texture") == ("hair",) and nodes("hair:shape") == ("bg_hair_clothes",)
    assert nodes("pose") == ("all",) and nodes("pose,hair:texture") == ("all", "hair")
    assert nodes("face") == ("face", "skin_mouth", "eyes") and nodes("face:texture") == ("skin_mouth", "eyes")
    assert nodes("background") == ("bg_clothes", "bg")
    with pytest.raises(ConfigError, match="mouth, skin together"):
        nodes("mouth")
    flat = StoredFusion(Hierarchy.of(TINY.tree, {"all": stored.hierarchy.nets["all"]}), TINY.parts)
    with pytest.raises(ConfigError, match="'background:shape' alone"):
        FusionTransfer(model, reference, "all", flat).nodes(CELEBAMASK.select("background:shape"))


def test_a_hierarchy_fuses_what_the_editor_asks_for(model, codes, reference, stored):
    edited = FusionTransfer(model, reference, "background", stored).edit(codes, 0.5)
    own, theirs = model.generator.styles(codes), model.generator.styles(reference)
    half = own.map(lambda a, b: torch.lerp(a, b.expand_as(a), 0.5), theirs)
    given = dict.fromkeys(stored.hierarchy.active, own) | {"bg_clothes": half, "bg": half}
    torch.testing.assert_close(edited.data, stored.hierarchy.fuse(given).flat())


def test_channels_are_the_references_where_the_query_says_so(model, codes, reference, catalogue, stylegan2):
    config = CatalogueTransferConfig(rho=0.6, epsilon=2.0)
    editor = CatalogueTransfer(model, reference, "hair", catalogue, config)
    edited = StyleCode.from_flat(
        editor.edit(codes, 1.0).data, stylegan2.config.conv_widths, stylegan2.config.rgb_widths
    )
    own, theirs, chosen = stylegan2.styles(codes), stylegan2.styles(reference), 0
    for layer, (after, a, b) in enumerate(zip(edited.conv, own.conv, theirs.conv, strict=True)):
        q = catalogue.query("hair", layer, rho=0.6, epsilon=2.0).bool()
        assert torch.equal(after[:, q], b.expand_as(a)[:, q]) and torch.equal(after[:, ~q], a[:, ~q])
        chosen += int(q.sum())
    assert chosen and all(torch.equal(a, b) for a, b in zip(edited.rgb, own.rgb, strict=True))
    both = editor.query(CELEBAMASK.select("hair,skin"))
    each = [editor.query(CELEBAMASK.select(name)) for name in ("hair", "skin")]
    assert all(torch.equal(q, torch.maximum(a, b)) for q, a, b in zip(both, *each, strict=True))


def test_queries_by_name():
    layers = [torch.tensor([0.9, 0.5, 0.05, 0.3]), torch.tensor([0.2, 0.8])]
    assert queries(layers, CatalogueTransferConfig(epsilon=0.7))[0].tolist() == [1, 1, 0, 0]
    assert queries(layers, CatalogueTransferConfig(query="simultaneous", gain=2.0))[0].tolist() == pytest.approx(
        [1, 1, 0.1, 0.6]
    )
    assert all((q == 1).all() for q in queries(layers, CatalogueTransferConfig(query="global")))
    joint = queries(layers, CatalogueTransferConfig(convention="paper", epsilon=0.3, rho=0.1))
    assert [q.tolist() for q in joint] == [[1, 0, 0, 0], [0, 1]]
    assert queries(layers, CatalogueTransferConfig(share=0.3))[1].tolist() == [0, 1]


def test_catalogues_are_checked(model, codes, reference, catalogue):
    with pytest.raises(ConfigError, match="contributions of 0 layers"):
        CatalogueTransfer(model, reference, "hair", Catalogue(torch.eye(2), {"hair": [0]}))
    other = Catalogue(catalogue.centroids, catalogue.annotations, catalogue.contributions, fingerprint="another")
    with pytest.raises(LatentError, match="another"):
        CatalogueTransfer(model, reference, "hair", other)
    with pytest.raises(UnknownName, match="nose"):
        CatalogueTransfer(model, reference, "nose", catalogue).edit(codes, 1.0)


@pytest.fixture(scope="module")
def semantic(small):
    return Shown(small, replace(PORTRAITS, regions=small.regions))


def test_styles_are_stylegan2s(semantic, small, stored, catalogue):
    code = small.latent(torch.randn(1, 16))
    for made in (
        lambda: FusionTransfer(semantic, code, "region1", stored),
        lambda: CatalogueTransfer(semantic, code, "region1", catalogue),
    ):
        with pytest.raises(ConfigError, match="StyleGAN2"):
            made()


def test_features_of_a_semantic_generator_are_blended_inside_the_mask(small):
    target, other = torch.randn(2, 16), torch.randn(2, 16)
    nothing, everything = torch.zeros(1, 1, 32, 32), torch.ones(1, 1, 32, 32)
    with torch.no_grad():
        own, theirs = small(target), small(other)
        kept = blend_semantic_features(small, target, other, nothing)
        assert torch.equal(kept.image, own.image) and torch.equal(kept.segmentation, own.segmentation)
        whole = blend_semantic_features(small, target, other, everything, 32)
        torch.testing.assert_close(whole.image, theirs.image)
        torch.testing.assert_close(whole.segmentation, theirs.segmentation)
        left = everything.clone()
        left[..., 16:] = 0
        change = (blend_semantic_features(small, target, other[:1], left, 16).image - own.image).abs().mean((0, 1))
        assert change[:, :12].mean() > 5 * change[:, 24:].mean() > 0
        with pytest.raises(ConfigError, match="choose from: 8, 16, 32"):
            blend_semantic_features(small, target, other, left, 64)
        with pytest.raises(ImageError, match="1 or 2"):
            blend_semantic_features(small, target, other, left[0])


def test_blending_follows_the_masks_of_both_pictures(semantic, small):
    codes, other = small.latent(torch.randn(2, 16)), small.latent(torch.randn(1, 16))
    before, there = semantic.synthesise(codes), semantic.synthesise(other)
    region = int(before.labels.flatten().mode().values)
    name = small.regions.names[region]
    inside = ((before.labels == region) | (there.labels == region))[:, None].expand(-1, 3, -1, -1)
    assert torch.equal(region_masks(semantic, before, (region,)).bool()[:, 0], before.labels == region)
    after = PoissonBlending(semantic, other, name).render(codes, 1.0)
    assert torch.equal(after.image[~inside], before.image[~inside]) and not torch.equal(after.image, before.image)
    taken = inside[:, 0] & (there.labels == region)
    assert (after.labels[taken] == region).all()
    blended = FeatureBlending(semantic, other, name, FeatureBlendingConfig(size=32)).render(codes, 1.0)
    torch.testing.assert_close(blended.image[inside], there.image.expand_as(before.image)[inside])
    with pytest.raises(LatentError, match="belongs to generator"):
        PoissonBlending(semantic, replace(other, fingerprint="another"), name)
