"""``semedit doctor``: what this installation can do, and what each missing weight would enable."""

import importlib.metadata
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import JsonOption, Report
from semedit.cli.early import check_model

if TYPE_CHECKING:
    from semedit.errors import MissingWeights

ABSENT = "not installed"
PACKAGES = (
    "torch", "torchvision", "numpy", "scikit-learn", "open-clip-torch", "torchdiffeq", "facenet-pytorch", "lpips",
    "typer", "rich", "pydantic", "pillow", "safetensors", "tensorboard", "torch-fidelity",
    "lmdb", "av", "c2pa-python",
)  # fmt: skip


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ABSENT


@dataclass(frozen=True)
class Finding:
    """A weight: what it is, its state, what it enables, and, where it is missing, how to get it."""

    name: str
    state: str
    use: str
    detail: str = ""


def _models() -> list[Finding]:
    """The models that are present or could be, and whether their files are intact."""
    from semedit.checkpoints import zoo

    found = []
    for name, entry in zoo.entries().items():
        problems = zoo.verify(entry)
        found.append(Finding(name, "damaged" if problems else "ok", entry.domain, "; ".join(problems)))
    found += [Finding(name, "broken", "", str(error)) for name, error in zoo.broken().items()]
    for name, (file, domain) in zoo.OFFICIAL.items():
        if name not in zoo.entries():
            get = f"get {file} from its authors, then 'semedit models add {name} --file {file}'"
            found.append(Finding(name, "missing", domain, get))
    return found


def _networks() -> list[Finding]:
    """The networks of the domains, and those of the measures of sets of pictures."""
    from semedit.domains import DOMAINS
    from semedit.editing.abilities import NETWORKS
    from semedit.metrics.inception import LegacyInception, TfInception

    loaders = [
        (f"{domain.name}: {name.replace('_', ' ')}", use, getattr(domain, name))
        for domain in DOMAINS.values()
        for name, use in NETWORKS.items()
    ]
    loaders += [
        (f"{domain.name}: identity, further", "identity scores of benchmarks", load)
        for domain in DOMAINS.values()
        for load in domain.identity_further
    ]
    loaders += [
        (f"metrics: {kind.protocol}", "Frechet distances", kind.find) for kind in (TfInception, LegacyInception)
    ]
    return [_tried(*loader) for loader in loaders]


def _tried(name: str, use: str, load: Callable[[], object]) -> Finding:
    from semedit.errors import MissingWeights, SemeditError

    try:
        load()
    except MissingWeights as error:
        return Finding(name, "missing", use, _way_to(error))
    except SemeditError as error:
        return Finding(name, "damaged", use, str(error))
    return Finding(name, "ok", use)


def _way_to(error: "MissingWeights") -> str:
    """The command that gets a missing file, or where it is looked for."""
    from semedit.metrics.published import command_for

    command = command_for([error.file]) if error.file else ""
    return f"'{command}'" if command else str(error)


def doctor(
    model: Annotated[
        str | None,
        typer.Option("--model", help="Say what this model can do now, and no more.", autocompletion=complete.models),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show versions, devices, which weights are present, and how to get the missing ones."""
    _one_model(model, json) if model else _everything(json)


def _everything(json: bool) -> None:
    """Versions, devices, and all weights, with how to get the missing ones."""
    import torch

    from semedit import __version__
    from semedit.networks.precision import bf16_gain, preferred

    versions = {name: _version(name) for name in PACKAGES}
    devices = ["cpu"]
    devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    models, networks, report = _models(), _networks(), Report(json)
    best, gain = preferred("cuda" if torch.cuda.is_available() else "cpu"), bf16_gain()
    report.add(
        semedit=__version__, python=platform.python_version(), platform=platform.platform(), packages=versions,
        devices=devices, threads=torch.get_num_threads(), cpus=os.cpu_count(),
        precision=best, bf16_gain=gain,
        weights=[{"name": f"model {f.name}", "state": f.state, "detail": f.detail} for f in models]
        + [{"name": f.name, "state": f.state, "detail": f.detail} for f in networks],
    )  # fmt: skip
    report.say(f"semedit {__version__}, Python {platform.python_version()}, {platform.platform()}")
    report.say(f"devices: {', '.join(devices)}; {torch.get_num_threads()} threads on {os.cpu_count()} CPUs")
    report.say(f"precision: {best} (this processor multiplies matrices {gain:.1f} times as fast in bf16 as in fp32)")
    here = [f"{name} {version}" for name, version in versions.items() if version != ABSENT]
    report.say(f"packages: {', '.join(here)}")
    if away := [name for name, version in versions.items() if version == ABSENT]:
        report.say(f"not installed: {', '.join(away)}")
    report.say("")
    report.table(["model", "state", "domain"], [[f.name, f.state, f.use] for f in models])
    report.say("")
    report.table(["network", "state", "for"], [[f.name, f.state, f.use] for f in networks])
    wanting = [f for f in models + networks if f.state != "ok"]
    if wanting:
        report.say("\nHow to get what is missing, and what is wrong with the rest:")
        for finding in wanting:
            report.say(f"  {finding.name}: {finding.detail}")
    report.finish()


def _one_model(name: str, json: bool) -> None:
    """What one model can do now, and what each missing file would add."""
    check_model(name)
    from semedit.editing.abilities import abilities
    from semedit.editing.loading import load
    from semedit.metrics.published import command_for

    loaded, report = load(name), Report(json)
    found = abilities(loaded)
    report.add(model=loaded.name, domain=loaded.domain.name, abilities=[asdict(one) for one in found])
    report.say(f"{loaded.name}: {loaded.domain.name} of {loaded.generator.config.size} px")
    for one in found:
        if one.ready:
            report.say(f"  yes  {one.what}{f': {one.detail}' if one.detail else ''}")
    for one in found:
        if not one.ready:
            command = command_for([one.file]) if one.file else ""
            report.say(f"  no   {one.what}: {f'{one.file} adds it, by {command!r}' if command else one.detail}")
    report.finish()
