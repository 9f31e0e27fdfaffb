"""What docstrings promise: their examples run, and networks and their trainings say what every argument is."""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import pytest
import torch
from torch import nn

from semedit.config import Config

ROOT = Path(__file__).parents[1]
PACKAGES = ("semedit", "encoders", "directions", "baselines", "benchmarks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def docstrings(path: Path) -> str:
    """All docstrings of a file."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    return "\n".join(ast.get_docstring(node) or "" for node in nodes)


WITH_EXAMPLES = [name_of(path) for path in SOURCES if ">>>" in docstrings(path)]
EXPLAINED = [name_of(p) for room in ("networks", "training/engine", "training/gan", "training/teaching")
             for p in sorted((ROOT / "semedit" / room).glob("*.py"))]  # fmt: skip


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_give_what_they_say(module):
    torch.manual_seed(0)
    done = doctest.testmod(importlib.import_module(module))
    assert done.attempted and not done.failed


def classes(module: str) -> list[type]:
    found = importlib.import_module(module)
    return [c for _, c in inspect.getmembers(found, inspect.isclass) if c.__module__ == module]


def test_networks_say_what_their_arguments_are():
    """Each by its name, in the docstring of its class."""
    silent = []
    for kind in (k for module in EXPLAINED if ".networks." in module for k in classes(module)):
        if issubclass(kind, nn.Module) and kind.__init__ is not nn.Module.__init__:
            names = list(inspect.signature(kind.__init__).parameters)[1:]
            silent += [f"{kind.__name__}: {n}" for n in names if f"``{n}``" not in inspect.getdoc(kind)]
    assert not silent


def test_configurations_describe_every_option():
    silent = []
    trainers = ("encoders.training", "baselines.stylefusion.config")
    for kind in (k for module in (*EXPLAINED, *trainers) for k in classes(module)):
        if issubclass(kind, Config):
            silent += [f"{kind.__name__}.{name}" for name, field in kind.model_fields.items() if not field.description]
    assert not silent
