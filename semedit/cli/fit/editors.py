"""``semedit fit directions``, ``flow`` and ``calibration``: learn a generator's editors, and measure what they do."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from directions import EDITORS, learn_directions, learn_flow
from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    ModelOption,
    Report,
    SeedOption,
    check_device,
    default,
    names,
    number,
    progress_bar,
)
from semedit.cli.early import check_names
from semedit.cli.fit.learnt import keep, place
from semedit.editing.requests.request import METHOD

if TYPE_CHECKING:
    from semedit.metrics.attributes import Scorer

TruthOption = Annotated[
    bool, typer.Option("--truth", help="Score by what the domain's law says of a code: exact, nothing is rendered.")
]
OutFile = Annotated[str | None, typer.Option("--out", help="File to write (default: beside the model).")]
LabelsOption = Annotated[
    str, typer.Option("--labels", help="Folder in which labelled samples are kept; labelling goes on from there.")
]
AttributesOption = Annotated[
    list[str] | None,
    typer.Option("--attributes", "--attr", help="Attributes, comma separated (default: all that are scored)."),
]
LABELS = "semedit-runs/labels"


def directions(
    model: ModelOption = "portraits",
    samples: Annotated[int, typer.Option(min=256, help="Samples of the generator to label.")] = 50_000,
    attributes: AttributesOption = None,
    scores: Annotated[
        str | None, typer.Option("--scores", help="A CSV of your own scores: column 'latent', and one an attribute.")
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option("--prompt", help="Score by words: what is wanted, then what is not. Give it twice or more."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the attribute of the prompts is called.")] = None,
    regions: Annotated[
        str | None, typer.Option(help="Default regions of the edits (default: the domain's, or those that suffice).")
    ] = None,
    local_samples: Annotated[
        int, typer.Option(min=0, help="Samples to label for the rows of the default regions alone; 0: none.")
    ] = 10_000,
    chosen: Annotated[float, typer.Option(help="Extremes used: a share of all samples, or a count, a side.")] = default(
        learn_directions, "chosen"
    ),
    cost: Annotated[
        float, typer.Option(help="C of the SVM; far below 1, directions join the means of both extremes.")
    ] = default(learn_directions, "cost"),
    truth: TruthOption = False,
    space: Annotated[
        Literal["w", "s"], typer.Option(help="The space of the directions: w, or s, which StyleGAN2 has.")
    ] = default(learn_directions, "space"),
    labels: LabelsOption = LABELS,
    out: OutFile = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Learn InterFaceGAN directions from scored samples: linear SVMs on the extremes, calibrated and measured.

    Scores are the domain's classifier's, your own (--scores), CLIP's (--prompt), or the domain's law's (--truth).
    Directions are added to those that the file holds already; one of the same name is replaced.
    """
    import directions as library
    from semedit.editing.loading import load
    from semedit.errors import ConfigError
    from semedit.metrics.prompts import PromptScorer

    if (scores or truth) and space == "s":
        given = "--scores are" if scores else "--truth is"
        raise ConfigError(f"{given} of codes in W; directions in S are learnt from samples whose pictures are scored")
    if sum(map(bool, (scores, prompt, truth))) > 1:
        raise ConfigError("--scores, --prompt and --truth are sources of scores; give one of them")
    loaded = load(model).to(check_device(device))
    wanted, prompts, local = names(attributes), tuple(prompt or ()), None
    path = place(loaded, out, library.DirectionLibrary.FILE)
    scorer: Scorer
    with progress_bar("labelling samples", json) as progress:
        if scores:
            labelled = library.read_scores(scores, loaded)
        elif prompts:
            scorer = PromptScorer(loaded.domain.clip(), name or prompts[0], prompts)
            labelled = library.label_samples(loaded, scorer, samples, seed, labels, None, progress, space)
        elif truth:
            check_names(wanted, loaded.domain.attribute_names)
            labelled = library.true_labels(loaded, samples, seed)
        else:
            scorer = loaded.domain.attributes()
            check_names(wanted, scorer.names)
            labelled = library.label_samples(loaded, scorer, samples, seed, labels, None, progress, space)
        if local_samples and not scores:

            def local(chosen_regions: str) -> Any:
                if truth:
                    return library.true_labels(loaded, local_samples, seed + 1, chosen_regions)
                return library.label_samples(loaded, scorer, local_samples, seed, labels, chosen_regions, progress)

        fitted, found = library.learn_directions(
            loaded, labelled, attributes=wanted, regions=regions, prompts=prompts, local=local, chosen=chosen,
            seed=seed, space=space, cost=cost,
        )  # fmt: skip
    rows = [one.to_json() for one in found]
    if path.exists():
        fitted = library.DirectionLibrary.load(path, loaded.generator.fingerprint).merged(fitted)
    keep(loaded, path, fitted.save)
    report = Report(json)
    for row in rows:
        report.add(**row, file=str(path), samples=len(labelled))
    keys = (("validation_accuracy", 3), ("remaining_accuracy", 3), ("scale", 2), ("gain", 3))
    columns = ["attribute", "regions", "extremes", "rest", "distance", "gain"]
    table = [[r["attr"], r["regions"], *(_cell(r[key], digits) for key, digits in keys)] for r in rows]
    report.table(
        [*columns, "auto regions", "side effect"], [[*t, *_found(r)] for t, r in zip(table, rows, strict=True)]
    )
    report.say("extremes, rest: held-out accuracy; distance: what strength 1 means; gain: of the score at strength 1")
    _cosines(report, fitted)
    report.say(f"-> {path}")
    report.finish()


def flow(
    model: ModelOption = "portraits",
    samples: Annotated[int, typer.Option(min=512, help="Samples of the generator to label.")] = 20_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over them.")] = default(learn_flow, "epochs"),
    attributes: AttributesOption = None,
    truth: TruthOption = False,
    labels: LabelsOption = LABELS,
    out: OutFile = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Learn a StyleFlow: label samples of the generator, fit the flow of codes under attributes, calibrate."""
    import directions as library
    from semedit.editing.loading import load

    loaded, wanted = load(model).to(check_device(device)), names(attributes)
    path = place(loaded, out, library.FlowLibrary.FILE)
    check_names(wanted, loaded.domain.attribute_names)
    with progress_bar("labelling samples", json) as progress:
        if truth:
            labelled = library.true_labels(loaded, samples, seed)
        else:
            scorer = loaded.domain.attributes()
            labelled = library.label_samples(loaded, scorer, samples, seed, labels, progress=progress)
    with progress_bar("training the flow", json) as progress:
        fitted, found = library.learn_flow(
            loaded, labelled, attributes=wanted, epochs=epochs, seed=seed, progress=progress
        )
    rows = [one.to_json() for one in found]
    keep(loaded, path, lambda path: fitted.save(path, half=True))
    report = Report(json)
    for row in rows:
        report.add(**row, file=str(path), samples=len(labelled))
    keys = (("rate", 3), ("scale", 2), ("gain", 3))
    columns = ["attribute", "regions", "rate", "change", "gain"]
    table = [[r["attr"], r["regions"], *(_cell(r[key], digits) for key, digits in keys)] for r in rows]
    report.table(
        [*columns, "auto regions", "side effect"], [[*t, *_found(r)] for t, r in zip(table, rows, strict=True)]
    )
    if loss := fitted.report_:
        report.say(f"nats a feature: {loss.loss:.3f} learnt, {loss.held_out_loss:.3f} on {loss.held_out} unseen")
    report.say(f"-> {path}")
    report.finish()


def calibration(
    model: ModelOption = "portraits",
    method: Annotated[str, typer.Option(help=f"Whose editors to measure: {', '.join(EDITORS)}.")] = METHOD,
    attributes: AttributesOption = None,
    regions: Annotated[
        str | None, typer.Option(help="New default regions of these attributes ('auto': those that suffice).")
    ] = None,
    base: Annotated[
        str,
        typer.Option(help="Edits of samples are measured, or of inversions, what the encoder finds."),
    ] = "samples",
    out: OutFile = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Measure editors that are there anew: what strength 1 means, side effects, the regions that suffice."""
    from directions import learning
    from semedit.editing.loading import load

    loaded = load(model).to(check_device(device))
    library = loaded.editors(method)
    path = place(loaded, out, type(library).FILE)
    wanted = names(attributes) or tuple(library)
    with progress_bar("measuring", json) as progress:
        found = learning.measure(loaded, library, wanted, seed=seed, progress=progress, regions=regions, base=base)
    rows = [one.to_json() for one in found]
    keep(loaded, path, library.save)
    report = Report(json)
    for row in rows:
        report.add(**row, file=str(path))
    table = [[r["attr"], r["regions"], _cell(r["scale"], 2), _cell(r["gain"], 3), *_found(r)] for r in rows]
    report.table(["attribute", "regions", "scale", "gain", "auto regions", "side effect"], table)
    report.say(f"-> {path}")
    report.finish()


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else number(value, digits)


def _found(row: dict[str, Any]) -> list[str]:
    """The regions that suffice, and the attribute that an edit moves most besides its own."""
    effects = row["side_effects"]
    most = max(effects, key=lambda name: abs(effects[name])) if effects else None
    return [row["auto_regions"] or "-", f"{most} {effects[most]:+.2f}" if most else "-"]


def _cosines(report: Report, library: Any) -> None:
    """The table of cosines between directions, for up to a dozen."""
    if not 1 < len(library) <= 12:
        return
    table = library.cosines()
    names = list(table)
    rows = [[a, *(f"{table[a][b]:+.2f}" if b in table[a] else "-" for b in names[:i])] for i, a in enumerate(names)][1:]
    report.table(["cosine", *(name[:6] for name in names[:-1])], [[*r, *[""] * (len(names) - len(r))] for r in rows])
