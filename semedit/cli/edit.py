"""``semedit edit`` and ``semedit undo``: change chosen regions by attributes, words or parts, and take it back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    OutOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    number,
    progress_bar,
)

if TYPE_CHECKING:
    from semedit.editing.chain import Step
    from semedit.editing.model import Model
    from semedit.editing.subjects import Origin, Subject
    from semedit.latents.latent import Latent
    from semedit.metrics.clip import Clip

    _Code = tuple[Subject, Latent, Origin | None]

MEASURES = ("inside_share", "preservation", "perceptual", "identity")
STRIP = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


def edit(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, latents, folders of either, or globs; the latest inversion if left out."),
    ] = None,
    attr: Annotated[
        list[str] | None,
        typer.Option(help="The attribute to change, or NAME=STRENGTH. Several are applied one after the other."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Instead: what the picture should show. Several are applied one after the other."),
    ] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option(
            help="Regions or groups, comma separated, each with :shape or :texture; 'all' is unmasked; 'auto' the "
            "fewest that keep 90 % of the gain. Once for all edits, or once for each."
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option(help="How far; 1 is a clear change, negative removes, 0 changes nothing.")
    ] = 1.0,
    to: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead: the score that the attribute should come to.")
    ] = None,
    from_image: Annotated[
        str | None, typer.Option(help="Instead of --attr: take --regions over from this picture or latent.")
    ] = None,
    preserve: Annotated[str, typer.Option(help="Attributes to keep as they are, comma separated.")] = "",
    mean: Annotated[bool, typer.Option("--mean", help="Edit the model's mean picture.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on from the latest edit.")] = False,
    paste: Annotated[
        bool, typer.Option("--paste-back", help="Also put the edited crop back into the full photo: pasted.png.")
    ] = False,
    photo: Annotated[str | None, typer.Option(help="The photo for --paste-back, if its file has moved.")] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Also write a row of strengths from -1 to 1.5.")] = False,
    model: ModelOption = "portraits",
    method: Annotated[str, typer.Option(help="How attributes are edited: interfacegan or styleflow.")] = "interfacegan",
    editors: Annotated[
        str | None, typer.Option("--editors", help="A file of 'fit directions' or 'fit flow', not the model's own.")
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(help="For --text: an open_clip model, or a file of 'fit clip' (default: own)."),
    ] = None,
    clip_weights: Annotated[str | None, typer.Option(help="Weights of --clip: a file, or open_clip's tag.")] = None,
    set_: SetOption = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures edited at once.")] = 16,
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Edit pictures, latents or the latest inversion; writes OUT/<name>/edits/<edit>/ for each."""
    import torch

    from semedit.editing import subjects
    from semedit.editing.loading import load
    from semedit.errors import ConfigError, SemeditError
    from semedit.metrics.clip import Clip
    from semedit.storage.atomic import make_folder

    if sum((bool(attr), bool(text), bool(from_image))) > 1:
        raise ConfigError("--attr, --text and --from-image are three kinds of edit; give one of them")
    if sum((bool(source), mean, go_on)) > 1:
        raise ConfigError("a SOURCE, --mean and --continue are three places to start from; give one of them")
    torch.manual_seed(seed)
    folder = make_folder(out)
    loaded = load(model, editors={method: editors} if editors else None).to(check_device(device))
    report = Report(json)
    asked = _Asked(
        [] if text or from_image else attr or ["smile"], text or [], regions or [], strength, to, preserve, method,
        Clip.open(clip, clip_weights) if clip else None, set_ or [],
    )  # fmt: skip
    if from_image:
        asked.transfer_from(loaded, from_image, json)
    steps = asked.steps(loaded)
    if regions == ["auto"]:
        _show_choice(report, loaded, asked)
    if mean:
        named = [subjects.mean_subject(loaded, folder)]
    elif go_on:
        named = [subjects.latest_edit(folder)]
    elif source:
        named = _subjects(report, loaded, source, folder)
    else:
        named = [subjects.latest(folder)]
    plain: list[_Code] = []
    alone: list[_Code] = []
    for subject in named:
        try:
            codes = subjects.codes_of(subject, loaded.generator)
            source_photo = Path(photo) if photo else None
            origins = [subjects.origin(code, one.latent, source_photo) if paste else None for one, code in codes]
        except SemeditError as error:
            report.fail(str(subject.latent), error)
            continue
        for (one, latent), origin in zip(codes, origins, strict=True):
            joined = not latent.history and "tuned" not in latent.metadata and to is None
            (plain if joined else alone).append((one, latent, origin))
    groups = [plain[i : i + batch] for i in range(0, len(plain), batch)] + [[one] for one in alone]
    for group in groups:
        try:
            own = subjects.model_of(loaded, group[0][1], group[0][0].latent)
            chosen = steps if own is loaded else asked.steps(own)
            _edit_group(report, own, group, chosen, strip)
        except SemeditError as error:
            for subject, *_ in group:
                report.fail(str(subject.latent), error)
    if len(report.results) + len(report.failed) > 1:
        report.say(f"{len(report.results)} edited, {len(report.failed)} failed")
    report.finish()


class _Asked:
    """What a command line asks for, to be made into steps for a model (or one tuned to a picture)."""

    def __init__(self, attrs: list[str], texts: list[str], regions: list[str], strength: float, target: float | None,
                 preserve: str, method: str, clip: "Clip | None", overrides: list[str]):  # fmt: skip
        from semedit.errors import ConfigError

        self.edits: list[tuple[str, float]] = []
        for item in attrs:
            name, equals, value = item.partition("=")
            try:
                self.edits.append((name.strip(), float(value) if equals else strength))
            except ValueError:
                raise ConfigError(f"--attr '{item}': after the equals sign stands a strength, such as 1.5") from None
        if target is not None and not attrs:
            raise ConfigError("--to asks for an attribute's score; it goes with --attr")
        self.texts, self.target, self.method, self.clip, self.overrides = texts, target, method, clip, overrides
        self.strength, self.preserve = strength, tuple(n.strip() for n in preserve.split(",") if n.strip())
        count = len(attrs) or len(texts) or 1
        if len(regions) not in (0, 1, count):
            raise ConfigError(f"{len(regions)} --regions for {count} edits; give one for all, or one for each")
        given: list[str | None] = [*regions] if regions else [None]
        self.regions = given * (count if len(given) == 1 else 1)
        self.reference: Latent | None = None

    def transfer_from(self, model: "Model", source: str, quiet: bool) -> None:
        """Ask for a transfer from a picture or a latent."""
        from semedit.errors import ConfigError
        from semedit.latents.latent import Latent

        if self.regions[0] in (None, "auto"):
            raise ConfigError("--from-image needs --regions: what is taken over, such as hair, hair:texture or pose")
        if source.endswith(".safetensors"):
            reference = Latent.load(source)
            model.generator.check(reference)
        else:
            with progress_bar(f"inverting {Path(source).name}", quiet) as progress:
                reference = model.invert(source, progress=progress).latent
        self.reference, self.source = reference.annotated(source=Path(source).stem), source

    def steps(self, model: "Model") -> "list[Step]":
        """The edits for a model. Raises what its editors raise for names that they do not know."""
        from directions import RegionTransfer
        from semedit.editing.chain import Step
        from semedit.errors import ConfigError

        made = []
        for (name, strength), regions in zip(self.edits, self.regions, strict=False):
            editor = model.editor(name, self.method, self.preserve)
            if regions == "auto":
                regions = model.auto_regions(name, self.method)
            chosen = regions or str(model.editors(self.method)[name].regions_)
            made.append(Step(editor, self.method, chosen, strength, attr=name, target=self.target))
        for prompt, regions in zip(self.texts, self.regions, strict=False):
            if regions == "auto":
                raise ConfigError("--regions auto is measured for attributes; name the regions of a text")
            editor = model.text_editor(prompt, self.clip, self.overrides)
            made.append(Step(editor, "styleclip", regions or "all", self.strength, text=prompt, clip=editor.clip))
        if self.reference is not None:
            chosen = str(self.regions[0])
            editor = RegionTransfer(self.reference, chosen)
            made.append(Step(editor, "transfer", chosen, self.strength, reference=self.source))
        for step in made:
            model.domain.regions.select(step.regions)
        return made


def _subjects(report: Report, model: "Model", sources: list[str], out: Path) -> "list[Subject]":
    """The latents to edit: those named, and inversions, made now, of the pictures."""
    from semedit.editing.output import save_inversion
    from semedit.editing.subjects import Subject, find_sources, subject_folder, subject_of
    from semedit.errors import SemeditError

    found, taken = [], set[Path]()
    for path in find_sources(sources):
        if path.suffix == ".safetensors":
            found.append(subject_of(path, out, taken))
            continue
        try:
            with progress_bar(f"inverting {path.name}", report.as_json) as progress:
                inversion = model.invert(path, progress=progress)
        except SemeditError as error:
            report.fail(str(path), error)
            continue
        folder = subject_folder(out, path, taken)
        save_inversion(folder, path, inversion, model.generator)
        found.append(Subject(folder, folder / "latent.safetensors", str(path)))
    return found


def _edit_group(report: Report, model: "Model", group: "list[_Code]", steps: "list[Step]", strip: bool) -> None:
    """Edit several codes at once, and write each one's results."""
    from semedit.editing import output, subjects
    from semedit.editing.chain import describe, run
    from semedit.latents.latent import Latent
    from semedit.storage.atomic import write_json

    latents = [latent for _, latent, _ in group]
    with progress_bar("editing", report.as_json or not any(step.text for step in steps)):
        chain = run(model, latents[0] if len(latents) == 1 else Latent.cat(latents), steps)
    for index, (subject, before, origin) in enumerate(group):
        after = chain.latents[-1] if len(group) == 1 else chain.latents[-1].rejoin(before, index)
        report_of = chain.whole[index]
        target = output.edit_folder(subject, after)
        after = output.placed(after, subject.latent, target)
        paths = output.save_edit(target, after, report_of.before, report_of.after, model.generator.regions)
        if len(steps) > 1:
            pictures = [state[slice(index, index + 1)].image for state in chain.pictures]
            paths["row"] = output.save_row(pictures, target / "row.png")
        if origin:
            paths["pasted"] = output.save_pasted(model, origin, report_of.after.image[0], target / "pasted.png")
        if strip:
            last = chain.latents[-2][index] if len(group) > 1 else chain.latents[-2]
            row = [model.synthesise(steps[-1].editor.edit(last, s, steps[-1].regions)).image for s in STRIP]
            paths["strip"] = output.save_row(row, target / "strip.png")
        done = describe(chain, steps, index)
        one = done[0] if len(done) == 1 else {}
        record = {
            "input": subject.source,
            "attr": one.get("attr"),
            "text": one.get("text"),
            "method": done[0]["method"],
            "reference": done[0]["reference"],
            "strength": one.get("strength"),
            "regions": ",".join(dict.fromkeys(step.regions for step in steps)),
            "score_before": one.get("score_before"),
            "score_after": one.get("score_after"),
            **paths,
            **{key: getattr(report_of, key).item() for key in MEASURES},
            "steps": done,
            "protocols": chain.reports[0].protocols | {"clip": steps[0].clip.protocol if steps[0].clip else None},
        }
        write_json(target / subjects.MANIFEST, record)
        report.add(**record)
        _show(report, record, target)


def _show(report: Report, record: dict[str, Any], target: Path) -> None:
    """The small table of an edit, and a line for each step that did nothing, or fell short of its target."""
    steps, protocols = record["steps"], record["protocols"]
    names = [
        f"{s['attr'] or s['text'] or 'transfer'} {s['strength']:+.3g} in {s['regions']}".strip() for s in steps
    ]  # fmt: skip
    report.say(f"{', then '.join(names)} -> {target}")
    rows = []
    for step in steps:
        if step["score_before"] is not None:
            rows.append([f"{step['attr']}: score", f"{number(step['score_before'])} -> {number(step['score_after'])}"])
        if step["text"]:
            label = f"'{step['text']}': cosine"
            rows.append([label, f"{number(step['clip_before'])} -> {number(step['clip_after'])}"])
        if step["text"] and step["property"]:
            chances = f"{number(step['probability_before'])} -> {number(step['probability_after'])}"
            rows.append([f"  its {step['property']}: zero-shot probability", chances])
    rows += [
        ["change inside the regions", f"{100 * record['inside_share']:.0f} %"],
        ["preservation (1 - l1)", number(record["preservation"])],
        [f"perceptual distance ({protocols['perceptual']})", number(record["perceptual"])],
        [f"identity ({protocols['identity']})", number(record["identity"])],
    ]
    report.table(["measure", "value"], rows)
    for step in steps:
        what = step["attr"] or step["text"]
        if step.get("stopped") == "identity":
            report.say(f"'{what}' was stopped by its identity budget.")
        if step["target"] is not None and abs(step["score_after"] - step["target"]) > 0.05:
            report.say(f"'{what}' came to {number(step['score_after'])}, not to {step['target']}, in these --regions.")
        elif step["strength"] and step["measurable"] is False:
            report.say(f"No measurable change of '{what}'; try a larger --strength or more --regions.")


def _show_choice(report: Report, model: "Model", asked: _Asked) -> None:
    """The table behind --regions auto."""
    for name, _ in asked.edits:
        study = model.editors(asked.method)[name].study_
        rows = [
            [e.regions if len(e.regions) < 40 else "all regions", number(e.gain), number(e.unrelated), number(e.change)]
            for e in study.auto_table
            if abs(e.gain) >= 0.005 or e is study.auto_table[-1]
        ]
        columns = ["regions", "gain", "other attributes", "pixels"]
        report.table(columns, rows, title=f"{name}: {study.auto_regions} keeps 90 % of the gain of all regions")


def undo(
    source: Annotated[str | None, typer.Argument(help="An edited latent; the latest edit in OUT if left out.")] = None,
    edits: Annotated[int, typer.Option("--edits", min=1, help="How many edits to take back.")] = 1,
    model: ModelOption = "portraits",
    out: OutOption = "semedit-out",
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Take the last edit of a latent back, bit for bit; writes what was before it beside the other edits."""
    from semedit.editing import output, subjects
    from semedit.editing.loading import load
    from semedit.latents.latent import Latent

    folder = Path(out)
    subject = subjects.subject_of(Path(source), folder, set()) if source else subjects.latest_edit(folder)
    edited = Latent.load(subject.latent)
    before = edited.undo(edits)
    loaded = subjects.model_of(load(model).to(check_device(device)), edited, subject.latent)
    loaded.generator.check(before)
    target = output.edit_folder(subject, before)
    before = output.placed(before, subject.latent, target)
    paths = output.save_edit(
        target, before, loaded.synthesise(edited), loaded.synthesise(before), loaded.generator.regions
    )
    report = Report(json)
    left = [event.get("attr") or event.get("text") or event.get("method") for event in before.history]
    report.add(input=str(subject.latent), undone=list(edited.history[len(before.history) :]), left=left, **paths)
    report.say(f"{edits} undone, {len(left)} left{': ' + ', '.join(map(str, left)) if left else ''} -> {target}")
    report.finish()
