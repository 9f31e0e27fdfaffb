"""What the shell offers for an option's value: names of models, regions, attributes, recipes, methods."""

import json
from collections.abc import Iterable
from pathlib import Path

import typer


def _starting(choices: Iterable[str], begun: str) -> list[str]:
    """The choices that go on from what is typed; in a list with commas, from its last part."""
    before, comma, last = begun.rpartition(",")
    return [f"{before}{comma}{one}" for one in choices if one.startswith(last)]


def models(incomplete: str) -> list[str]:
    """Models that are present, by name and short name."""
    from semedit.storage import cards

    return _starting((*cards.ALIASES, *cards.entries()), incomplete)


def regions(incomplete: str) -> list[str]:
    """Regions and groups; after a colon, the parts of a region."""
    from semedit.latents.regions import BASE_NAME, CELEBAMASK

    name, colon, _ = incomplete.rpartition(",")[2].partition(":")
    if colon:
        return _starting((f"{name}:{part}" for part in ("shape", "texture")), incomplete)
    return _starting((*CELEBAMASK.names, *CELEBAMASK.groups, "all", BASE_NAME, "auto"), incomplete)


def attributes(context: typer.Context, incomplete: str) -> list[str]:
    """The attributes that the chosen model has a direction for."""
    from semedit.storage import cards

    name = str(context.params.get("model") or "portraits")
    entry = cards.entries().get(cards.ALIASES.get(name, name))
    path = entry and entry.inherited(cards.DIRECTIONS)
    return _starting(_learnt(path), incomplete) if path else []


def _learnt(path: Path) -> list[str]:
    """The attributes of a file of directions, read from its header alone."""
    from semedit.storage.content import MALFORMED

    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return list(json.loads(header["__metadata__"]["semedit"])["extra"])
    except (OSError, MemoryError, *MALFORMED):  # nothing is offered of a file that cannot be read
        return []


def recipes(incomplete: str) -> list[str]:
    """Recipes of training, courses and those of other generators among them."""
    from baselines import stylegan2
    from semedit.training.gan.recipes import RECIPES
    from semedit.training.teaching.recipes import COURSES

    rivals = (*stylegan2.COURSES, *stylegan2.RECIPES, *stylegan2.SEMANTIC_RECIPES)
    return _starting((*COURSES, *RECIPES, *rivals), incomplete)


def attribute_methods(incomplete: str) -> list[str]:
    """Methods of editing attributes."""
    from directions import EDITORS

    return _starting(EDITORS, incomplete)


def edit_methods(incomplete: str) -> list[str]:
    """Methods of editing attributes, and of taking regions over."""
    from directions import EDITORS
    from semedit.editing.sessions.transfers import TRANSFERS

    return _starting((*EDITORS, *TRANSFERS), incomplete)


def invert_methods(incomplete: str) -> list[str]:
    """Methods of inversion."""
    from encoders import INVERTERS

    return _starting(INVERTERS, incomplete)
