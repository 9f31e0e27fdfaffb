"""Requests carried out: from what is asked to files and records, for whoever asks (a command line, a page)."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from directions import DragConfig, Dragging, RegionMove, Study
from semedit.editing.generators import check_regions, semantic
from semedit.editing.marks import mark_of
from semedit.editing.measuring import outside
from semedit.editing.model import Model
from semedit.editing.rendering import Progress
from semedit.editing.requests.records import EditRecord, Failure, UndoRecord, Watch
from semedit.editing.requests.request import AUTO, ROWS, EditRequest, Outputs, Pasting
from semedit.editing.results import subjects, writing
from semedit.editing.results.mask import change_mask
from semedit.editing.results.points import save_points
from semedit.editing.results.subjects import Origin, Subject
from semedit.editing.sessions.chain import Chain, Step, check, describe, known, row_of, run
from semedit.editing.sessions.transfers import transfer_editor
from semedit.errors import ConfigError, OutsideDomain, SemeditError
from semedit.latents.latent import Latent
from semedit.latents.regions import WHOLE
from semedit.metrics.clip import Clip
from semedit.pictures.sheets import save_mask
from semedit.protocols import PictureEditor
from semedit.storage.atomic import write_json

#: The strengths of a strip.
STRIP = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
MEASURES = ("preservation", "perceptual", "identity")
_Code = tuple[Subject, Latent, Origin | None]


class EditSession:
    """A request on a model, ready to be carried out on any latents.

    Everything that the edits need is opened here: raises UnknownName for attributes and regions, MissingWeights for
    editors, scorers and networks that are not there, ConfigError for options. A reference picture is inverted.
    ``watch`` hears of every long step.
    """

    def __init__(self, model: Model, request: EditRequest, watch: Watch | None = None):
        self.model, self.request, self.watch = model, request, watch
        for text in request.places:
            if text not in (None, AUTO):
                self._check_regions(model, str(text))
        self.clip = Clip.open(request.clip, request.clip_weights) if request.clip else None
        self.reference = self._reference(request.reference) if request.reference else None
        self.steps = self.steps_for(model)
        check(model, self.steps)

    def steps_for(self, model: Model) -> list[Step]:
        """The edits for a model: the session's own, or one that is tuned to a picture."""
        request, made = self.request, []
        for (name, strength), regions in zip(request.edits, request.places, strict=False):
            editor = model.editor(name, request.method, request.preserve)
            if regions == AUTO:
                regions = model.auto_regions(name, request.method)
            chosen = regions or str(model.editors(request.method)[name].regions_)
            made.append(Step(editor, request.method, chosen, strength, attr=name, target=request.target))
        for prompt, regions in zip(request.texts, request.places, strict=False):
            words = model.text_editor(prompt, self.clip, list(request.options), self._progress(f"'{prompt}'"))
            made.append(Step(words, "styleclip", regions or "all", request.strength, text=prompt, clip=words.clip))
        if self.reference is not None:
            chosen = str(request.regions[0])
            taken = transfer_editor(model, self.reference, chosen, request.transfer, request.options)
            method = "transfer" if request.transfer == ROWS else request.transfer
            made.append(Step(taken, method, chosen, request.strength, reference=request.reference))
        if request.placings and any(isinstance(step.editor, PictureEditor) for step in made):
            raise ConfigError(f"what {request.transfer} takes over is a picture: no region of its code can be moved")
        for names, right, down, zoom in request.placings:
            mover = RegionMove(semantic(model.generator, "moving them"), right, down, zoom, names)
            made.append(Step(mover, RegionMove.method, names, moved=(right, down, zoom)))
        if request.dragged:
            config = DragConfig().with_overrides(list(request.options))
            handles, targets = zip(*request.dragged, strict=True)
            chosen = request.places[0] or WHOLE
            puller = Dragging(model.generator, handles, targets, chosen, config, self._progress("dragging"))
            made.append(Step(puller, Dragging.method, chosen, request.strength))
        for step in made:
            self._check_regions(model, step.regions)
        return made

    def _check_regions(self, model: Model, text: str) -> None:
        """Raises UnknownName or ConfigError for regions that cannot be edited alone; methods of taking over that are
        learnt, or blend in space, tell regions where the generator does not."""
        if self.request.reference and self.request.transfer != ROWS:
            model.domain.regions.select(text)
        else:
            check_regions(model.generator, model.domain.regions, text)

    def choices(self) -> list[tuple[str, Study]]:
        """For each attribute whose regions were chosen by measuring: its name, and what was measured."""
        pairs = zip(self.request.edits, self.request.places, strict=False)
        editors = self.model.editors(self.request.method) if self.request.edits else {}
        studies = [(name, editors[name].study_) for (name, _), regions in pairs if regions == AUTO]
        return [(name, study) for name, study in studies if study is not None]

    def edit(self, named: Iterable[Subject], *, batch: int = 16, outputs: Outputs | None = None
             ) -> Iterator[EditRecord | Failure]:  # fmt: skip
        """Edit the latents of ``named``, up to ``batch`` at once, and write each one's results into its folder.

        ``outputs`` are wanted besides. Latents that cannot be edited give a Failure, and so do those that are to be
        pasted into a photo outside the model's domain, unless ``outputs.paste.anyway``.
        """
        outputs, named = outputs or Outputs(), list(named)
        done, total = 0, sum(subjects.count_of(subject) for subject in named)
        for group in self._groups(named, batch, outputs.paste):
            if isinstance(group, Failure):
                yield group
                continue
            try:
                yield from self._group(group, outputs, self._editing(done, len(group), total))
            except SemeditError as error:
                yield from (Failure(str(subject.latent), error) for subject, *_ in group)
            done += len(group)

    def _origin(self, subject: Subject, latent: Latent, paste: Pasting | None) -> Origin | None:
        """The photo to paste into, if that is asked for. Raises OutsideDomain."""
        if paste is None:
            return None
        found = subjects.origin(latent, subject.latent, paste.photo)
        psnr = subjects.reconstruction_psnr(latent, subject.latent)
        if psnr is not None and outside.is_outside(self.model, psnr) and not paste.anyway:
            raise OutsideDomain(
                f"{found.photo}: not pasted back. {outside.warning(self.model, psnr)} --anyway pastes it all the same"
            )
        return found

    def _editing(self, before: int, count: int, total: int) -> Progress:
        """Hears of the steps of a group of ``count`` pictures, of which ``before`` are done and ``total`` are to be."""

        def progress(step: int, steps: int) -> None:
            if self.watch:
                self.watch("editing", before * steps + step * count, total * steps)

        progress(0, 1)
        return progress

    def _groups(self, named: Iterable[Subject], batch: int, paste: Pasting | None
                ) -> Iterator[list[_Code] | Failure]:  # fmt: skip
        """What is edited at once, as it comes: up to ``batch`` codes, or one that is searched for or has a generator
        of its own."""
        plain: list[_Code] = []
        for subject in named:
            try:
                for one, latent in subjects.codes_of(subject, self.model.generator):
                    origin = self._origin(one, latent, paste)
                    if "tuned" in latent.metadata or self.request.target is not None:
                        yield [(one, latent, origin)]
                        continue
                    plain.append((one, latent, origin))
                    if len(plain) == batch:
                        yield plain
                        plain = []
            except SemeditError as error:
                yield Failure(str(subject.latent), error)
        if plain:
            yield plain

    def _group(self, group: list[_Code], outputs: Outputs, progress: Progress) -> Iterator[EditRecord | Failure]:
        """Edit several codes at once, and write each one's results; one that cannot be written fails alone."""
        model = subjects.model_of(self.model, group[0][1], group[0][0].latent)
        steps = self.steps if model is self.model else self.steps_for(model)
        chain = run(model, Latent.cat([latent for _, latent, _ in group]), steps, progress)
        for index, code in enumerate(group):
            try:
                yield self._written(model, steps, chain, index, code, outputs)
            except SemeditError as error:
                yield Failure(str(code[0].latent), error)

    def _written(self, model: Model, steps: list[Step], chain: Chain, index: int, code: _Code,
                 outputs: Outputs) -> EditRecord:  # fmt: skip
        """Write the results of one code of a chain."""
        subject, before, origin = code
        after, whole = chain.latents[-1][index], chain.whole[index]
        subject.settle()
        folder = writing.edit_folder(subject, after)
        after = writing.placed(after, before, subject.latent, folder)
        files, mark = writing.save_edit(folder, after, whole.before, whole.after, model), mark_of(model, after)
        if len(steps) > 1:
            pictures = [state[slice(index, index + 1)].image for state in chain.pictures]
            files["row"] = writing.save_row(pictures, folder / "row.png", mark)
        if isinstance(steps[-1].editor, Dragging):
            files["points"] = save_points(folder / "points.png", whole.before.image, whole.after.image, after, mark)
        if outputs.mask:
            files["mask"] = str(folder / "mask.png")
            table = model.generator.label_table
            save_mask(change_mask(whole.before, whole.after, after, table)[0], files["mask"])
        if origin:
            files |= writing.save_pasted(folder, model, origin, after, whole.after, outputs)
        if outputs.strip:
            last = chain.latents[-2][index]
            files["strip"] = writing.save_row(row_of(model, steps[-1], last, STRIP), folder / "strip.png", mark)
        psnr = subjects.reconstruction_psnr(after, subject.latent)
        done = describe(chain, steps, index)
        measured = {name: getattr(whole, name).item() for name in MEASURES}
        record = EditRecord(
            input=subject.source,
            folder=folder,
            files=files,
            steps=done,
            protocols={**whole.protocols, **done[0].protocols},
            perceptual_optimised=known(whole.perceptual_optimised),
            inside_share=known(whole.inside_share),
            reconstruction_psnr=psnr,
            outside=outside.warning(model, psnr) if psnr is not None and outside.is_outside(model, psnr) else None,
            **measured,
        )
        write_json(folder / subjects.MANIFEST, {**record.to_json(), **self._made(after)})
        return record

    def _made(self, after: Latent) -> dict[str, Any]:
        """What a manifest says besides the record: what was asked for, all edits that led here, and when."""
        return {"request": self.request.to_json(), "history": list(after.history), "made_ns": time.time_ns()}

    def _reference(self, source: str) -> Latent:
        """The code of a latent file or a picture. Raises LatentError for another generator's."""
        if source.endswith(".safetensors"):
            found = Latent.load(source)
            self.model.generator.check(found)
        else:
            found = self.model.invert(source, progress=self._progress(f"inverting {Path(source).name}")).latent
        return found.annotated(source=Path(source).stem)

    def _progress(self, what: str) -> Progress | None:
        watch = self.watch
        return (lambda done, total: watch(what, done, total)) if watch else None


def take_back(model: Model, subject: Subject, edits: int = 1) -> UndoRecord:
    """Take the last edits of a latent back, bit for bit, and write what was before them beside the other edits.

    Raises LatentError for more edits than are known, or a latent of another generator.
    """
    edited = Latent.load(subject.latent)
    before = edited.undo(edits)
    model = subjects.model_of(model, edited, subject.latent)
    model.generator.check(before)
    folder = writing.edit_folder(subject, before)
    subject.settle()
    before = writing.placed(before, edited, subject.latent, folder)
    files = writing.save_edit(folder, before, model.synthesise(edited), model.synthesise(before), model)
    left = tuple(str(event.get("attr") or event.get("text") or event.get("method")) for event in before.history)
    record = UndoRecord(str(subject.latent), folder, tuple(edited.history[len(before.history) :]), left, files)
    more = {"history": list(before.history), "made_ns": time.time_ns()}
    write_json(folder / subjects.MANIFEST, {**record.to_json(), **more})
    return record
