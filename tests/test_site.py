"""How the sources come to the documentation's reference: docstrings as Markdown."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("griffe", reason="no griffe here, which reads the sources for the documentation (extra 'dev')")
PLACE = Path(__file__).parents[1] / "tools" / "docstrings.py"


@pytest.fixture(scope="module")
def docstrings():
    spec = importlib.util.spec_from_file_location("docstrings", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_examples_are_code_up_to_the_next_paragraph(docstrings):
    text = "First.\n\n>>> f([1, 2])\n[1, 2]\n>>> f(3)\n3\n\nLast."
    assert docstrings.as_markdown(text) == "First.\n\n```pycon\n>>> f([1, 2])\n[1, 2]\n>>> f(3)\n3\n```\n\nLast."
    assert docstrings.as_markdown("A.\n>>> 1\n1") == "A.\n\n```pycon\n>>> 1\n1\n```"


def test_names_in_roles_are_code(docstrings):
    assert docstrings.as_markdown("See :meth:`Model.edit`, :func:`~semedit.load`, ``psi``.") == (
        "See `Model.edit`, `semedit.load`, ``psi``."
    )


def test_every_docstring_of_a_package_is_rewritten(docstrings, tmp_path):
    import griffe

    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(
        'class A:\n    """See :class:`B`."""\n    def f(self):\n        """>>> 1\n        1"""\n'
    )
    loaded = griffe.load(
        "package", search_paths=[tmp_path], extensions=griffe.load_extensions(str(PLACE)), allow_inspection=False
    )
    assert loaded["A"].docstring.value == "See `B`."
    assert loaded["A.f"].docstring.value.startswith("```pycon")
