"""Scores of a file of captions, without TensorFlow."""

from __future__ import annotations

import json
import pathlib

from mmkeras.cli.known_captions import known_captions
from mmkeras.data.formats import (
    read_caption_references,
    read_caption_results,
    read_coco_captions,
)
from mmkeras.metrics import CaptionReferences, evaluate_captions, paired_bootstrap


def evaluate_results(args) -> int:
    """Judges a results file of COCO's format against references.

    Args:
        args: what `mmkeras evaluate` was given.

    Raises:
        ValueError: if there are no references, or a file is not of its form.
    """
    if args.references is None:
        raise ValueError(
            f"{args.preset} is a file of captions: give --references FILE.json, the "
            "annotations to judge it by."
        )
    references = CaptionReferences(
        read_caption_references(args.references), args.tokenizer or "ptb"
    )
    hypotheses = read_caption_results(args.preset)
    scores = _judged(args, references, hypotheses)
    results: dict = {
        name: value for name, value in scores.items() if name != "per_image"
    }
    if args.against:
        others = _judged(args, references, read_caption_results(args.against))
        results["against"] = _compared(scores, others)
    print(json.dumps(results, indent=2))
    if args.report:
        _report(args, references, hypotheses)
    return 0


def _judged(args, references, hypotheses) -> dict:
    return evaluate_captions(
        references,
        hypotheses,
        args.metrics,
        per_image=True,
        allow_missing=args.allow_missing,
    )


def _compared(scores: dict, others: dict) -> dict:
    """The metrics that are means over images, of those that both files have."""
    common = [name for name in scores["per_image"] if name in others["per_image"]]
    if len(common) < max(len(scores["per_image"]), len(others["per_image"])):
        raise ValueError(
            "The two files have captions of different images: they cannot be compared."
        )
    return {
        name: paired_bootstrap(
            [scores["per_image"][image_id][name] for image_id in common],
            [others["per_image"][image_id][name] for image_id in common],
        )
        for name in scores
        if name in ("ROUGE_L", "CIDEr-D", "SPICE")
    }


def _report(args, references, hypotheses) -> None:
    # Pillow and the room of trainings, with TensorFlow, only for a report.
    from mmkeras.training import caption_report

    common = [name for name in references.ids if name in hypotheses]
    pictures = _pictures(args) if args.images else {}
    caption_report(
        args.report,
        references.subset(common) if len(common) < len(references.ids) else references,
        {name: hypotheses[name] for name in common},
        args.metrics,
        lambda name: pictures[name].read_bytes() if name in pictures else None,
        known_captions(args),
    )


def _pictures(args) -> dict:
    folder = pathlib.Path(args.images)
    names = read_coco_captions(args.references).file_names
    paths = {image_id: folder / name for image_id, name in names.items()}
    return {name: path for name, path in paths.items() if path.is_file()}
