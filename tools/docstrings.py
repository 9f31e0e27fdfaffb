"""How docstrings come to the pages: examples as code, names in Sphinx's roles as code.

An extension of griffe, which reads the sources for the reference (mkdocs.yml).
"""

import re
from typing import Any

import griffe

#: :func:`name` and its like, with a tilde or a module in front or not.
ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|obj):`~?([^`]+)`")


def as_markdown(text: str) -> str:
    """A docstring as Markdown: doctests fenced, whatever follows them up to an empty line included; roles as code."""
    lines: list[str] = []
    fenced = False
    for line in ROLE.sub(r"`\1`", text).splitlines():
        if line.lstrip().startswith(">>>") and not fenced:
            if lines and lines[-1].strip():
                lines.append("")
            lines.append("```pycon")
            fenced = True
        elif fenced and not line.strip():
            lines.append("```")
            fenced = False
        lines.append(line)
    return "\n".join([*lines, "```"] if fenced else lines)


class Docstrings(griffe.Extension):
    """Rewrites every docstring of a package once it is read."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        self.rewrite(pkg)

    def rewrite(self, item: griffe.Object) -> None:
        if item.docstring:
            item.docstring.value = as_markdown(item.docstring.value)
        for member in item.members.values():
            if not member.is_alias:
                self.rewrite(member)  # type: ignore[arg-type]
