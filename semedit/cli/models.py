"""``semedit models``: which models there are, adding one's own, checking and converting weights."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import JsonOption, Report
from semedit.errors import CheckpointError

app = typer.Typer(help="List, inspect, add, verify, convert and pack models.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="A model's name.")]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the models that are present, and the official ones that can be added."""
    from semedit.checkpoints import zoo
    from semedit.storage import shipped

    report, rows = Report(json), []
    aliases = {full: short for short, full in zoo.ALIASES.items()}
    present = zoo.entries()
    for name, entry in present.items():
        size = sum(facts["bytes"] for facts in entry.card.get("files", {}).values())
        where = "shipped" if entry.folder.is_relative_to(shipped.SHIPPED) else "added"
        report.add(
            name=name, alias=aliases.get(name), domain=entry.domain, state=where, bytes=size, folder=str(entry.folder)
        )
        rows.append([name, aliases.get(name, ""), entry.domain, where, f"{size / 1e6:.1f} MB"])
    for name, (file, domain) in zoo.OFFICIAL.items():
        if name not in present:
            report.add(name=name, alias=None, domain=domain, state="bring your own", file=file)
            rows.append([name, "", domain, f"bring {file}", ""])
    report.table(["model", "short name", "domain", "state", "size"], rows)
    report.finish()


@app.command()
def info(name: NameArgument = "portraits", json: JsonOption = False) -> None:
    """Show a model's card: recipe, seed, pictures seen, measured quality, files; its editors and its encoder."""
    import json as json_module

    from directions import EDITORS
    from encoders import load_encoder
    from semedit.checkpoints import zoo
    from semedit.cli.console import stdout

    entry = zoo.find(name)
    card = dict(entry.card)
    for library in EDITORS.values():
        if path := entry.file(library.FILE):
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
    domain: Annotated[str | None, typer.Option(help="The domain of its pictures (default: faces).")] = None,
    json: JsonOption = False,
) -> None:
    """Copy the weights of a generator, and of an encoder for it, into your models, after opening them once."""
    from encoders import Refiner, load_encoder
    from semedit.checkpoints import zoo
    from semedit.domains import domain as find_domain

    if domain:
        find_domain(domain)
    if encoder:  # opened before anything is copied
        Refiner.of(zoo.load_generator(file), load_encoder(encoder))
    entry = zoo.add(name, file, domain, encoder)
    report = Report(json)
    report.add(name=name, folder=str(entry.folder), **{k: entry.card[k] for k in ("domain", "size", "fingerprint")})
    report.say(f"{name}: {entry.card['size']} px, domain {entry.domain} -> {entry.folder}")
    report.finish()


@app.command()
def verify(name: Annotated[str | None, typer.Argument(help="A model's name (default: all).")] = None,
           json: JsonOption = False) -> None:  # fmt: skip
    """Check every file of a model against the size and SHA-256 on its card."""
    from semedit.checkpoints import zoo

    report = Report(json)
    for entry in [zoo.find(name)] if name else zoo.folders().values():
        problems = zoo.verify(entry)
        if problems:
            report.fail(entry.name, CheckpointError("; ".join(problems)))
        else:
            report.add(name=entry.name, files=len(entry.card.get("files", {})))
            report.say(f"{entry.name}: intact")
    report.finish()


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="An official .pt, or a native file or folder.")],
    target: Annotated[Path, typer.Argument(help="Where to write: a name ending in .pt is official, others native.")],
    half: Annotated[bool, typer.Option("--half", help="Store a native file in float16.")] = False,
    json: JsonOption = False,
) -> None:
    """Convert a generator between the official format and the native one."""
    from semedit.checkpoints import zoo
    from semedit.checkpoints.native import save_generator
    from semedit.checkpoints.official import save_official

    if target.exists():
        raise CheckpointError(f"{target} exists already; nothing is overwritten")
    generator = zoo.load_generator(source)
    if target.suffix in (".pt", ".pth"):
        save_official(target, generator)
    else:
        save_generator(target, generator, half=half)
    report = Report(json)
    report.add(source=str(source), target=str(target), fingerprint=generator.fingerprint)
    report.say(f"{source} -> {target}")
    report.finish()


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="A training run's folder.")],
    out: Annotated[Path, typer.Option("--out", help="The model's folder; its last part is the model's name.")],
    domain: Annotated[str, typer.Option(help="The domain of its pictures.")] = "portraits",
    best: Annotated[bool, typer.Option("--best", help="Take the state of the smallest Frechet distance.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a model folder of a run's networks: float16 weights and a card with their provenance."""
    from semedit.training.gan.export import pack as make_model

    entry = make_model(run, out, domain, best=best)
    report = Report(json)
    report.add(**entry.card)
    seen = entry.card["images"] + entry.card["images_before"]
    report.say(f"{run} -> {out} ({seen} pictures seen, fingerprint {entry.card['fingerprint']})")
    report.finish()
