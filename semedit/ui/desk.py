"""A desk: one person at work on one picture. It asks the library for edits and remembers the way; it decides nothing.

What the page shows is all here, without a line of the page's own: the picture and its past, the chosen regions, the
sliders. Every edit is an :class:`EditRequest` that an :class:`EditSession` carries out in the desk's own folder, whose
files are what is downloaded.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from threading import RLock

from torch import Tensor

from semedit.editing.measuring.table import title
from semedit.editing.model import Model
from semedit.editing.requests.records import EditRecord, Failure, Watch
from semedit.editing.requests.request import AUTO, METHOD, EditRequest, Outputs, Pasting
from semedit.editing.results.subjects import subject_of
from semedit.editing.sessions.session import EditSession
from semedit.errors import ConfigError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.regions import PARTS
from semedit.networks.synthesis import Rendering
from semedit.ui.choice import Choice, region_at
from semedit.ui.live import Live
from semedit.ui.moments import Beginning, History, Moment, Shown
from semedit.ui.panel import SliderPanel
from semedit.ui.work import Work


class Desk:
    """One person's work on pictures of ``model``, with files below ``folder``, which the desk clears away at its end.

    ``asked`` is what commands call the model. Calls raise SemeditError for whatever cannot be done; the desk then stays
    as it was.
    """

    def __init__(self, model: Model, folder: Path, asked: str = ""):
        self.model, self.folder, self.asked = model, folder, asked or model.name
        self.out = folder / "semedit-out"
        self.history, self.work = History(), Work()
        self.choice = Choice(model.domain.regions)
        self.beginning = Beginning("", ())
        self.pending: SliderPanel | None = None
        self._live = Live(model)
        self._lock = RLock()

    @property
    def now(self) -> Moment:
        """Raises ConfigError where nothing has begun."""
        return self.history.now

    @property
    def panel(self) -> SliderPanel:
        """The sliders as they stand, moved or not yet carried out."""
        return self.pending or (self.history.now.panel if self.history.moments else SliderPanel())

    def begin(self, beginning: Beginning, moment: Moment) -> None:
        """Start with another picture; the sliders keep their method."""
        with self._lock:
            panel = self.panel.rested()
            self.beginning, self.pending = beginning, None
            self.history.begin(moment.with_panel(panel))

    # Regions

    def click(self, x: float, y: float, more: bool = False) -> str:
        """Choose the region at a place in shares of the picture's sides; its name. ``more`` keeps the others."""
        labels = self._labels()
        name = region_at(labels, self.model.domain.regions, x, y)
        self.choice = self.choice.clicked(name, more)
        return name

    def brush(self, places: list[tuple[float, float]]) -> None:
        """Choose all regions that a line of places touches, besides those that are chosen."""
        labels, table = self._labels(), self.model.domain.regions
        self.choice = self.choice.of({*self.choice.names, *(region_at(labels, table, x, y) for x, y in places)})

    def choose(self, names: list[str], part: str, auto: bool) -> None:
        """Choose regions by name, whole or in a part. Raises UnknownName."""
        if part not in PARTS:
            raise UnknownName("part of a region", part, PARTS)
        self.choice = replace(self.choice.of(set(names)), part=part, auto=auto)

    def _labels(self) -> Tensor:
        labels = self.now.shown.labels
        if labels is None:
            raise ConfigError("this model knows no regions; its edits change the whole picture")
        return labels[0]

    @property
    def regions(self) -> str | None:
        """Where an attribute is edited: in the chosen regions, where it chooses, or None, where it is its own."""
        return AUTO if self.choice.auto else self.choice.text

    # Sliders

    def preview(self, attr: str, strength: float) -> Rendering:
        """The picture with one slider moved; nothing is written until :meth:`settle`."""
        with self._lock:
            base = self.now.base
            panel = self.panel.turn(attr, strength, self._regions_of(attr, strength))
            shown = self._live.show(self._live.panel(base.latent, panel))
            self.pending = panel
            return shown

    def turn(self, attr: str, strength: float) -> Moment:
        """Leave one slider where it was let go of, and carry it out."""
        with self._lock:
            self.model.editors(self.panel.method)[attr]
            self.pending = self.panel.turn(attr, strength, self._regions_of(attr, strength))
            return self.settle()

    def _regions_of(self, attr: str, strength: float) -> str | None:
        """Where a slider edits: where it did so, if it has not moved since, or else in the regions that are chosen."""
        kept = next((one for one in self.panel.turned if one.attr == attr), None)
        return kept.regions if kept and kept.strength == round(strength, 4) else self.regions

    def settle(self) -> Moment:
        """Carry out what the sliders ask for, if they were moved."""
        with self._lock:
            panel, now = self.pending, self.now
            self.pending = None
            if panel is None or panel == now.panel:
                return now
            if panel.turned:
                self._carry_out(panel.request(self.model), now.base, panel)
            else:
                self.history.add(now.base.with_panel(panel))
            return self.now

    def rest(self) -> Moment:
        """All sliders back to 0."""
        with self._lock:
            self.pending = self.panel.rested()
            return self.settle()

    def set_method(self, method: str = METHOD, preserve: tuple[str, ...] = ()) -> None:
        """How sliders edit from here on, and what they hold: they go to 0, on what is shown now.

        Raises UnknownName or MissingWeights for a method that the model does not have.
        """
        with self._lock:
            editors = self.model.editors(method)
            for name in preserve:
                editors[name]
            panel = SliderPanel(method, preserve)
            if not self.history.moments:
                self.pending = panel
            elif (self.panel.method, self.panel.preserve) != (method, preserve):
                self.settle()
                self.history.moments[self.history.at] = self.now.with_panel(panel)

    # Other edits

    def edit(self, request: EditRequest, watch: Watch | None = None) -> Moment:
        """Carry out any request on what is shown now."""
        with self._lock:
            now = self.settle()
            return self._carry_out(request, now, now.panel.rested(), watch)

    def describe(self, text: str, strength: float = 1.0, watch: Watch | None = None) -> Moment:
        """Edit towards words, in the chosen regions, or in all."""
        if not text.strip():
            raise ConfigError("say what the picture should show, such as: a person with purple hair")
        return self.edit(EditRequest(texts=(text.strip(),), strength=strength, regions=self._chosen()), watch)

    def take_over(self, file: Path, strength: float = 1.0, watch: Watch | None = None) -> Moment:
        """Take the chosen regions over from another picture, or latent."""
        if not self._chosen():
            raise ConfigError("choose the regions that are to be taken over: click on them")
        return self.edit(EditRequest(reference=str(file), strength=strength, regions=self._chosen()), watch)

    def _chosen(self) -> tuple[str, ...]:
        return (self.choice.text,) if self.choice.text else ()

    def drag(self, right: float, down: float, zoom: float = 1.0) -> Rendering:
        """The picture with the chosen regions elsewhere, by shares of its side; nothing is written until they are
        dropped."""
        with self._lock:
            start = self._shown()
            return self._live.show(self._live.moved(start, self.choice.movable, right, down, zoom))

    def drop(self, right: float, down: float, zoom: float = 1.0) -> Moment:
        """Move and zoom the chosen regions."""
        regions, right, down, zoom = self.choice.movable, round(right, 4), round(down, 4), round(zoom, 4)
        moves = (f"{regions}={right:g},{down:g}",) if right or down else ()
        zooms = (f"{regions}={zoom:g}",) if zoom != 1 else ()
        return self.edit(EditRequest(moves=moves, zooms=zooms)) if moves or zooms else self.settle()

    def _shown(self) -> Latent:
        """The code of what is shown now, sliders that are not carried out yet included."""
        return self._live.panel(self.now.base.latent, self.pending) if self.pending else self.now.latent

    def _carry_out(
        self, request: EditRequest, before: Moment, panel: SliderPanel, watch: Watch | None = None
    ) -> Moment:
        """Ask the library for an edit of ``before``, which becomes the latest moment. Raises what it raises."""
        session = EditSession(self.model, request, watch)
        record = only(session, before, Outputs())
        subject = subject_of(Path(record.files["latent"]), self.out, set())
        latent = Latent.load(subject.latent)
        moment = Moment(
            title(record), subject, latent, Shown.of(self._live.show(latent)), panel, before, session, record
        )
        self.history.add(moment)
        return moment

    # The past

    def undo(self) -> Moment:
        """Show the moment before. Raises ConfigError where there is none."""
        with self._lock:
            self.settle()
            return self.go(self.history.at - 1)

    def redo(self) -> Moment:
        """Show the moment that was undone last. Raises ConfigError where there is none."""
        return self.go(self.history.at + 1)

    def go(self, index: int) -> Moment:
        """Show a moment of the past, or what was undone. Raises ConfigError for one that is not there."""
        with self._lock:
            self.pending = None
            self.history.go(index)
            return self.now

    # Results

    def further(self, outputs: Outputs) -> EditRecord:
        """The last edit once more, with other outputs besides: a row of strengths, a mask, the photo.

        Raises ConfigError where nothing was edited, LatentError without a photo, OutsideDomain.
        """
        with self._lock:
            now = self.settle()
            if now.session is None or now.before is None:
                raise ConfigError("edit the picture first")
            return only(now.session, now.before, outputs)

    def strip(self) -> Path:
        """A row of strengths of the last edit."""
        return Path(self.further(Outputs(strip=True)).files["strip"])

    def paste(self, how: str = Pasting.how, anyway: bool = False) -> Path:
        """The photo with all edits in it."""
        return Path(self.further(Outputs(paste=Pasting(how=how, anyway=anyway))).files["pasted"])

    @property
    def picture_file(self) -> Path:
        """The picture shown now, as a file with its mark."""
        now = self.now
        name = now.record.files["image"] if now.record else now.subject.latent.with_suffix(".png")
        beside = now.subject.latent.parent / "reconstruction.png"
        return beside if not now.record and beside.exists() else Path(name)

    def close(self) -> None:
        """End all work of this desk, and clear its files away as soon as nothing writes there."""
        self.work.close()
        with self._lock:
            shutil.rmtree(self.folder, ignore_errors=True)


def only(session: EditSession, moment: Moment, outputs: Outputs) -> EditRecord:
    """The record of editing one picture. Raises its failure."""
    (done,) = session.edit([moment.subject], outputs=outputs)
    if isinstance(done, Failure):
        raise done.error
    return done
