"""What the page does when somebody touches it: it asks the tab's desk, and shows what the desk then is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from semedit.editing.requests.records import Watch
from semedit.errors import ConfigError, SemeditError
from semedit.ui import views
from semedit.ui.beginning import begin_at_random, begin_with_photo, draw_example, received
from semedit.ui.commands import command_lines
from semedit.ui.desk import Desk
from semedit.ui.desks import Desks
from semedit.ui.work import Stopped

#: How often a long work tells of itself, in seconds.
PULSE = 0.25
#: How long a slider that moves waits for what is about to end, in seconds.
SETTLING = 2.0
#: What the page shows of a desk, by name, besides its sliders, in the order of all handlers' outputs.
SHOWN = ("stage", "note", "stop", "history", "undo", "redo", "regions", "part", "auto", "measures", "commands",
         "picture", "latent", "paste", "strip")  # fmt: skip
Job = Callable[[Desk, Watch], object]


@dataclass(frozen=True)
class Handlers:
    """Functions for the page's events. Outputs are SHOWN and then a slider for each of ``attributes``."""

    desks: Desks
    attributes: tuple[str, ...]

    def desk(self, request: gr.Request) -> Desk:
        """The desk of the tab that asks."""
        return self.desks.of(str(request.session_hash))

    def shown(self, desk: Desk, view: str, said: str | None = None) -> list[Any]:
        """All outputs for a desk as it is; ``said`` is a note instead of the usual one."""
        begun, edited = bool(desk.history.moments), bool(desk.history.moments and desk.now.record)
        panel, choice = desk.panel, desk.choice
        held = {
            "stage": views.stage(desk, view),
            "note": said or views.state(desk),
            "stop": gr.update(visible=False),
            "history": views.history(desk),
            "undo": gr.update(interactive=desk.history.can_undo),
            "redo": gr.update(interactive=desk.history.can_redo),
            "regions": gr.update(value=list(choice.names)),
            "part": gr.update(value=choice.part),
            "auto": gr.update(value=choice.auto),
            "measures": views.measures(desk),
            "commands": "\n".join(command_lines(desk)) if begun else "",
            "picture": gr.update(value=str(desk.picture_file) if begun else None, interactive=begun),
            "latent": gr.update(value=str(desk.now.subject.latent) if begun else None, interactive=begun),
            "paste": gr.update(interactive=edited and desk.beginning.photo),
            "strip": gr.update(interactive=edited),
        }
        return [*(held[name] for name in SHOWN), *(gr.update(value=panel.strength(a)) for a in self.attributes)]

    def some(self, **held: Any) -> list[Any]:
        """Some outputs by name; all others stay."""
        return [*(held.get(name, gr.skip()) for name in SHOWN), *(gr.skip() for _ in self.attributes)]

    def act(self, request: gr.Request, view: str, action: Callable[[Desk], object]) -> list[Any]:
        """Do something short; what is wrong is said, and the rest stays."""
        desk = self.desk(request)
        try:
            check_free(desk)
            action(desk)
        except SemeditError as error:
            return self.shown(desk, view, views.note(str(error), "error"))
        return self.shown(desk, view)

    def work(self, request: gr.Request, view: str, what: str, job: Job,
             way: list[tuple[str, Image.Image]] | None = None) -> Iterator[list[Any]]:  # fmt: skip
        """Do something long beside the page, and tell of it until its end; ``way`` are pictures shown as they come."""
        desk, seen = self.desk(request), 0
        try:
            desk.work.start(what, lambda watch: job(desk, watch))
            yield self.some(note=views.progress(desk.work.progress), stop=gr.update(visible=True))
            while not desk.work.wait(PULSE):
                held: dict[str, Any] = {"note": views.progress(desk.work.progress)}
                if way and len(way) > seen:
                    seen = len(way)
                    held["stage"] = views.way_shown(*way[-1])
                yield self.some(**held)
        except Stopped as stopped:
            yield self.shown(desk, view, views.note(f"{stopped}.", "warning"))
        except SemeditError as error:
            yield self.shown(desk, view, views.note(str(error), "error"))
        else:
            yield self.shown(desk, view)

    # Beginnings

    def load(self, request: gr.Request) -> list[Any]:
        return self.shown(self.desk(request), views.PICTURE)

    def random(self, view: str, seed: float, psi: float, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: begin_at_random(desk, whole(seed), psi))

    def photo(self, view: str, file: str | None, quick: bool, aligned: bool, face: float | None,
              request: gr.Request) -> Iterator[list[Any]]:  # fmt: skip
        way: list[tuple[str, Image.Image]] = []

        def job(desk: Desk, watch: Watch) -> None:
            if not file:
                raise ConfigError("no file came; choose a picture")
            options: dict[str, Any] = {"aligned": aligned, "quick": quick, "face": whole(face) if face else None}
            begin_with_photo(desk, Path(file), watch, lambda *one: way.append(one), **options)

        yield from self.work(request, view, "reading the photo", job, way)

    def example(self, view: str, seed: float, quick: bool, request: gr.Request) -> Iterator[list[Any]]:
        way: list[tuple[str, Image.Image]] = []

        def job(desk: Desk, watch: Watch) -> None:
            photo = draw_example(desk, whole(seed))
            begin_with_photo(desk, photo, watch, lambda *one: way.append(one), aligned=True, quick=quick)

        yield from self.work(request, view, "drawing", job, way)

    def jump_random(self, view: str, psi: float, event: gr.EventData, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: begin_at_random(desk, int(event.index) + 1, psi))

    # Regions

    def pick(self, view: str, event: gr.EventData, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.click(float(event.x), float(event.y), bool(event.more)))

    def brush(self, view: str, event: gr.EventData, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.brush([(float(x), float(y)) for x, y in event.places[:400]]))

    def choose(self, view: str, names: list[str], part: str, auto: bool, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.choose(names, part, auto))

    # Sliders

    def live(self, attr: str) -> Callable[..., Any]:
        """The handler of a slider that moves: the picture alone."""

        def moved(view: str, strength: float, request: gr.Request) -> Any:
            desk = self.desk(request)
            if not desk.work.settles(SETTLING):
                return gr.skip(), gr.skip()
            try:
                return views.stage(desk, view, desk.preview(attr, strength)), gr.skip()
            except SemeditError as error:
                return gr.skip(), views.note(str(error), "error")

        return moved

    def let_go(self, attr: str) -> Callable[..., list[Any]]:
        """The handler of a slider that was let go of."""

        def done(view: str, strength: float, request: gr.Request) -> list[Any]:
            return self.act(request, view, lambda desk: desk.turn(attr, strength))

        return done

    def rest(self, view: str, request: gr.Request) -> list[Any]:
        return self.act(request, view, Desk.rest)

    def method(self, view: str, method: str, preserve: list[str], request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.set_method(method, tuple(preserve)))

    # Words, parts, places

    def words(self, view: str, text: str, strength: float, request: gr.Request) -> Iterator[list[Any]]:
        yield from self.work(request, view, f"'{text}'", lambda desk, watch: desk.describe(text, strength, watch))

    def part(self, view: str, file: str | None, strength: float, request: gr.Request) -> Iterator[list[Any]]:
        def job(desk: Desk, watch: Watch) -> None:
            if not file:
                raise ConfigError("choose the picture that the regions are taken from")
            desk.take_over(received(desk, Path(file)), strength, watch)

        yield from self.work(request, view, "taking regions over", job)

    def pull(self, view: str, event: gr.EventData, request: gr.Request) -> Any:
        return self._pulled(view, request, float(event.right), float(event.down), 1.0)

    def stretch(self, view: str, event: gr.EventData, request: gr.Request) -> Any:
        return self._pulled(view, request, 0.0, 0.0, float(event.zoom))

    def _pulled(self, view: str, request: gr.Request, right: float, down: float, zoom: float) -> Any:
        desk = self.desk(request)
        if desk.work.busy:
            return gr.skip(), gr.skip()
        try:
            return views.stage(desk, view, desk.drag(right, down, zoom)), gr.skip()
        except SemeditError as error:
            return gr.skip(), views.note(str(error), "error")

    def release(self, view: str, event: gr.EventData, request: gr.Request) -> list[Any]:
        by = float(event.right), float(event.down), float(event.zoom)
        return self.act(request, view, lambda desk: desk.drop(*by))

    def place(self, view: str, right: float, down: float, zoom: float, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.drop(right, down, zoom))

    # The past, and results

    def look(self, view: str, request: gr.Request) -> str:
        return views.stage(self.desk(request), view)

    def undo(self, view: str, request: gr.Request) -> list[Any]:
        return self.act(request, view, Desk.undo)

    def redo(self, view: str, request: gr.Request) -> list[Any]:
        return self.act(request, view, Desk.redo)

    def jump(self, view: str, event: gr.EventData, request: gr.Request) -> list[Any]:
        return self.act(request, view, lambda desk: desk.go(int(event.index)))

    def stop(self, request: gr.Request) -> None:
        self.desk(request).work.stop()

    def close(self, request: gr.Request) -> None:
        """The tab is gone."""
        self.desks.close(str(request.session_hash))

    def file(self, request: gr.Request, make: Callable[[Desk], Path]) -> tuple[Any, str]:
        """A result that is made when it is asked for, and a note: a file, or why there is none."""
        desk = self.desk(request)
        try:
            check_free(desk)
            return str(make(desk)), views.state(desk)
        except SemeditError as error:
            return None, views.note(str(error), "error")

    def row(self, request: gr.Request) -> tuple[str, str]:
        made, said = self.file(request, Desk.strip)
        if made is None:
            return "", said
        with Image.open(made) as picture:
            return f"<div class='row-picture'><img alt='strengths' src='{views.data_uri(picture)}'></div>", said

    def pasted(self, how: str, anyway: bool, request: gr.Request) -> tuple[Any, Any, str]:
        made, said = self.file(request, lambda desk: desk.paste(how, anyway))
        return gr.update(value=made, visible=bool(made)), gr.update(value=made, interactive=bool(made)), said


def check_free(desk: Desk) -> None:
    """ConfigError while a desk is at work."""
    if desk.work.busy:
        raise ConfigError(f"still at work ({desk.work.progress.what}); wait for it, or stop it")


def whole(number: float | None) -> int:
    """A number of the page's as an integer. Raises ConfigError for one that is none."""
    if number is None or number != int(number):
        raise ConfigError(f"{number} is no whole number")
    return int(number)
