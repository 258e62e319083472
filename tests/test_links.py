"""Links and dotted names in the Markdown files resolve."""

import importlib
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FILES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "apps/*/README.md", "examples/*/README.md")
    for path in ROOT.glob(pattern)
)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_NAME = re.compile(r"\bmmkeras(?:\.[A-Za-z_]\w*)+")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Files, and groups of entry points, are not names in Python.
_NOT_NAMES = {"mmkeras.tasks", "mmkeras.egg", "mmkeras.git", "mmkeras.json"}


def anchors(path: pathlib.Path) -> set[str]:
    """The anchors of a file's headings."""
    text = _FENCED.sub("", path.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(text)
    }


def resolve(name: str) -> None:
    """Imports a dotted name, attribute by attribute."""
    first, *rest = name.split(".")
    value = importlib.import_module(first)
    path = first
    for part in rest:
        path += f".{part}"
        if not hasattr(value, part):
            importlib.import_module(path)
        value = getattr(value, part)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links(path):
    text = _FENCED.sub("", path.read_text("utf-8"))
    for target, anchor in _LINK.findall(text):
        file = path.parent / target if target else path
        assert file.exists(), f"{path.name} links to {target}, which does not exist."
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{file.name} has no heading #{anchor}."


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_names(path):
    for name in sorted(set(_NAME.findall(path.read_text("utf-8"))) - _NOT_NAMES):
        try:
            resolve(name)
        except (ImportError, AttributeError) as error:
            pytest.fail(f"{path.name} mentions {name}, which does not exist: {error}.")
