"""The house's rules, read off the source: imports point one way, rooms are tables of contents, nothing prints."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("semedit", "encoders", "directions", "baselines", "benchmarks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

#: The rooms of the house in the order of their imports: a file imports from its own room and from rows above it, never
#: from another room of its row. A room inside another has a row of its own.
ORDER = (
    ("semedit.errors",),
    ("semedit.config", "semedit.packages", "semedit.storage"),
    ("semedit.latents",),
    ("semedit.pictures",),
    ("semedit.networks", "semedit.data"),
    ("semedit.checkpoints", "semedit.metrics"),
    ("semedit.domains",),
    ("semedit.training.engine", "semedit.protocols"),
    ("semedit.training.gan", "semedit.training.attributes"),
    ("semedit.training.teaching",),
    ("encoders", "directions", "baselines"),
    ("semedit.editing.requests",),
    ("semedit.editing",),
    ("semedit.editing.measuring", "semedit.editing.results", "semedit.editing.export"),
    ("semedit.editing.sessions",),
    ("semedit.editing.figures",),
    ("benchmarks",),
    ("semedit.ui",),
    ("semedit.cli",),
)
#: What stands outside the order: the face, which opens everything on first use, and a folder of folders.
FACE = ("semedit", "semedit.__main__", "semedit.training")
#: The files that may import by a name that is made at run time.
IMPORTERS = {"semedit/__init__.py", "semedit/packages.py"}


def modules(sources: list[Path], root: Path) -> dict[str, Path]:
    """Dotted name -> file."""
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in sources}


def imports(path: Path, known: Mapping[str, Path]) -> set[str]:
    """Modules of the house that a file imports: at the top, in functions, and for type checking alike."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                part = f"{node.module}.{alias.name}"
                found.add(part if part in known else str(node.module))
    return found & set(known)


def test_no_two_classes_share_a_name():
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring; empty if there is none."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if found := walk(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def room(module: str) -> tuple[int, str] | None:
    """Row and name of the innermost room that a module stands in."""
    rooms = [(row, name) for row, names in enumerate(ORDER) for name in names]
    around = [(row, name) for row, name in rooms if module == name or module.startswith(f"{name}.")]
    return max(around, key=lambda place: len(place[1]), default=None)


def trespasses(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports that do not point up the order."""
    found = []
    for module, others in graph.items():
        here = room(module)
        for other in others if here and module not in FACE else ():
            there = room(other)
            if there is None or here is None:
                allowed = other == "semedit"
            elif there[0] == here[0]:
                allowed = there[1] == here[1]
            else:
                allowed = there[0] < here[0]
            if not allowed:
                found.append(f"{module} imports {other}")
    return found


def graph_of(root: Path, sources: list[Path]) -> dict[str, set[str]]:
    known = modules(sources, root)
    return {name: imports(path, known) - {name} for name, path in known.items()}


HOUSE = graph_of(ROOT, SOURCES)


def test_every_module_has_its_place():
    assert not [module for module in HOUSE if room(module) is None and module not in FACE]


def test_imports_point_one_way():
    assert not trespasses(HOUSE)


def test_no_circle_of_files():
    assert not circle(HOUSE)


@pytest.mark.parametrize(
    "line",
    ["from semedit.b import x", "def f():\n    from semedit import b", "if TYPE_CHECKING:\n    import semedit.b"],
)
def test_a_circle_and_a_trespass_are_seen(tmp_path, line):
    """However it is written: at the top, in a function, or for type checking."""
    (tmp_path / "semedit" / "storage").mkdir(parents=True)
    files = {"a.py": "import semedit.c", "b.py": "from semedit.a import x", "c.py": line}
    for name, text in files.items():
        (tmp_path / "semedit" / name).write_text(text)
    graph = graph_of(tmp_path, sorted(tmp_path.rglob("*.py")))
    assert set(circle(graph)) == {"semedit.a", "semedit.b", "semedit.c"}
    (tmp_path / "semedit" / "storage" / "atomic.py").write_text("from semedit.networks.ops import leaky")
    (tmp_path / "semedit" / "networks").mkdir()
    (tmp_path / "semedit" / "networks" / "ops.py").write_text("")
    graph = graph_of(tmp_path, sorted(tmp_path.rglob("*.py")))
    assert trespasses(graph) == ["semedit.storage.atomic imports semedit.networks.ops"]


def test_modules_are_imported_by_name():
    """What is imported is written down, so that the order can be read; packages are opened by name in two files."""
    for path in SOURCES:
        if str(path.relative_to(ROOT)) in IMPORTERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = {getattr(node, "id", ""), getattr(node, "attr", "")}
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names}
            assert not names & {"import_module", "find_spec", "importlib.util", "__import__"}, f"{path}:{node.lineno}"


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
    assert len(text.splitlines()) <= 300, f"{path} has grown past 300 lines"


def test_a_domain_is_not_asked_for_its_name():
    """What depends on the domain is the domain's to answer: nothing outside compares a name with one of them."""
    from semedit.domains import DOMAINS

    for path in (path for path in SOURCES if "semedit/domains/" not in path.as_posix()):
        for node in ast.walk(ast.parse(path.read_text())):
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            assert not [x for x in sides if isinstance(x, ast.Constant) and x.value in DOMAINS], f"{path}:{node.lineno}"


def test_what_every_run_does_stands_apart_from_the_gan():
    """The encoder's trainer shares the engine and knows nothing of the adversary."""
    for module, others in HOUSE.items():
        if module.startswith(("semedit.training.engine", "encoders", "directions")):
            assert not [other for other in others if other.startswith("semedit.training.gan")], module


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
