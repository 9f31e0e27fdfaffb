"""The README.md of a model's folder: a card as Hugging Face's hub shows it, made from what ``card.json`` says.

The YAML header follows the hub's model cards (https://huggingface.co/docs/hub/model-cards).
"""

from collections.abc import Mapping
from typing import Any

import yaml

from semedit.errors import OutputError
from semedit.packages import VERSION
from semedit.storage.atomic import check_output, write_bytes
from semedit.storage.cards import GENERATOR, ModelFolder

NAME = "README.md"


def write_readme(entry: ModelFolder) -> None:
    """Write the README.md of a model's folder anew; one that somebody else wrote there, or has changed, stays."""
    try:
        check_output(entry.folder / NAME)
    except OutputError:
        return
    write_bytes(entry.folder / NAME, readme(entry.card).encode())


def readme(card: Mapping[str, Any]) -> str:
    """The text: header, what the model is, how it is used, its figures, its files."""
    name, domain = str(card["name"]), str(card.get("domain", "faces"))
    parts = [
        f"---\n{yaml.safe_dump(header(card), sort_keys=False)}---",
        f"# {name}",
        f"A generator of {card['size']} px for semedit, domain `{domain}`, fingerprint `{card['fingerprint']}`."
        + told(card),
        f"```sh\nsemedit models add {name} --file {card.get('generator', GENERATOR)} --domain {domain}\n"
        f"semedit sample --model {name}\n```",
        figures(card),
        "Everything else that is known of it (recipe, seed, data, SHA-256 of each file) is in `card.json`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def header(card: Mapping[str, Any]) -> dict[str, Any]:
    """The YAML header, as data; licences as the hub writes them."""
    return {
        "license": str(card.get("licence", "other")).lower(),
        "library_name": "semedit",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["semedit", "gan", "latent-editing", str(card.get("domain", "faces"))],
        "semedit_version": VERSION,
    }


def told(card: Mapping[str, Any]) -> str:
    """How it was trained, as far as the card says."""
    seen = int(card.get("images", 0)) + int(card.get("images_before", 0))
    return f" Recipe `{card['recipe']}`, {seen:,} pictures seen." if "recipe" in card else ""


def figures(card: Mapping[str, Any]) -> str:
    """A table of what was measured, each figure with its protocol; nothing where nothing was."""
    rows = [
        f"| {benchmark}: {metric.replace('_', ' ')} | {figure['value']:.4g} | {figure.get('n', '-')} | "
        f"{figure.get('protocol', '-')} |"
        for benchmark, measured in card.get("quality", {}).items()
        for metric, figure in measured.items()
        if isinstance(figure, Mapping) and isinstance(figure.get("value"), int | float)
    ]
    return "\n".join(["| what | value | n | protocol |", "|---|---|---|---|", *rows]) if rows else ""
