"""``semedit attributes``: what a model can change, where, how far, and what else changes with it."""

from typing import Annotated

import typer

from semedit.cli import complete
from semedit.cli.console import JsonOption, ModelOption, Report, number
from semedit.editing.requests.request import METHOD


def attributes(
    model: ModelOption = "portraits",
    method: Annotated[
        str, typer.Option(help="interfacegan or styleflow.", autocompletion=complete.attribute_methods)
    ] = METHOD,
    json: JsonOption = False,
) -> None:
    """List a model's attributes: default regions, what strength 1 does to the score, and its side effects."""
    from semedit.editing.loading import load

    loaded, report, rows = load(model), Report(json), []
    for name, editor in loaded.editors(method).items():
        study = editor.study_
        effects = sorted((study.side_effects if study else {}).items(), key=lambda item: -abs(item[1]))
        report.add(
            attr=name, regions=editor.regions_, scale=editor.scale_, gain=study and study.gain,
            auto_regions=study and study.auto_regions, samples=study and study.samples,
            measured_on=study and study.base, side_effects=dict(effects),
        )  # fmt: skip
        shown = ", ".join(f"{other} {change:+.2f}" for other, change in effects[:3] if abs(change) >= 0.02)
        gain = [number(study.gain, 2), study.base] if study else ["not measured", "-"]
        rows.append([name, editor.regions_, *gain, shown or "-"])
    report.table(["attribute", "default regions", "gain at 1", "of", "side effects there"], rows)
    report.say(f"'semedit edit --attr NAME --model {model} --method {method}'; the gain is of the score, in 0..1")
    report.finish()
