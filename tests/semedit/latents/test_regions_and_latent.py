"""Region selections, and latents that know what they are."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semedit.errors import ConfigError, LatentError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import CELEBAMASK, RegionTable, generic_regions

LAYOUT = LatentLayout(2, 13, 6, 10)
NAMES = [*CELEBAMASK.names, *CELEBAMASK.groups]


def latent(seed: int = 0, fingerprint: str = "a") -> Latent:
    data = torch.randn(2, LAYOUT.rows, 8, generator=torch.Generator().manual_seed(seed))
    return Latent.of(data, layout=LAYOUT, regions=CELEBAMASK, fingerprint=fingerprint)


@pytest.mark.parametrize("text, rows", [
    ("hair", (16, 17)), ("hair:texture", (17,)), ("hair:shape", (16,)), ("mouth", (10, 11)), ("pose", (0, 1)),
    ("face", (4, 5, 6, 7, 8, 9, 10, 11, 12, 13)), ("eyes,nose:shape", (6, 7, 12)), ("all", tuple(range(28))),
    ("hair:shape,hair:texture", (16, 17)), ("head:texture,hair", (5, 7, 9, 11, 13, 15, 16, 17)),
])  # fmt: skip
def test_rows_of_a_selection(text, rows):
    assert CELEBAMASK.select(text).rows(2) == rows


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_shape_and_texture_rows_together_are_the_whole_selection(names):
    def rows(part: str) -> set[int]:
        return set(CELEBAMASK.select(",".join(name + part for name in names)).rows(2))

    assert rows(":shape") | rows(":texture") == rows("") and not rows(":shape") & rows(":texture")


def test_bad_selections_name_the_choices():
    with pytest.raises(UnknownName, match=r"did you mean 'hair'.*cloth"):
        CELEBAMASK.select("hiar")
    with pytest.raises(ConfigError, match="shape or texture, not 'colour'"):
        CELEBAMASK.select("hair:colour")
    with pytest.raises(ConfigError, match="no regions given"):
        CELEBAMASK.select(" , ")


def test_region_tables_survive_json_and_check_themselves():
    assert RegionTable.from_json(CELEBAMASK.to_json()) == CELEBAMASK
    assert generic_regions(13, (10, 12)) is CELEBAMASK and len(generic_regions(4, (2,))) == 4
    with pytest.raises(UnknownName):
        RegionTable(names=("a",), colours=((0, 0, 0),), transparent=("b",))


def test_expansion_follows_the_spec():
    index = LAYOUT.row_index()
    assert index[:10] == [2, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert index[10:20] == [0, 1, 4, 4, 4, 4, 5, 5, 5, 5] and len(index) == 130


def test_save_and_load_keep_everything(tmp_path):
    start = latent().annotated(source="me.jpg")
    one = start.edited_from(start, attr="smile", strength=1.0)
    one.save(tmp_path / "one.safetensors")
    two = Latent.load(tmp_path / "one.safetensors")
    assert torch.equal(one.data, two.data)
    assert (one.space, one.layout, one.fingerprint, one.history) == (
        two.space,
        two.layout,
        two.fingerprint,
        two.history,
    )
    assert two.metadata == {"source": "me.jpg"} and two.regions == CELEBAMASK


def test_other_files_are_no_latents(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(LatentError, match="not a latent"):
        Latent.load(tmp_path / "text.safetensors")
    with pytest.raises(LatentError, match="not a latent"):
        Latent.load(tmp_path / "none.safetensors")


def test_blend_is_exact_outside_the_regions_and_at_the_ends():
    a, b = latent(0), latent(1)
    half = a.blend(b, 0.5, "hair")
    kept = [row for row in range(28) if row not in (16, 17)]
    assert torch.equal(half.data[:, kept], a.data[:, kept])
    torch.testing.assert_close(half.data[:, 16], (a.data[:, 16] + b.data[:, 16]) / 2)
    assert torch.equal(a.blend(b, 0.0).data, a.data) and torch.equal(a.blend(b, 1.0).data, b.data)


def test_latents_of_other_generators_do_not_mix():
    with pytest.raises(LatentError, match="generator b, not to a"):
        latent(0, "a").blend(latent(1, "b"), 0.5)


def test_an_expanded_code_has_no_region_rows():
    expanded = Latent.of(torch.zeros(1, 130, 8), layout=LAYOUT, regions=CELEBAMASK, fingerprint="a")
    with pytest.raises(LatentError, match="expanded"):
        expanded.wplus()


def test_truncation_moves_towards_the_mean():
    w = Latent.of(torch.randn(2, 8), layout=LAYOUT, regions=CELEBAMASK, fingerprint="a")
    mean = torch.ones(1, 8)
    assert torch.equal(w.truncate(mean, 0.0).data, mean.expand(2, -1))
    torch.testing.assert_close(w.truncate(mean, 0.7).data, 0.7 * w.data + 0.3)
    torch.testing.assert_close(w.wplus().truncate(mean, 0.7).data, w.truncate(mean, 0.7).wplus().data)


class TestWayBack:
    """Edits stack, and undo gives back what was before them, bit for bit, also from a file."""

    def stacked(self):
        start = latent().annotated(source="me.jpg")
        one = start.with_rows(start.wplus().data + 1, (2, 3)).edited_from(start, attr="smile")
        one = one.annotated(codes={"asked": list(range(len(one)))})
        two = one.with_rows(one.data - 3, (4,)).edited_from(one, attr="beard")
        return start, one, two

    def test_undo(self, tmp_path):
        start, one, two = self.stacked()
        two.save(tmp_path / "l.safetensors")
        for last in (two, Latent.load(tmp_path / "l.safetensors")):
            assert torch.equal(last.undo().data, one.data) and last.undo().history == ({"attr": "smile"},)
            assert last.undo().metadata == one.metadata
            assert torch.equal(last.undo(2).data, start.data) and last.undo(2).metadata == start.metadata
            assert last.undo(2).space == start.space and not last.undo(2).history
            with pytest.raises(LatentError, match="2 edits can be undone"):
                last.undo(3)
        with pytest.raises(LatentError, match="no edit to undo"):
            start.undo()

    def test_a_choice_of_codes_keeps_its_way(self):
        _, one, two = self.stacked()
        chosen = two[1]
        assert chosen.parent.metadata["codes"] == {"asked": [1]}
        assert torch.equal(chosen.undo().data, one.data[1:])
        assert two.repeat(2).undo().metadata["codes"] == {"asked": [0, 0, 1, 1]}

    def test_a_batch_is_taken_apart_again(self):
        start, one, _ = self.stacked()
        parts = [one[0], start[1]]
        joined = Latent.cat(parts)
        edited = joined.with_rows(joined.data + 2, (0,)).edited_from(joined, attr="hat")
        found = [edited.rejoin(part, index) for index, part in enumerate(parts)]
        assert [[e["attr"] for e in f.history] for f in found] == [["smile", "hat"], ["hat"]]
        assert torch.equal(found[0].data, edited.data[:1]) and found[0].metadata["source"] == "me.jpg"
        assert torch.equal(found[0].undo(2).data, start.data[:1])
