"""Scores and a report of the captions that a preset writes."""

from __future__ import annotations

from mmkeras.cli.known_captions import known_captions


def judge_captions(task, dataset, args) -> dict[str, float]:
    """Scores the captions of a task by the metrics that were asked for.

    Args:
        task: a task that writes captions.
        dataset: an unbatched `tf.data.Dataset` of samples with references.
        args: the parsed command line of `mmkeras evaluate`.

    Returns:
        dict from metric to score. The report is written, if one was asked for.
    """
    from mmkeras.metrics import CaptionReferences, evaluate_captions
    from mmkeras.models import Predictions
    from mmkeras.models.image_captioner.caption_scores import METRICS, tokenizer_for
    from mmkeras.models.image_captioner.captioned_samples import CaptionedSamples
    from mmkeras.training import caption_report

    predictions = Predictions(
        task, dataset, args.batch_size, keep_images=bool(args.report)
    )
    written = CaptionedSamples.of(predictions)
    texts = [text for row in written.references.values() for text in row]
    tokenizer = args.tokenizer or tokenizer_for(texts)
    references = CaptionReferences(written.references, tokenizer)
    hallucination = {}
    if "scene" in dataset.element_spec:
        from mmkeras.datasets import scene_hallucination

        hallucination = scene_hallucination(predictions)
    metrics = args.metrics or list(METRICS)
    if args.report:
        scores = caption_report(
            args.report,
            references,
            written.captions,
            metrics,
            written.images.get,
            known_captions(args),
            hallucination,
        )
    else:
        scores = evaluate_captions(references, written.captions, metrics)
    return scores | hallucination
