"""What is shown of a desk: pictures as data, texts that cannot become markup, sliders that become requests."""

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from semedit.editing.requests.request import EditRequest
from semedit.errors import ConfigError
from semedit.ui import views
from semedit.ui.commands import options
from semedit.ui.moments import Beginning
from semedit.ui.panel import FARTHEST, SliderPanel
from semedit.ui.work import Progress

HOSTILE = "<img src=x onerror=alert(1)>'\""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5)), max_size=8))
def test_sliders_are_where_they_were_put_last(moves):
    panel = SliderPanel()
    for attr, strength in moves:
        panel = panel.turn(attr, strength)
        assert panel.strength(attr) == round(max(-FARTHEST, min(FARTHEST, strength)), 4)
    assert len(panel.turned) == len({one.attr for one in panel.turned}) and all(one.strength for one in panel.turned)
    assert not panel.rested().turned


def test_a_slider_takes_numbers_alone():
    with pytest.raises(ConfigError):
        SliderPanel().turn("smile", float("inf"))


def test_pictures_are_exact_data():
    image = Image.effect_noise((16, 16), 80).convert("RGB")
    uri = views.data_uri(image)
    assert uri.startswith("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as read:
        assert read.tobytes() == image.tobytes()


def test_no_text_becomes_markup(begun):
    begun.beginning = Beginning(HOSTILE, (), warning="")
    shown = [views.note(HOSTILE), views.state(begun), views.strip([(HOSTILE, "data:")]),
             views.summary({HOSTILE: HOSTILE}), views.progress(Progress(HOSTILE, 1, 2, 0.5)),
             views.way_shown(HOSTILE, Image.new("RGB", (8, 8)))]  # fmt: skip
    for markup in shown:
        assert "<img src=x" not in markup and "&lt;img src=x" in markup


def test_every_way_of_looking_shows_something_else(begun):
    begun.preview("smile", 1.5)
    begun.settle()
    assert len({views.stage(begun, view) for view in views.VIEWS}) == len(views.VIEWS)
    assert "stage-outline" not in views.stage(begun)
    begun.choose(["mouth"], "both", False)
    assert "stage-outline" in views.stage(begun) and "data-chosen='1'" in views.stage(begun)
    assert "smile: score" in views.measures(begun) and views.history(begun).count("<button") == 2


@pytest.mark.parametrize("request_", [
    EditRequest(attrs=("smile=1.5", "bald=-1"), regions=("mouth", "hair:shape"), preserve=("hat", "beard")),
    EditRequest(texts=("it's \"red\" hair; $(rm)",), regions=("hair",), strength=-0.5, options=("steps=3",)),
    EditRequest(attrs=("smile",), method="styleflow"), EditRequest(reference="other.png", regions=("hair:texture",)),
    EditRequest(moves=("mouth,nose=-0.02,0.01",), zooms=("eyes=1.1",)),
])  # fmt: skip
def test_options_ask_for_the_request_they_are_of(request_, monkeypatch):
    """The command line reads out of them what was put in."""
    import shlex

    import typer

    from semedit.cli.main import build

    command = typer.main.get_command(build()).commands["edit"]
    words = shlex.split(shlex.join(options(request_)))
    given_ = command.make_context("edit", words).params
    back = EditRequest(
        attrs=tuple(given_["attr"] or ()), texts=tuple(given_["text"] or ()), reference=given_["from_image"],
        moves=tuple(given_["move"] or ()), zooms=tuple(given_["zoom"] or ()), regions=tuple(given_["regions"] or ()),
        strength=given_["strength"], method=given_["method"], options=tuple(given_["set_"] or ()),
        preserve=tuple(filter(None, given_["preserve"].split(","))),
    )  # fmt: skip
    assert back == request_
