"""``semedit doctor``: what this installation can do, and what each missing weight would enable."""

import importlib.metadata
import os
import platform

from semedit.cli.console import JsonOption, Report

PACKAGES = (
    "torch", "torchvision", "numpy", "scikit-learn", "open-clip-torch", "torchdiffeq", "facenet-pytorch", "lpips",
    "typer", "rich", "pydantic", "pillow", "safetensors", "tensorboard", "torch-fidelity",
    "lmdb", "av",
)  # fmt: skip


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _capabilities() -> list[tuple[str, str, str]]:
    """(weight, state, what it enables or how to get it) for everything that loads weights."""
    from semedit.checkpoints import zoo
    from semedit.domains import DOMAINS
    from semedit.errors import SemeditError
    from semedit.metrics.inception import LegacyInception, TfInception

    rows = []
    for name, entry in zoo.entries().items():
        problems = zoo.verify(entry)
        rows.append((f"model {name}", "ok" if not problems else "damaged", "; ".join(problems) or str(entry.folder)))
    for name in zoo.OFFICIAL:
        if name not in zoo.entries():
            try:
                zoo.find(name)
            except SemeditError as error:
                rows.append((f"model {name}", "missing", str(error)))
    for domain in DOMAINS.values():
        for what in ("perceptual", "perceptual_training", "identity", "identity_loss", "attributes", "clip"):
            try:
                getattr(domain, what)()
                rows.append((f"{domain.name}: {what.replace('_', ' ')}", "ok", ""))
            except SemeditError as error:
                rows.append((f"{domain.name}: {what}", "missing", str(error)))
        for load in domain.identity_further:
            try:
                rows.append((f"{domain.name}: identity, {load().protocol}", "ok", ""))
            except SemeditError as error:
                rows.append((f"{domain.name}: identity, further", "missing", str(error)))
    for kind in (TfInception, LegacyInception):
        try:
            kind.find()
            rows.append((f"metrics: {kind.protocol}", "ok", ""))
        except SemeditError as error:
            rows.append((f"metrics: {kind.protocol}", "missing", str(error)))
    return rows


def doctor(json: JsonOption = False) -> None:
    """Show versions, devices, which weights are present, and how to get the missing ones."""
    import torch

    from semedit import __version__
    from semedit.networks.precision import bf16_gain, preferred

    versions = {name: _version(name) for name in PACKAGES}
    devices = ["cpu"]
    devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    weights = _capabilities()
    report, best = Report(json), preferred("cuda" if torch.cuda.is_available() else "cpu")
    report.add(
        semedit=__version__, python=platform.python_version(), platform=platform.platform(), packages=versions,
        devices=devices, threads=torch.get_num_threads(), cpus=os.cpu_count(),
        precision=best, bf16_gain=bf16_gain(),
        weights=[{"name": n, "state": s, "detail": d} for n, s, d in weights],
    )  # fmt: skip
    report.say(f"semedit {__version__}, Python {platform.python_version()}, {platform.platform()}")
    report.say(f"devices: {', '.join(devices)}; {torch.get_num_threads()} threads on {os.cpu_count()} CPUs")
    report.say(
        f"precision: {best} (this processor multiplies matrices {bf16_gain():.1f} times as fast in bf16 as in fp32)"
    )
    report.table(["package", "version"], [[name, version] for name, version in versions.items()])
    report.table(["weights", "state", "detail"], [[n, s, d] for n, s, d in weights])
    report.finish()
