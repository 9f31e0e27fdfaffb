"""The house's rules, read off the source: imports point one way, rooms are tables of contents, nothing prints."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("semedit", "encoders", "directions", "baselines", "benchmarks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

#: What each package may import of the others. The CLI is the roof: nothing imports it.
ALLOWED = {
    "semedit": {"semedit"},
    "encoders": {"semedit", "encoders"},
    "directions": {"semedit", "directions"},
    "baselines": {"semedit", "baselines"},
    "benchmarks": {"semedit", "encoders", "directions", "baselines", "benchmarks"},
}
#: The core's modules in import order; a module imports only what stands before it (or in its own row).
CORE_ORDER = [
    ("errors",), ("config", "files", "regions", "ops", "schedule", "siblings"), ("layers", "latent"),
    ("protocols", "local", "render"),
    ("generator", "convnet"), ("discriminator", "checkpoint", "images"), ("irse",),
    ("official", "faces", "attributes", "clip", "perceptual", "identity", "metrics"), ("paste",),
    ("domains", "data"), ("training", "zoo", "video", "reports"), ("model",), ("editing", "gallery", "workspace"),
]  # fmt: skip


def imports(path: Path) -> set[str]:
    """Modules of the house that a file imports, function-level imports included, type-checking ones not."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    roof = "cli" in path.relative_to(ROOT).parts or path.name == "__main__.py"
    for name in imports(path):
        assert name.split(".")[0] in ALLOWED[package], f"{path} imports {name}"
        if not roof:
            assert name.split(".")[:2] != ["semedit", "cli"], f"{path} imports the command line"


def rank(module: str) -> int | None:
    parts = module.split(".")
    if len(parts) < 2 or parts[0] != "semedit":
        return None
    return next((i for i, row in enumerate(CORE_ORDER) if parts[1] in row), None)


def test_the_core_is_layered():
    for path in sorted((ROOT / "semedit").rglob("*.py")):
        own = rank(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if own is None or "cli" in path.parts:
            continue
        for name in imports(path):
            other = rank(name)
            assert other is None or other <= own, f"{path.relative_to(ROOT)} imports {name}"


def test_every_core_module_has_its_place():
    names = {p.stem if p.is_file() else p.name for p in (ROOT / "semedit").iterdir() if not p.name.startswith("_")}
    names -= {"cli", "weights", "py"}
    assert names - {"py.typed"} <= {name for row in CORE_ORDER for name in row} | {"py"}


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "__init__.py" and p.parent.name != "semedit"],
                         ids=lambda p: str(p.relative_to(ROOT)))  # fmt: skip
def test_a_folder_opens_with_a_table_of_contents(path):
    """Imports, ``__all__`` and registries; no classes, and functions only where a registry is looked up."""
    for node in ast.parse(path.read_text()).body:
        assert not isinstance(node, ast.ClassDef), f"{path} defines {node.name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_say_what_they_are_and_stay_small(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), f"{path} has no docstring"
    assert len(text.splitlines()) <= 420, f"{path} has grown past 420 lines"


def test_asserts_are_for_what_cannot_happen():
    """User input is answered with named errors: no assert has a message for a user."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Assert) and node.msg), f"{path}:{node.lineno}"


def test_importing_semedit_is_light():
    import subprocess
    import sys

    code = "import sys, semedit.cli.main as m; m.build(); print([x for x in ('torch', 'sklearn') if x in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
