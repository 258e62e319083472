from __future__ import annotations

import importlib.util
import pathlib
import shutil


def official_scorers() -> list[str]:
    """Lists the Java metrics of `pycocoevalcap` that are installed.

    Returns:
        List of `"METEOR"` and `"SPICE"`, as far as they are installed; SPICE needs the
        Stanford models, which `pycocoevalcap` downloads on first use.
    """
    folder = _folder()
    if folder is None or shutil.which("java") is None:
        return []
    models = list((folder / "spice" / "lib").glob("stanford-corenlp-*-models.jar"))
    return ["METEOR", "SPICE"] if models else ["METEOR"]


def official_score(
    name: str, references: dict, hypotheses: list[str]
) -> tuple[float, list[float]]:
    """Computes a metric by the official jar.

    Args:
        name: string, `"METEOR"` or `"SPICE"`.
        references: dict from image id to tokenized captions.
        hypotheses: list of tokenized captions, in the order of the ids.

    Returns:
        Float, the corpus score, and a list of floats, the scores of images.

    Raises:
        ImportError: if Java, `pycocoevalcap` or the models of SPICE are missing.
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


def _remedy(name: str) -> str:
    needs = f'{name} is the official jar: it needs pip install "mmkeras[java-metrics]"'
    if name == "SPICE":
        return (
            f"{needs}, Java 8, and the Stanford models that pycocoevalcap downloads "
            "when its Spice() is first created."
        )
    return (
        f"{needs} and Java (apt-get install openjdk-17-jre-headless). A variant in "
        "Python is METEOR-exact-stem."
    )


def _folder() -> pathlib.Path | None:
    found = importlib.util.find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        return None
    return pathlib.Path(list(found.submodule_search_locations)[0])
