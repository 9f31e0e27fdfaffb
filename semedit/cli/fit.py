"""``semedit fit``: train what stands around a generator (attribute classifier, feature network, directions)."""

from pathlib import Path
from typing import Annotated

import typer

from semedit.cli.console import JsonOption, ModelOption, Report, SeedOption, number, progress_bar

app = typer.Typer(
    help="Train the attribute classifier, the feature network, or attribute directions.", no_args_is_help=True
)

PicturesOption = Annotated[int, typer.Option(min=64, help="Portraits to draw for training.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over them.")]
HeldOutOption = Annotated[int, typer.Option(min=16, help="Further portraits to measure on.")]
FileOption = Annotated[str, typer.Option("--out", help="File to write (.safetensors).")]


@app.command()
def attributes(
    out: FileOption = "semedit-runs/portraits/attributes.safetensors",
    pictures: PicturesOption = 16_000,
    epochs: EpochsOption = 5,
    held_out: HeldOutOption = 2_000,
    json: JsonOption = False,
    seed: SeedOption = 11,
) -> None:
    """Train the portraits domain's attribute classifier on drawn portraits."""
    from semedit import zoo
    from semedit.training.supervised import FitConfig, fit_attributes

    with progress_bar("attribute classifier", json) as progress:
        scorer = fit_attributes(FitConfig(pictures=pictures, epochs=epochs, held_out=held_out, seed=seed), progress)
    scorer.save(out)
    zoo.write_domain_card(Path(out).parent, "portraits")
    report = Report(json)
    report.add(file=out, **scorer.card)
    accuracy = scorer.card["balanced_accuracy"]
    report.table(["attribute", "balanced accuracy"], [[name, number(value)] for name, value in accuracy.items()])
    report.say(f"-> {out}")
    report.finish()


@app.command()
def features(
    out: FileOption = "semedit-runs/portraits/features.safetensors",
    pictures: PicturesOption = 20_000,
    epochs: EpochsOption = 8,
    held_out: HeldOutOption = 2_000,
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 2e-3,
    start: Annotated[str | None, typer.Option("--start", help="File of a feature network to train further.")] = None,
    json: JsonOption = False,
    seed: SeedOption = 11,
) -> None:
    """Train the portraits domain's feature network: perceptual distance, identity, parser, Frechet features."""
    from semedit import zoo
    from semedit.perceptual import DomainFeatures
    from semedit.training.supervised import FEATURES, fit_features

    sizes = {"pictures": pictures, "epochs": epochs, "held_out": held_out, "seed": seed, "lr": lr}
    begin = DomainFeatures.load(start) if start else None
    with progress_bar("feature network", json) as progress:
        network = fit_features(FEATURES.model_copy(update=sizes), progress, begin)
    network.save(out)
    zoo.write_domain_card(Path(out).parent, "portraits")
    report = Report(json)
    report.add(file=out, **network.card)
    large, whole = network.card["parser_miou_large"], network.card["parser_miou"]
    report.say(f"parser mIoU {large:.3f} over the large regions ({whole:.3f} over all) on unseen portraits -> {out}")
    report.finish()


@app.command()
def directions(
    model: ModelOption = "portraits",
    out: Annotated[str | None, typer.Option("--out", help="File to write (default: beside the model).")] = None,
    samples: Annotated[int, typer.Option(min=200, help="Samples of the generator to label.")] = 50_000,
    attr: Annotated[list[str] | None, typer.Option("--attr", help="Attributes (default: all of the domain).")] = None,
    chosen: Annotated[float, typer.Option(help="Extremes used: a share of all samples, or a count, a side.")] = 0.02,
    json: JsonOption = False,
    seed: SeedOption = 0,
) -> None:
    """Learn InterFaceGAN directions: label samples of the generator, fit a linear SVM on the extremes, calibrate."""
    from semedit import zoo
    from semedit.model import load
    from semedit.siblings import sibling

    loaded = load(model)
    library = sibling("directions")
    with progress_bar("labelling samples", json) as progress:
        fitted, rows = library.learn_directions(
            loaded, tuple(attr or loaded.domain.attribute_names), samples, chosen=chosen, seed=seed, progress=progress
        )
    folder = loaded.entry.folder if loaded.entry else Path()
    path = Path(out) if out else folder / zoo.DIRECTIONS
    fitted.save(path)
    if loaded.entry and path == folder / zoo.DIRECTIONS:
        zoo.refresh_card(loaded.entry)
    report = Report(json)
    for row in rows:
        report.add(**row)
    keys = (("validation_accuracy", 3), ("remaining_accuracy", 3), ("scale", 2), ("gain", 3))
    table = [[r["attr"], r["regions"], *(number(r[key], digits) for key, digits in keys)] for r in rows]
    report.table(["attribute", "regions", "extremes", "the rest", "distance of strength 1", "gain at 1"], table)
    report.say(f"-> {path}")
    report.finish()
