"""``semedit models``: which models there are, adding one's own, checking and converting weights."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import JsonOption, Report, progress_bar, writing
from semedit.cli.early import check_model
from semedit.cli.export import export
from semedit.errors import CheckpointError, ConfigError, SemeditError
from semedit.storage import cards
from semedit.storage.content import check_file

app = typer.Typer(help="List, inspect, add, verify, convert, pack and export models.", no_args_is_help=True)
app.command()(writing(export))
NameArgument = Annotated[str, typer.Argument(help="A model's name.")]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the models that are present, also the broken ones, and the official ones that can be added."""
    from semedit.storage import shipped

    report, rows = Report(json), []
    aliases = {full: short for short, full in cards.ALIASES.items()}
    present = cards.entries()
    for name, entry in present.items():
        size = sum(facts["bytes"] for facts in entry.card.get("files", {}).values())
        where = "shipped" if entry.folder.is_relative_to(shipped.SHIPPED) else "added"
        report.add(
            name=name, alias=aliases.get(name), domain=entry.domain, state=where, bytes=size, folder=str(entry.folder)
        )
        rows.append([name, aliases.get(name, ""), entry.domain, where, f"{size / 1e6:.1f} MB"])
    for name, error in cards.broken().items():
        report.add(name=name, alias=None, domain=None, state="broken", error=str(error))
        rows.append([name, "", "", "broken: 'semedit doctor' says why", ""])
    for name, (file, domain) in cards.OFFICIAL.items():
        if name not in present:
            report.add(name=name, alias=None, domain=domain, state="bring your own", file=file)
            rows.append([name, "", domain, f"bring {file}", ""])
    report.table(["model", "short name", "domain", "state", "size"], rows)
    report.finish()


@app.command()
def info(name: NameArgument = "portraits", json: JsonOption = False) -> None:
    """Show a model's card: recipe, seed, pictures seen, measured quality, files; its editors and its encoder."""
    cards.find(name)

    import json as json_module

    from directions import EDITORS
    from encoders import load_encoder
    from semedit.checkpoints import zoo
    from semedit.cli.console import stdout

    entry = zoo.find(name)
    card = dict(entry.card)
    for library in EDITORS.values():
        if path := entry.inherited(library.FILE):
            card[path.stem] = library.load(path).described()
    if entry.encoder_path:
        stored = load_encoder(entry.encoder_path)
        card["encoder"] = {"config": stored.encoder.config.to_json(), **stored.card}
    report = Report(json)
    report.add(**card, folder=str(entry.folder))
    if not json:
        stdout.print_json(json_module.dumps(card))
    report.finish()


@app.command()
def add(
    name: NameArgument,
    file: Annotated[Path, typer.Option("--file", help="An official .pt file, or a native .safetensors file.")],
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="A ReStyle encoder for it, official .pt or native.")
    ] = None,
    flow: Annotated[
        Path | None, typer.Option("--flow", help="A StyleFlow of its codes, official .pt or native, for 'edit'.")
    ] = None,
    flow_attributes: Annotated[
        str,
        typer.Option(
            help="What an official flow is conditioned on, in order, comma separated (default: the domain's)."
        ),
    ] = "",
    boundary: Annotated[
        list[str] | None,
        typer.Option(help="An InterFaceGAN boundary of its W, ATTRIBUTE=FILE.npy; repeat for several."),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="The domain of its pictures (default: faces).")] = None,
    json: JsonOption = False,
) -> None:
    """Copy the weights of a generator, and of an encoder and editors for it, into your models, after opening them."""
    for path in (file, encoder, flow):
        if path:
            check_file(path)

    from directions import AttributeEditor, DirectionLibrary, EditorLibrary, FlowLibrary
    from encoders import Refiner, load_encoder
    from semedit.checkpoints import zoo
    from semedit.domains import domain as find_domain
    from semedit.editing.generators import load_generator
    from semedit.editing.model import Model

    found = find_domain(domain or zoo.OFFICIAL.get(name, ("", "faces"))[1])
    fitted: dict[str, EditorLibrary[AttributeEditor]] = {}  # all is opened before anything is copied
    if encoder:
        Refiner.of(load_generator(file), load_encoder(encoder))
    if flow:
        attributes = tuple(one.strip() for one in flow_attributes.split(",") if one.strip())
        fitted["styleflow"] = FlowLibrary.brought(flow, Model(load_generator(file), found, name), attributes)
    if boundary:
        files = dict(boundary_of(item) for item in boundary)
        fitted["interfacegan"] = DirectionLibrary.brought(files, Model(load_generator(file), found, name))
    entry = zoo.add(name, file, domain, encoder, load_generator)
    for library in fitted.values():
        library.save(entry.folder / library.FILE)
        zoo.refresh_card(entry)
    report = Report(json)
    facts = {key: entry.card[key] for key in ("domain", "size", "fingerprint")}
    report.add(name=name, folder=str(entry.folder), **facts, flow=list(fitted.get("styleflow", ())),
               directions=list(fitted.get("interfacegan", ())))  # fmt: skip
    report.say(f"{name}: {entry.card['size']} px, domain {entry.domain} -> {entry.folder}")
    for method, library in fitted.items():
        report.say(f"{method}, {', '.join(library)}: 'semedit edit --model {name} --method {method}'")
        if not any(editor.study_ for editor in library.values()):
            report.say(f"'semedit fit calibration --model {name} --method {method}' measures what strength 1 means")
    report.finish()


def boundary_of(text: str) -> tuple[str, str]:
    """ATTRIBUTE=FILE as its two parts. Raises ConfigError."""
    attribute, _, path = text.partition("=")
    if not attribute or not path:
        raise ConfigError(f"'{text}': a boundary is named ATTRIBUTE=FILE.npy")
    return attribute, path


@app.command()
def fetch(
    what: Annotated[list[str], typer.Argument(help="faces for what it needs, or files by name: vgg16, facenet, ...")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only say what is missing, and where it would lie.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fetch weights that their publishers offer openly, into the folder where every loader looks.

    What has come of a file stays when the connection breaks; the same command goes on from there.
    """
    from semedit.errors import ConfigError, MissingWeights
    from semedit.metrics.published import chosen
    from semedit.storage.fetching import fetch as fetched
    from semedit.storage.fetching import promised
    from semedit.storage.found import weights_folder

    folder, report = weights_folder(), Report(json)
    wanted = chosen(what)
    absent = {name: one for name, one in wanted.items() if not (folder / one.file).exists()}
    for name in wanted.keys() - absent.keys():
        report.add(name=name, file=str(folder / wanted[name].file), state="here")
    rows = [[name, one.file, f"{one.megabytes} MB", one.licence, one.purpose] for name, one in absent.items()]
    if absent:
        report.table(["name", "file", "size", "licence", "for"], rows, title=f"to fetch into {folder}")
    else:
        report.say(f"all of it is in {folder}")
    if absent and offline:
        raise MissingWeights(f"not here, and not fetched: {', '.join(str(folder / o.file) for o in absent.values())}")
    if absent and not yes:
        if json or not sys.stdin.isatty():
            raise ConfigError(
                f"{sum(one.megabytes for one in absent.values())} MB would be fetched; --yes agrees to that"
            )
        typer.confirm("Fetch them?", abort=True)
    for name, one in absent.items():
        try:
            with progress_bar(one.file, json) as progress:
                done = fetched(one.url, folder / one.file, promised(one.file), progress)
        except SemeditError as error:
            report.fail(name, error)
            continue
        report.add(name=name, state="fetched", **{**asdict(done), "path": str(done.path)})
        report.say(f"{done.path}: {done.bytes / 1e6:.1f} MB, SHA-256 {done.sha256}")
    report.finish()


@app.command()
def verify(name: Annotated[str | None, typer.Argument(help="A model's name (default: all).")] = None,
           json: JsonOption = False) -> None:  # fmt: skip
    """Check every file of a model against the size and SHA-256 on its card."""
    if name:
        cards.find(name)

    from semedit.checkpoints import zoo

    report = Report(json)
    for bad, error in ({} if name else zoo.broken()).items():
        report.fail(bad, error)
    for entry in [zoo.find(name)] if name else zoo.folders().values():
        problems = zoo.verify(entry)
        if problems:
            report.fail(entry.name, CheckpointError("; ".join(problems)))
        else:
            report.add(name=entry.name, files=len(entry.card.get("files", {})))
            report.say(f"{entry.name}: intact")
    report.finish()


@app.command()
@writing
def convert(
    source: Annotated[Path, typer.Argument(help="An official .pt, or a native file or folder; or a native flow.")],
    target: Annotated[Path, typer.Argument(help="Where to write: a name ending in .pt is official, others native.")],
    half: Annotated[bool, typer.Option("--half", help="Store a native file in float16.")] = False,
    json: JsonOption = False,
) -> None:
    """Convert a generator between the official format and the native one, or a native flow to the official one."""
    check_model(str(source))

    from directions import FlowLibrary
    from directions.styleflow.official import save_official_flow
    from semedit.checkpoints.native import save_generator
    from semedit.editing.generators import load_generator, write_official
    from semedit.storage.content import exists
    from semedit.storage.weights import load_weights

    if exists(target):
        raise CheckpointError(f"{target} exists already; nothing is overwritten")
    official = target.suffix in (".pt", ".pth")
    if official and source.suffix == ".safetensors" and source.exists() and load_weights(source).kind == "flow":
        library = FlowLibrary.load(source)
        save_official_flow(target, library.flow_)
        fingerprint, note = library.fingerprint, f" (attributes: {', '.join(library)})"
    else:
        generator = load_generator(source)
        if official:
            write_official(target, generator)
        else:
            save_generator(target, generator, half=half)
        fingerprint, note = generator.fingerprint, ""
    report = Report(json)
    report.add(source=str(source), target=str(target), fingerprint=fingerprint)
    report.say(f"{source} -> {target}{note}")
    report.finish()


@app.command()
@writing
def pack(
    run: Annotated[Path, typer.Argument(help="A training run's folder.")],
    out: Annotated[Path, typer.Option("--out", help="The model's folder; its last part is the model's name.")],
    domain: Annotated[str, typer.Option(help="The domain of its pictures.")] = "portraits",
    best: Annotated[bool, typer.Option("--best", help="Take the state of the smallest Frechet distance.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a model folder of a run's networks: float16 weights and a card with their provenance."""
    from semedit.editing.generators import load_generator, run_kind
    from semedit.training.gan.export import pack as make_model
    from semedit.training.teaching.export import is_course, last_stage, pack_course

    if is_course(run):
        entry = pack_course(run, out, domain, kind=run_kind(last_stage(run)), opener=load_generator)
    else:
        entry = make_model(run, out, domain, best=best, kind=run_kind(run), opener=load_generator)
    report = Report(json)
    report.add(**entry.card)
    seen = entry.card["images"] + entry.card["images_before"]
    report.say(f"{run} -> {out} ({seen} pictures seen, fingerprint {entry.card['fingerprint']})")
    report.finish()
