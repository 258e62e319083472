"""README.zh-CN.md is kept in step with README.md."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")


def blocks(text):
    """The fenced blocks without their comments, which are translated."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    return [
        (kind, re.sub(r"\s+#.*", "", body))
        for kind, body in found
        # The drawing of the architecture is translated as a whole.
        if "►" not in body
    ]


def levels(text):
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]


def links(text):
    targets = re.findall(r"\]\(([^)]+)\)", text)
    return sorted(target for target in targets if not target.startswith("README"))


def test_headings_correspond():
    assert levels(CHINESE) == levels(ENGLISH)


def test_commands_and_code_are_the_same():
    assert len(blocks(ENGLISH)) > 10
    assert blocks(CHINESE) == blocks(ENGLISH)


def test_links_and_figures_are_the_same():
    assert links(CHINESE) == links(ENGLISH)
    percent = r"\d+\.\d+%"
    assert re.findall(percent, CHINESE) == re.findall(percent, ENGLISH)


def test_the_readme_is_short():
    assert len(ENGLISH.split()) <= 900
