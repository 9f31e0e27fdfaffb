"""One person's work, without a browser: sliders, places, words, the past, and what is taken away."""

import shlex

import pytest
import torch

from semedit.cli.main import run
from semedit.editing.requests.request import EditRequest
from semedit.errors import ConfigError, LatentError, MissingWeights, UnknownName
from semedit.latents.latent import Latent
from semedit.pictures.provenance import read_mark
from semedit.ui.beginning import begin_at_random
from semedit.ui.commands import command_lines
from semedit.ui.work import Stopped


def test_a_desk_without_a_picture_says_so(desk):
    for call in (lambda: desk.preview("smile", 1.0), desk.settle, desk.strip, lambda: desk.click(0.5, 0.5)):
        with pytest.raises(ConfigError, match="no picture yet"):
            call()


def test_a_moving_slider_shows_what_its_release_makes(begun):
    for strength in (0.4, 0.8, 1.2):
        live = begun.preview("smile", strength)
    assert len(begun.history.moments) == 1
    made = begun.settle()
    assert (live.image - made.shown.image).abs().max() < 1e-3
    assert made.record.steps[0].strength == 1.2 and made.panel.strength("smile") == 1.2
    assert begun.settle() is made


def test_a_slider_stays_where_it_was_let_go_of_whatever_is_shown_late(begun):
    """The last picture on the way may be asked for after the hand has let go."""
    begun.preview("smile", 0.5)
    made = begun.turn("smile", 0.7)
    begun.choose(["hair"], "both", False)
    begun.preview("smile", 0.7)
    assert begun.settle() is made and made.record.steps[0].strength == 0.7 and made.record.steps[0].regions == "mouth"


def test_sliders_stand_on_one_picture(begun):
    """Moving one back to 0 gives the start again, bit for bit, whatever was in between."""
    start = begun.now
    for attr, strength in (("smile", 1.0), ("glasses", 1.0), ("smile", 0.5)):
        begun.preview(attr, strength)
        begun.settle()
    assert begun.now.session.request.attrs == ("glasses=1", "smile=0.5") and begun.now.before is start
    begun.rest()
    assert torch.equal(begun.now.latent.data, start.latent.data) and not begun.panel.turned
    assert [one.title for one in begun.now.way] == [start.title]


def test_chosen_regions_bound_a_slider(begun):
    begun.choose(["hair"], "texture", False)
    begun.preview("dyed_hair", 2.0)
    made, before = begun.settle().latent, begun.now.before.latent.wplus()
    others = [row for row in range(made.layout.rows) if row not in made.rows("hair:texture")]
    assert torch.equal(made.data[:, others], before.data[:, others])
    assert not torch.equal(made.data, before.data)
    begun.choose([], "both", True)
    begun.preview("smile", 1.0)
    assert begun.settle().session.request.regions == ("hair:texture", "auto")


def test_other_edits_go_on_from_the_sliders_and_leave_them_at_rest(begun):
    begun.preview("smile", 1.0)
    begun.choose(["mouth"], "both", False)
    made = begun.drop(0.02, 0.0)
    assert not made.panel.turned and [r.attrs for r in made.requests] == [("smile=1",), ()]
    assert [event["method"] for event in made.latent.history] == ["interfacegan", "move"]


def test_dragging_shows_what_dropping_makes(begun):
    begun.choose(["nose"], "shape", False)
    live = begun.drag(0.05, -0.02)
    assert len(begun.history.moments) == 1
    made = begun.drop(0.05, -0.02)
    assert (live.image - made.shown.image).abs().max() < 1e-3
    assert torch.equal(made.latent.wplus().data, made.before.latent.wplus().data)
    zoomed = begun.drop(0.0, 0.0, 1.3)
    assert zoomed.session.request.zooms == ("nose=1.3",)
    assert begun.drop(0.0, 0.0) is zoomed


def test_undo_and_redo_are_exact_and_a_new_edit_forgets_what_was_undone(begun):
    start = begun.now
    begun.preview("smile", 1.0)
    smiling = begun.settle()
    begun.undo()
    assert begun.now is start and begun.panel.strength("smile") == 0 and begun.history.can_redo
    begun.redo()
    assert begun.now is smiling and begun.panel.strength("smile") == 1
    begun.go(0)
    begun.preview("hat", 1.0)
    begun.settle()
    assert [one.title[:5] for one in begun.history.moments[1:]] == ["hat +"]
    with pytest.raises(ConfigError):
        begun.go(7)


def test_undo_takes_back_a_slider_that_was_not_let_go_of(begun):
    start = begun.now
    begun.preview("smile", 1.0)
    assert begun.undo() is start and begun.redo().panel.strength("smile") == 1


def test_a_failed_edit_leaves_everything(begun):
    now = begun.now
    for call, error in ((lambda: begun.edit(EditRequest(attrs=("horns",))), UnknownName),
                        (lambda: begun.preview("horns", 1.0), UnknownName),
                        (lambda: begun.describe(" "), ConfigError),
                        (lambda: begun.set_method("horns"), UnknownName),
                        (lambda: begun.preview("smile", float("nan")), ConfigError),
                        (lambda: begun.drag(0.1, 0.1), ConfigError)):  # fmt: skip
        with pytest.raises(error):
            call()
    assert begun.now is now and begun.settle() is now


def test_another_method_starts_from_what_is_shown(begun):
    begun.preview("smile", 1.0)
    begun.set_method("styleflow", ("bald",))
    assert begun.now.session.request.method == "interfacegan" and not begun.panel.turned
    begun.preview("beard", 1.0)
    made = begun.settle()
    assert made.session.request.method == "styleflow" and made.session.request.preserve == ("bald",)
    assert [event["attr"] for event in made.latent.history] == ["smile", "beard"]


def test_words_change_the_chosen_regions_alone(begun):
    begun.choose(["hair"], "both", False)
    made = begun.edit(EditRequest(texts=("a person with purple hair",), regions=("hair",),
                                  options=("steps=2", "candidates=4")))  # fmt: skip
    rows = [row for row in range(made.latent.layout.rows) if row not in made.latent.rows("hair")]
    assert torch.equal(made.latent.data[:, rows], made.before.latent.wplus().data[:, rows])


def test_a_search_ends_at_once_when_it_is_stopped_and_leaves_the_picture(begun):
    """Also while its beginning is looked for, before the first step."""
    now, heard = begun.now, []

    def watch(what, done, total):
        heard.append(done)
        if len(heard) > 3:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        begun.describe("a person with purple hair", watch=watch)
    assert heard == [0] * 4 and begun.now is now


def test_parts_come_from_a_second_picture(begun, shipped, tmp_path):
    other = tmp_path / "other.safetensors"
    shipped.sample(1, 9).save(other)
    with pytest.raises(ConfigError, match="taken over"):
        begun.take_over(other)
    begun.choose(["hair"], "both", False)
    made = begun.take_over(other).latent
    assert torch.equal(made.data[:, list(made.rows("hair"))],
                       Latent.load(other).wplus().data[:, list(made.rows("hair"))])  # fmt: skip


def test_the_files_are_the_librarys_with_marks(begun):
    assert read_mark(begun.picture_file).source.startswith("trained")
    begun.preview("smile", 1.0)
    begun.settle()
    assert [event["attr"] for event in read_mark(begun.picture_file).history] == ["smile"]
    assert begun.strip().exists()
    with pytest.raises(LatentError, match="not inverted from a photo"):
        begun.paste()


def test_the_command_lines_give_the_same_picture(begun, tmp_path, monkeypatch):
    begun.preview("smile", 1.0)
    begun.preview("bangs", -0.5)
    begun.choose(["mouth"], "both", False)
    begun.drop(0.02, -0.01)
    begun.drop(0.0, 0.0, 1.15)
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    for line in command_lines(begun):
        words = shlex.split(line)
        assert words[0] == "semedit" and run(words[1:]) == 0
    made = sorted((here / "semedit-out").glob("*/edits/*/latent.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    own, typed = begun.now.latent, Latent.load(made[-1])
    assert torch.equal(own.data, typed.data) and own.history == typed.history
    assert begun.picture_file.read_bytes() == (made[-1].parent / "edited.png").read_bytes()


def test_the_same_seed_gives_the_same_picture_and_a_bad_one_is_refused(desk):
    first = begin_at_random(desk, 5).latent.data
    assert torch.equal(begin_at_random(desk, 5).latent.data, first)
    for seed, psi in ((-1, 0.7), (1, float("inf"))):
        with pytest.raises(ConfigError):
            begin_at_random(desk, seed, psi)


def test_a_method_without_directions_is_refused(begun, monkeypatch):
    def missing(method):
        raise MissingWeights("no directions")

    monkeypatch.setattr(begun.model, "editors", missing)
    with pytest.raises(MissingWeights):
        begun.set_method("styleflow")


def test_closing_a_desk_clears_its_files(begun):
    assert begun.folder.exists()
    begun.close()
    assert not begun.folder.exists()
