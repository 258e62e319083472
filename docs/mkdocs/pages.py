"""MkDocs hook: the pages of the site that are not files of `docs/`.

These are the README and other Markdown files of the repository, and an API reference
with a page for each package of mmkeras that exports names. Packages are imported, since
names that are exported lazily cannot be found in the source.
"""

from __future__ import annotations

import importlib
import inspect
import pathlib
import pkgutil
import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import mmkeras

ROOT = pathlib.Path(mmkeras.__file__).parents[1]
# Files of the repository by their place in the site.
PAGES = {
    "index.md": "README.md",
    "zh-CN.md": "README.zh-CN.md",
    "apps/captioning.md": "apps/captioning/README.md",
    "apps/vqa.md": "apps/vqa/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
_PLACES = {source: place for place, source in PAGES.items()}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the API reference to the navigation."""
    pages = [{name: _api_page(name)} for name in _exports()]
    config.nav.insert(-2, {"API reference": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not files of `docs/`."""
    for place, source in PAGES.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, place, content=text))
    for name, paths in _exports().items():
        text = _reference(name, paths)
        files.append(File.generated(config, _api_page(name), content=text))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Point links between files of the repository to the pages of the site.

    A link to a file that is not part of the site is replaced by its text.
    """
    place = page.file.src_uri
    source = PAGES.get(place, f"docs/{place}")

    def rewrite(match: re.Match) -> str:
        image, text, target, anchor = match.groups(default="")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        goal = _PLACES.get(file, file.removeprefix("docs/"))
        if not (ROOT / file).exists():
            # Left as it is, so that MkDocs reports it.
            return match[0]
        if files.get_file_from_path(goal) is None:
            return text
        relative = posixpath.relpath(goal, posixpath.dirname(place) or ".")
        return f"{image}[{text}]({relative}{anchor})"

    return _LINK.sub(rewrite, markdown)


def _api_page(name: str) -> str:
    return f"api/{name.removeprefix('mmkeras.')}.md"


def _exports() -> dict[str, list[str]]:
    """Paths of the exported classes and functions, by the package that exports them.

    What several packages export is documented in the outermost one.
    """
    packages = [
        module.name
        for module in pkgutil.walk_packages(mmkeras.__path__, "mmkeras.")
        if module.ispkg
    ]
    seen: set[str] = set()
    exports = {}
    for package in sorted(packages, key=lambda name: (name.count("."), name)):
        paths = [path for path in _exported(package) if path not in seen]
        seen.update(paths)
        if paths:
            exports[package] = paths
    return dict(sorted(exports.items()))


def _exported(package: str) -> list[str]:
    module = importlib.import_module(package)
    values = [getattr(module, name) for name in sorted(getattr(module, "__all__", ()))]
    return [
        f"{value.__module__}.{value.__qualname__}"
        for value in values
        if inspect.isclass(value) or inspect.isroutine(value)
    ]


def _reference(name: str, paths: list[str]) -> str:
    summary = inspect.getdoc(importlib.import_module(name)) or ""
    entries = "\n\n".join(f"::: {path}" for path in paths)
    return f"# {name}\n\n{summary}\n\n{entries}\n"
