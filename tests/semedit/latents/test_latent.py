"""Latents that know what they are, where they come from, and the way back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semedit.errors import LatentError
from semedit.latents.latent import Latent
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import CELEBAMASK, generic_regions
from semedit.latents.stored import FORMAT
from semedit.storage.tensors import write_tensors

LAYOUT = LatentLayout(2, 13, 6, 10)


def latent(seed: int = 0, fingerprint: str = "a") -> Latent:
    data = torch.randn(2, LAYOUT.rows, 8, generator=torch.Generator().manual_seed(seed))
    return Latent.of(data, layout=LAYOUT, regions=CELEBAMASK, fingerprint=fingerprint)


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
    with pytest.raises(LatentError, match="cannot be read as a latent"):
        Latent.load(tmp_path / "text.safetensors")
    with pytest.raises(LatentError, match="no such file"):
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
        one = one.annotated_each(asked=range(len(one)))
        two = one.with_rows(one.data - 3, (4,)).edited_from(one, attr="beard")
        return start, one, two

    def test_undo(self, tmp_path):
        start, one, two = self.stacked()
        two.save(tmp_path / "l.safetensors")
        for last in (two, Latent.load(tmp_path / "l.safetensors")):
            assert torch.equal(last.undo().data, one.data) and last.undo().history == ({"attr": "smile"},)
            assert [p.metadata for p in last.undo().pasts] == [p.metadata for p in one.pasts]
            assert last.undo().metadata == {"source": "me.jpg"} and last.undo()[1].metadata["asked"] == 1
            assert torch.equal(last.undo(2).data, start.data) and last.undo(2).metadata == start.metadata
            assert last.undo(2).space == start.space and not last.undo(2).history
            with pytest.raises(LatentError, match="2 edits can be undone"):
                last.undo(3)
        with pytest.raises(LatentError, match="no edit to undo"):
            start.undo()

    def test_a_choice_of_codes_keeps_its_way(self):
        _, one, two = self.stacked()
        chosen = two[1]
        assert chosen.parent.metadata["asked"] == 1
        assert torch.equal(chosen.undo().data, one.data[1:])
        assert [past.metadata["asked"] for past in two.repeat(2).undo().pasts] == [0, 0, 1, 1]

    def test_a_batch_is_taken_apart_again(self, tmp_path):
        start, one, _ = self.stacked()
        parts = [one[0], start[1], Latent.of(torch.ones(1, 8), layout=LAYOUT, regions=CELEBAMASK, fingerprint="a")]
        joined = Latent.cat(parts)
        joined.with_rows(joined.data + 2, (0,)).edited_from(joined, attr="hat").save(tmp_path / "l.safetensors")
        edited = Latent.load(tmp_path / "l.safetensors")
        assert [[e["attr"] for e in f.history] for f in edited] == [["smile", "hat"], ["hat"], ["hat"]]
        assert edited.history == ({"attr": "hat"},) and edited[0].metadata == {"source": "me.jpg", "asked": 0}
        assert not edited[2].metadata and edited.metadata == {}
        assert torch.equal(edited.undo().data, joined.data) and torch.equal(edited[0].undo(2).data, start.data[:1])
        with pytest.raises(LatentError, match="1 edits can be undone"):
            edited.undo(2)  # the second code has been edited once

    def test_what_an_edit_did_to_each_code(self):
        start = latent()
        edited = start.edited_each(start, [{"text": "hat", "stopped": why} for why in ("steps", "identity")])
        assert [code.history[0]["stopped"] for code in edited] == ["steps", "identity"]
        assert edited[1].history == ({"text": "hat", "stopped": "identity"},) and edited.history == ()

    def test_files_of_earlier_versions(self, tmp_path):
        """One past for a whole batch, and lists of what is known of each code."""
        now, before = torch.randn(2, LAYOUT.rows, 8), torch.randn(2, 8)
        header = {
            "format": FORMAT, "space": "w+", "layout": vars(LAYOUT), "regions": CELEBAMASK.to_json(),
            "fingerprint": "a", "history": [{"attr": "hat"}, {"attr": "smile"}],
            "metadata": {"source": "me.jpg", "codes": {"asked": [0.5, 0.25]}},
            "before": [{"space": "w", "metadata": {"source": "me.jpg"}}],
        }  # fmt: skip
        write_tensors(tmp_path / "l.safetensors", header, {"latent": now, "before.0": before})
        loaded = Latent.load(tmp_path / "l.safetensors")
        assert torch.equal(loaded.data, now) and [e["attr"] for e in loaded.history] == ["hat", "smile"]
        assert [code.metadata for code in loaded] == [{"source": "me.jpg", "asked": v} for v in (0.5, 0.25)]
        assert torch.equal(loaded.undo().data, before) and loaded.undo().history == ({"attr": "hat"},)
        assert loaded.undo().space == "w" and loaded.undo().metadata == {"source": "me.jpg"}


SMALL = LatentLayout(1, 3, 2, 3)
REGIONS = generic_regions(3)


@st.composite
def codes(draw, most: int = 3) -> Latent:
    """A few codes in W or W+, each of which may have been edited."""
    made = []
    for _ in range(draw(st.integers(1, most))):
        shape = (1, 4) if draw(st.booleans()) else (1, SMALL.rows, 4)
        data = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
        code = Latent.of(data, layout=SMALL, regions=REGIONS, fingerprint="a", source=draw(st.sampled_from("abc")))
        for name in draw(st.lists(st.sampled_from(["smile", "hat"]), max_size=2)):
            code = code.with_rows(code.wplus().data + 1, (draw(st.integers(0, SMALL.rows - 1)),)).edited_from(
                code, attr=name
            )
        made.append(code)
    return Latent.cat(made)


def known(latent: Latent) -> list[object]:
    """Everything that is known of each code, the way back included."""
    found: list[object] = []
    for code in latent:
        way = [code]
        while way[-1].parent:
            way.append(way[-1].parent)
        found.append([(one.space, one.data.tolist(), dict(one.metadata), one.history) for one in way])
    return found


class TestLaws:
    @given(codes())
    def test_a_batch_is_its_codes(self, latent):
        assert known(Latent.cat(list(latent))) == known(latent)
        assert torch.equal(Latent.cat([latent[i] for i in range(len(latent))]).data, latent.data)

    @given(codes(), codes())
    def test_joining_keeps_what_is_known_of_each(self, a, b):
        joined = Latent.cat([a, b])
        assert joined.space == (a.space if a.space == b.space else "w+")
        assert [code.history for code in joined] == [code.history for code in (*a, *b)]
        assert [code.metadata for code in joined] == [code.metadata for code in (*a, *b)]
        assert [w[1:] for w in known(joined)] == [w[1:] for w in known(a) + known(b)]

    @given(codes())
    @settings(deadline=None)
    def test_a_file_keeps_everything(self, tmp_path_factory, latent):
        path = tmp_path_factory.mktemp("latents") / "l.safetensors"
        latent.save(path)
        assert known(Latent.load(path)) == known(latent)

    @given(codes(), st.text("ab", max_size=2))
    def test_undo_takes_an_edit_back(self, latent, name):
        edited = latent.with_rows(latent.wplus().data * 2, (0,)).edited_from(latent, attr=name)
        assert known(edited.undo()) == known(latent)

    @given(codes(), st.sampled_from(["region0", "region1:shape", "region2:texture,region0", "pose", "all"]))
    def test_rows_outside_a_selection_stay_bit_identical(self, latent, regions):
        other = Latent.of(torch.randn(len(latent), 4), layout=SMALL, regions=REGIONS, fingerprint="a")
        rows = list(latent.rows(regions))
        kept = [row for row in range(SMALL.rows) if row not in rows]
        for changed in (latent.with_rows(other, tuple(rows)), latent.blend(other, 1.0, regions)):
            assert torch.equal(changed.data[:, kept], latent.wplus().data[:, kept])
            assert torch.equal(changed.data[:, rows], other.wplus().data[:, rows])
        assert torch.equal(latent.blend(other, 0.0, regions).data, latent.wplus().data)
