"""Scores of a file of captions or answers, without TensorFlow."""

from __future__ import annotations

import argparse
import json
import pathlib

from mmkeras.data.formats import (
    read_caption_references,
    read_caption_results,
    read_coco_captions,
    read_vqa_annotations,
    read_vqa_results,
)
from mmkeras.metrics import (
    CaptionReferences,
    evaluate_answers,
    evaluate_captions,
    paired_bootstrap,
)


def evaluate_results(args: argparse.Namespace) -> int:
    """Score a results file and print the scores as JSON.

    Args:
        args: the parsed command line of `mmkeras evaluate`.

    Returns:
        The exit code.

    Raises:
        ValueError: if a flag is missing or only for presets, or a file is not of its
            format.
    """
    if args.on_error:
        raise ValueError("--on-error is for presets: no image is read here. Remove it.")
    if args.annotations:
        scores = evaluate_answers(
            read_vqa_annotations(args.annotations),
            read_vqa_results(args.preset),
            args.allow_missing,
        )
        print(json.dumps(scores, indent=2))
    else:
        _evaluate_captions(args)
    return 0


def training_captions(args: argparse.Namespace) -> list[str]:
    """Return the captions of `--train-references`, none if it is not given.

    Args:
        args: the parsed command line of `mmkeras evaluate`.
    """
    if args.train_references is None:
        return []
    captions = read_caption_references(args.train_references).values()
    return [text for texts in captions for text in texts]


def _evaluate_captions(args) -> None:
    if args.references is None:
        raise ValueError(
            f"{args.preset} is a results file. Give the annotations to score it "
            "against: --references FILE for captions, --annotations FILE for answers."
        )
    references = CaptionReferences(
        read_caption_references(args.references), args.tokenizer or "ptb"
    )
    hypotheses = read_caption_results(args.preset)
    scores = _scores(args, references, hypotheses)
    results: dict = {
        name: value for name, value in scores.items() if name != "per_image"
    }
    if args.against:
        others = _scores(args, references, read_caption_results(args.against))
        results["against"] = _compared(scores, others)
    print(json.dumps(results, indent=2))
    if args.report:
        _report(args, references, hypotheses)


def _scores(args, references, hypotheses) -> dict:
    return evaluate_captions(
        references,
        hypotheses,
        args.metrics,
        per_image=True,
        allow_missing=args.allow_missing,
    )


def _compared(scores: dict, others: dict) -> dict:
    """Compare the metrics that are means over images, on the images of both files."""
    common = [name for name in scores["per_image"] if name in others["per_image"]]
    if len(common) < max(len(scores["per_image"]), len(others["per_image"])):
        raise ValueError(
            "The two files have captions of different images and cannot be compared. "
            "Caption the same images with both models."
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
    # It imports TensorFlow.
    from mmkeras.training import caption_report

    common = [name for name in references.ids if name in hypotheses]
    images = _images(args) if args.images else {}
    caption_report(
        args.report,
        references.subset(common) if len(common) < len(references.ids) else references,
        {name: hypotheses[name] for name in common},
        args.metrics,
        lambda name: images[name].read_bytes() if name in images else None,
        training_captions(args),
    )


def _images(args) -> dict:
    folder = pathlib.Path(args.images)
    names = read_coco_captions(args.references).file_names
    paths = {image_id: folder / name for image_id, name in names.items()}
    return {name: path for name, path in paths.items() if path.is_file()}
