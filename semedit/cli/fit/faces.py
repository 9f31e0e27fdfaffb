"""``semedit fit attributes`` of a domain whose pictures are not drawn: the papers' ResNet-50, on CelebA."""

from collections.abc import Mapping
from pathlib import Path

import torch

from semedit.cli.console import Report, check_device, number, progress_bar
from semedit.config import assigned
from semedit.errors import ConfigError
from semedit.metrics.face_attributes import FILE
from semedit.training.attributes.trainer import FaceAttributeRun, train_attributes
from semedit.training.engine.team import join_team


def fit_face_attributes(
    domain: str,
    data: str | None,
    out: str | None,
    named: Mapping[str, object],
    set_: list[str] | None,
    json: bool,
    device: str,
) -> None:
    """Train the classifier and put it where the domain of faces finds it, or into the file ``out``.

    The same command resumes a run that was stopped, or killed; its folder is semedit-runs/DOMAIN-attributes.
    """
    if data is None:
        raise ConfigError(f"pictures of the domain '{domain}' cannot be drawn; name CelebA's folder with --data")
    config = FaceAttributeRun(data=data).with_overrides(assigned(named, set_))
    folder = Path(f"semedit-runs/{domain}-attributes")
    path = Path(out) if out else Path(torch.hub.get_dir()) / "checkpoints" / FILE
    report = Report(json)
    with join_team(check_device(device)) as team:
        with progress_bar("attribute classifier", json or not team.primary) as progress:
            scorer = train_attributes(config, folder, team, progress)
        if not team.primary:
            return
    scorer.save(path)
    report.add(file=str(path), run=str(folder), **scorer.card)
    accuracy, balanced = scorer.card["accuracy"], scorer.card["balanced_accuracy"]
    rows = [
        [name, number(value), number(balanced[name]) if name in balanced else "-"] for name, value in accuracy.items()
    ]
    report.table(["attribute", "accuracy", "balanced accuracy"], rows)
    report.say(f"{scorer.card['trained_on']} pictures, measured on {scorer.card['held_out']} others -> {path}")
    report.finish()
