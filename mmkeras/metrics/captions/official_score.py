from __future__ import annotations

from mmkeras.metrics.captions.official_scorers import official_scorers


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
