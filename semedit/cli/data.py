"""``semedit data``: preparing training data, and looking at them before training."""

from typing import Annotated

import typer

from semedit.cli.console import JsonOption, Report, progress_bar
from semedit.cli.early import DOMAINS, check_data, check_names
from semedit.errors import ImageError

app = typer.Typer(help="Prepare training data, and scan them before training.", no_args_is_help=True)
SHOWN = 20


@app.command()
def prepare(
    kind: Annotated[str, typer.Argument(help="celebamask: CelebAMask-HQ's raw download.")],
    raw: Annotated[str, typer.Argument(help="Folder of the download.")],
    out: Annotated[
        str, typer.Option("--out", help="Folder to write image_train, label_train, image_val, label_val to.")
    ],
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 4,
    json: JsonOption = False,
) -> None:
    """Merge part annotations into label maps and split the pictures. Stopped, the same command goes on."""
    check_names([kind], ["celebamask"], "data set")
    check_data(raw)

    from semedit.data.celebamask import prepare_celebamask

    report = Report(json)
    with progress_bar("merging parts", json) as progress:
        done = prepare_celebamask(raw, out, workers=workers, progress=progress)
    for name, reason in done.failed:
        report.fail(name, ImageError(reason))
    report.add(out=out, **done.counts, unlabelled=done.unlabelled)
    if done.unlabelled:
        some = ", ".join(map(str, done.unlabelled[:5])) + (", ..." if len(done.unlabelled) > 5 else "")
        report.say(f"{len(done.unlabelled)} pictures have no part at all and are background throughout: {some}")
    report.say(f"{done.counts['train']} pictures to train on, {done.counts['val']} held out -> {out}")
    report.finish()


@app.command()
def scan(
    path: Annotated[str, typer.Argument(help="Folder or LMDB of pictures.")],
    label_map: Annotated[
        str | None, typer.Option("--label-map", help="YAML file that says what the labels mean.")
    ] = None,
    domain: Annotated[str, typer.Option(help="Whose regions the labels are, where there is no label map.")] = "faces",
    size: Annotated[int, typer.Option(min=16, help="Size that you will train at, in px.")] = 256,
    labels: Annotated[bool, typer.Option(help="--no-labels: pictures alone, for adaptation.")] = True,
    json: JsonOption = False,
) -> None:
    """Read every picture and label map once: bad files and why, missing partners, odd sizes, each region's area."""
    check_data(path, label_map)
    check_names([] if label_map else [domain], DOMAINS, "domain")

    from semedit.data.collection import open_collection
    from semedit.data.label_map import LabelMap
    from semedit.data.scan import scan as look
    from semedit.domains import domain as find_domain

    meaning = LabelMap.read(label_map) if label_map else LabelMap.identity(find_domain(domain).regions)
    with progress_bar("reading", json) as progress:
        found = look(open_collection(path, size, labels), meaning, size, progress)
    report = Report(json)
    for file, reason in found.bad:
        report.fail(file, ImageError(reason))
    report.add(
        path=path, pictures=found.pictures, bad=len(found.bad), sizes=dict(found.sizes), area=found.area,
        present=found.present, remarks=[{"file": file, "remark": text} for file, text in found.remarks],
    )  # fmt: skip
    for file, text in found.remarks[:SHOWN]:
        report.say(f"{file}: {text}")
    if len(found.remarks) > SHOWN:
        report.say(f"... and {len(found.remarks) - SHOWN} more remarks (--json lists them)")
    rows = [[name, f"{100 * found.area[name]:.2f} %", f"{100 * found.present[name]:.1f} %"] for name in found.area]
    report.table(["region", "area", "in pictures"], rows)
    sizes = ", ".join(f"{count} of {name}" for name, count in found.sizes.most_common(5))
    report.say(f"{found.pictures} pictures, {len(found.bad)} bad files; sizes: {sizes or 'none'}")
    report.finish()
