"""``semedit fit fusion`` and ``catalog``: what StyleFusion and Editing in Style learn of a StyleGAN2."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baselines import editing_in_style, stylefusion
from baselines.style_transfer import stylegan2_of
from semedit.cli.console import (
    DeviceOption,
    JsonOption,
    Report,
    SeedOption,
    SetOption,
    check_device,
    default,
    number,
    progress_bar,
)
from semedit.cli.fit.learnt import keep, place

if TYPE_CHECKING:
    from baselines.editing_in_style import Overlap

HostOption = Annotated[str, typer.Option("--model", help="A StyleGAN2 model's name, or a generator file.")]
DomainOption = Annotated[
    str | None, typer.Option("--domain", help="Kind of picture, for a file that does not say; its parser names parts.")
]
InstallOption = Annotated[
    bool, typer.Option("--install/--no-install", help="Put what was learnt beside its model, for 'edit --method'.")
]


def fusion(
    model: HostOption,
    recipe: Annotated[
        str | None,
        typer.Option(help=f"Tree and sizes: {', '.join(stylefusion.RECIPES)} (default: the domain's)."),
    ] = None,
    schedule: Annotated[
        str | None, typer.Option(help=f"Stages: {', '.join(stylefusion.SCHEDULES)} (default: the recipe's).")
    ] = None,
    nodes: Annotated[
        list[str] | None, typer.Option("--node", help="Inner node of the tree to train; repeat (default: all).")
    ] = None,
    regions: Annotated[
        str | None, typer.Option("--regions", help="A file of regions (default: clusters, named by the parser).")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Run folder (default: semedit-runs/MODEL-fusion).")] = None,
    install: InstallOption = True,
    domain: DomainOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the run (default: the recipe's).")] = None,
    device: DeviceOption = "cpu",
) -> None:
    """Train StyleFusion's hierarchy of FusionNets. The same command resumes a run that was stopped, or killed.

    Several processes: torchrun --nproc-per-node N -m semedit fit fusion
    """
    from semedit.config import assigned
    from semedit.editing.loading import load
    from semedit.training.engine.team import join_team

    host = load(model, domain)
    generator = stylegan2_of(host, "StyleFusion")
    named = {"schedule": schedule, "regions": regions, "seed": seed}
    config = stylefusion.recipe_for(generator.config, recipe or host.domain.name)
    config = config.replace(nodes=tuple(nodes or config.nodes)).with_overrides(assigned(named, set_))
    folder, report = Path(out or f"semedit-runs/{host.name}-fusion"), Report(json)
    with join_team(check_device(device)) as team:
        with progress_bar("training FusionNets", json or not team.primary) as progress:
            stored = stylefusion.train_fusion(
                config, folder, generator, domain=host.domain, team=team, progress=progress, say=report.say
            )
        if not team.primary:
            return
    file = folder / stylefusion.FILE
    if install and host.entry:
        keep(host, place(host, None, stylefusion.FILE), lambda path: stylefusion.save_fusion(path, stored, half=True))
    nets = list(stored.hierarchy.nets)
    report.add(run=str(folder), file=str(file), nets=nets, steps=config.steps, installed=bool(install and host.entry))
    report.say(f"{len(nets)} nets of {config.steps} steps ({', '.join(nets)}) -> {file}")
    report.finish()


def catalog(
    model: HostOption,
    samples: Annotated[int, typer.Option(min=1, help="Pictures whose activations are clustered.")] = 500,
    clusters: Annotated[int, typer.Option(min=2, help="Clusters of the layer's activations.")] = default(
        editing_in_style.learn_catalogue, "clusters"
    ),
    layer: Annotated[int, typer.Option(min=4, help="px of the layer that is clustered: the first of that size.")] = (
        default(editing_in_style.learn_catalogue, "size")
    ),
    official: Annotated[
        str | None,
        typer.Option("--official", help="Instead of clustering: arrays centroids, annotations and M0, M1, ... (.npz)."),
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="File (default: catalogue.safetensors, by the model).")] = (
        None
    ),
    domain: DomainOption = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = "cpu",
) -> None:
    """Learn Editing in Style's catalog: spherical k-means of activations, named by the label maps they overlap."""
    from semedit.editing.loading import load

    host = load(model, domain).to(check_device(device))
    generator = stylegan2_of(host, "Editing in Style")
    path, report = place(host, out, editing_in_style.FILE, ".npz"), Report(json)
    if official:
        made = editing_in_style.read_official(official, generator.fingerprint, layer)
    else:
        learnt = editing_in_style.learn_for(
            generator, host.domain.features().parse, host.domain.regions.names, samples,
            clusters=clusters, size=layer, seed=seed,
        )  # fmt: skip
        made = learnt.catalogue
        show_overlap(report, learnt.overlap)
    keep(host, path, made.save)
    report.add(**{"clusters": len(made.centroids), **made.about}, file=str(path), labels=made.annotations)
    report.say(f"{len(made.centroids)} clusters, {len(made.labels)} labels: {', '.join(made.labels)} -> {path}")
    report.finish()


def show_overlap(report: Report, overlap: "Overlap") -> None:
    """The table that named the clusters: the regions that each overlaps most, by intersection over union."""
    rows = []
    names = {k: name for name, own in overlap.annotations().items() for k in own}
    for cluster, shares in enumerate(overlap.table):
        best = shares.argsort(descending=True)[:3].tolist()
        cells = [f"{overlap.names[place]} {number(shares[place].item(), 2)}" for place in best]
        rows.append([str(cluster), names.get(cluster, "-"), *cells])
    report.table(["cluster", "name", "most", "second", "third"], rows, title="overlap (intersection over union)")
