"""``semedit bench paper``: every table and figure of the papers, in one report."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import paper as papers
from benchmarks.paper.cells import Absent
from benchmarks.paper.setting import Rival
from semedit.cli.console import DeviceOption, JsonOption, ModelOption, Report, check_device, names, watching
from semedit.editing.loading import load
from semedit.errors import SemeditError, UnknownName

#: The model whose report is made unless told otherwise, of its rivals' size; that of each domain, and one adapted.
USUAL = "portraits-128"
MODELS = {"portraits": (USUAL, "portraits-cel"), "faces": ("celebamask-hq", "toonify")}

#: Names of other generators: StyleGAN2 of the domain's own data, the published one of FFHQ, SemanticGAN with the
#: proposed training and with its own, and one of whole bodies.
RIVALS = ("stylegan2", "stylegan2-ffhq", "semanticgan", "semanticgan-patches", "deepfashion")


def paper(
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Parts, such as ssg.t2, or whole papers: ssg, sf, eis.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help=f"Kind of picture: {', '.join(MODELS)} (default: the model's).")
    ] = None,
    budget: Annotated[
        str, typer.Option(help="small: under 45 minutes on two cores; full: the papers' counts.")
    ] = "small",
    model: ModelOption = USUAL,
    encoder: Annotated[str | None, typer.Option(help="An encoder's file, instead of the model's own.")] = None,
    rival: Annotated[
        list[str] | None,
        typer.Option(help=f"Another generator: NAME=MODEL; NAME is {', '.join(RIVALS)} (default: the first)."),
    ] = None,
    adapted: Annotated[str | None, typer.Option(help="A generator adapted to another kind of picture.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Folder with image_train/ and image_val/, aligned (default: drawn).")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a count of the budget: NAME=VALUE.")] = None,
    out: Annotated[str, typer.Option("--out", help="Folder of the report.")] = "semedit-out/paper",
    json: JsonOption = False,
    device: DeviceOption = "cpu",
) -> None:
    """Retell the papers: what they report beside what is measured here. A run that was stopped goes on."""
    for kind, name, choices in (("domain", domain or "portraits", MODELS), ("budget", budget, papers.BUDGETS)):
        if name not in choices:
            raise UnknownName(kind, name, choices)
    if domain and model == USUAL:
        model = MODELS[domain][0]
    parts = papers.chosen(papers.PARTS, names(only))
    counts = papers.BUDGETS[budget].with_overrides(set_ or [])
    check_device(device)
    own = load(model, domain_name=domain, encoder=encoder).to(device)
    domain = own.domain.name
    given = {}
    for item in rival or []:
        before, equals, after = item.partition("=")
        given[before if equals else RIVALS[0]] = after if equals else before
    for name in given:
        if name not in RIVALS:
            raise UnknownName("rival", name, RIVALS)
    rivals = {
        name: open_rival(f"the {name}", given.get(name), f"{name}-{domain}", f"--rival {name}=", domain, device)
        for name in RIVALS
    }
    setting = papers.Setting(
        own, Path(out), counts, Path(data) if data else None, rivals,
        open_rival("the adapted generator", adapted, MODELS[domain][1], "--adapted ", domain, device),
    )  # fmt: skip
    with watching(json) as watch:
        sections = papers.run(setting, parts, watch)
    page, text = papers.write_report(setting, sections)
    report = Report(json)
    cells = [cell for section in sections for unit in section.units for cell in unit.cells]
    for cell in cells:
        report.add(**cell.to_json())
    tally = [[status, str(sum(cell.status == status for cell in cells))] for status in papers.STATUSES]
    report.table(["status", "cells"], tally)
    report.say(f"-> {page}, {text}")
    report.finish()


def open_rival(name: str, given: str | None, usual: str, option: str, domain: str, device: str) -> Rival:
    """Another generator: the one that is ``given``, else the model that is ``usual`` for its place.

    One that is given and cannot be opened is an error; a usual one that is not there is said in the report.
    """
    if given is not None:
        return Rival(load(given, domain_name=domain).to(device), Absent(""))
    try:
        return Rival(load(usual, domain_name=domain).to(device), Absent(""))
    except SemeditError:
        said = f"there is no model called '{usual}', {name} of {domain}"
        return Rival(None, Absent(said, f"semedit bench paper --domain {domain} {option}MODEL"))
