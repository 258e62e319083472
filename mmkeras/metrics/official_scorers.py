from __future__ import annotations

import importlib.util
import pathlib
import shutil


def official_scorers() -> list[str]:
    """The metrics of `pycocoevalcap` that run in Java and can be had here.

    Returns:
        A list of none, one or both of `"METEOR"` and `"SPICE"`, the latter only with
        the Stanford models, which `pycocoevalcap` downloads at its first use.
    """
    folder = _folder()
    if folder is None or shutil.which("java") is None:
        return []
    models = list((folder / "spice" / "lib").glob("stanford-corenlp-*-models.jar"))
    return ["METEOR", "SPICE"] if models else ["METEOR"]


def official_score(
    name: str, references: dict, hypotheses: list[str]
) -> tuple[float, list[float]]:
    """A score of the official jar.

    Args:
        name: `"METEOR"` or `"SPICE"`.
        references: dict from id to tokenised captions.
        hypotheses: tokenised captions, in the order of the ids.

    Returns:
        Float, of the corpus, and a list of floats, one for each id.

    Raises:
        ImportError: if Java, `pycocoevalcap` or the models of SPICE are not there.
    """
    if name not in official_scorers():
        raise ImportError(_remedy(name))
    candidates = {
        image_id: [text] for image_id, text in zip(references, hypotheses, strict=True)
    }
    if name == "METEOR":
        from pycocoevalcap.meteor.meteor import Meteor

        return Meteor().compute_score(references, candidates)
    from pycocoevalcap.spice.spice import Spice

    value, scores = Spice().compute_score(references, candidates)
    return value, [score["All"]["f"] for score in scores]


def _folder() -> pathlib.Path | None:
    found = importlib.util.find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        return None
    return pathlib.Path(list(found.submodule_search_locations)[0])


def _remedy(name: str) -> str:
    needs = (
        f'{name} is the official jar: it asks for pip install "mmkeras[java-metrics]"'
    )
    if name == "SPICE":
        return (
            f"{needs}, Java 8, and the Stanford models that pycocoevalcap downloads "
            "when its Spice() is first made."
        )
    return (
        f"{needs} and for Java (apt-get install openjdk-17-jre-headless). A variant in "
        "Python is METEOR-exact-stem."
    )
