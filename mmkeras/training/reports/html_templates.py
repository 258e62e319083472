from __future__ import annotations

import os
import pathlib
import typing

if typing.TYPE_CHECKING:
    import jinja2

_SHARED = pathlib.Path(__file__).parent / "templates"


def html_templates(*folders: str | os.PathLike) -> jinja2.Environment:
    """Open a set of jinja2 templates for HTML pages.

    Values are escaped, and a value that a template expects and does not receive is an
    error. Every template can extend `base.html`, which brings the document, its
    encoding and the style of all pages, with the blocks `title`, `style` and `content`.

    Args:
        folders: folders of templates. A template is taken from the first folder that
            has it.

    Returns:
        A `jinja2.Environment`.

    Raises:
        ImportError: if jinja2 is not installed.

    Example:

    >>> template = html_templates("templates").get_template("gallery.html")
    >>> pathlib.Path("index.html").write_text(template.render(images=images), "utf-8")
    """
    try:
        import jinja2
    except ImportError as error:
        raise ImportError(
            "Writing HTML pages needs jinja2: pip install 'mmkeras[plot]'."
        ) from error
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _SHARED]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
