"""A captioner of drawings, trained in some styles and tested in another one.

    python apps/captioning/run.py train --sources DIR
    python apps/captioning/run.py caption IMAGES

The first command trains on `emoji_styles` in the styles of OpenMoji, Google and Fluent,
with a pretrained image encoder, and reports how often it names an image exactly in
Twitter's style, which is unseen in training; docs/datasets.md describes DIR. The second
command captions a folder of images and writes a gallery that shows the attention.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRESET = "captioner_of_drawings"
TRAINED_STYLES, TESTED_STYLE = ("openmoji", "google", "fluent"), "twitter"
ENDINGS = {".jpg", ".jpeg", ".png", ".gif", ".webp"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="train, and report on an unseen style")
    training.add_argument(
        "--sources", help="folder of the unpacked packages, needed the first time"
    )
    training.add_argument("--language", default="en", choices=["en", "zh"])
    training.add_argument("--epochs", type=int, default=16)
    training.add_argument(
        "--limit", type=int, help="maximum number of images of each style"
    )
    training.add_argument(
        "--unseen",
        action="store_true",
        help="exclude a tenth of the concepts from training, and report on these",
    )
    training.add_argument("--output", type=pathlib.Path, default=pathlib.Path(PRESET))
    training.set_defaults(run=train)
    captioning = commands.add_parser("caption", help="caption a folder of images")
    captioning.add_argument("images", type=pathlib.Path)
    captioning.add_argument("--preset", default=PRESET)
    captioning.add_argument(
        "--gallery", type=pathlib.Path, default=pathlib.Path("gallery")
    )
    captioning.set_defaults(run=caption)
    args = parser.parse_args(arguments)
    args.run(args)


def train(args: argparse.Namespace) -> None:
    """Train on three styles and report on the fourth."""
    import mmkeras
    from apps.captioning.nearest_neighbour import nearest_names
    from mmkeras.models import ImageCaptioner

    part = f"[:{args.limit}]" if args.limit else ""
    seen, new = mmkeras.data.load(
        f"emoji_styles/{args.language}",
        split=("+".join(s + part for s in TRAINED_STYLES), TESTED_STYLE + part),
        manual_dir=args.sources,
    )
    if args.unseen:
        seen, new = (
            select_concepts(seen, unseen=False),
            select_concepts(new, unseen=True),
        )
    captioner = ImageCaptioner.from_data(
        seen,
        image_encoder="efficientnet_lite0",
        hidden_dim=256,
        num_encoder_layers=0,
        num_decoder_layers=1,
        sequence_length=24,
        # On a few thousand images the model overfits the features without these.
        feature_dropout=0.5,
        power_normalization=True,
        seed=0,
    )
    captioner.compile(label_smoothing=0.1, word_loss=0.3)
    with tempfile.TemporaryDirectory() as cache:
        say("Computing the features of the pretrained image encoder")
        seen = captioner.cache_features(seen, cache, verbose=False)
        features = captioner.cache_features(new, cache, verbose=False)
        nearest = nearest_names(features, seen)
        say("Training")
        start = time.monotonic()
        captioner.fit(
            seen, epochs=args.epochs, batch_size=64, shuffle_buffer=8192, verbose=2
        )
    results = {"training_minutes": (time.monotonic() - start) / 60}
    say(f"Naming images in the unseen style of {TESTED_STYLE}")
    names = [sample["captions"][0].numpy().decode() for sample in new]
    images = [sample["image"].numpy() for sample in new]
    results["images"] = len(names)
    written = captioner.generate(images, num_beams=4)
    tokenizer = captioner.preprocessor.tokenizer
    results["exact_names"] = share(written, names, tokenizer)
    results["exact_names_of_the_nearest_neighbour"] = share(nearest, names, tokenizer)
    results["a_word_in_common"] = sum(
        bool(set(one.split()) & set(other.lower().split()))
        for one, other in zip(written, names, strict=True)
    ) / len(names)
    for name, value in results.items():
        print(f"  {name}: {value:.3f}")
    captioner.save_to_preset(args.output)
    (args.output / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    for one, other in list(zip(written, names, strict=True))[:12]:
        print(f"  {other}: {one}")
    say(f"The preset is in {args.output}")


def caption(args: argparse.Namespace) -> None:
    """Caption every image of a folder and write the gallery."""
    from apps.captioning.gallery import write_gallery
    from mmkeras.models import ImageCaptioner

    if not args.images.is_dir():
        raise SystemExit(f"There is no folder {args.images}.")
    paths = sorted(p for p in args.images.iterdir() if p.suffix.lower() in ENDINGS)
    if args.gallery.resolve() == args.images.resolve():
        raise SystemExit(
            f"The gallery would be written among the images of {args.images}. Give "
            "another folder with --gallery."
        )
    if not paths:
        raise SystemExit(f"{args.images} has no images ({', '.join(ENDINGS)}).")
    captioner = ImageCaptioner.from_preset(args.preset)
    captions = captioner.generate(paths, num_beams=4, num_sequences=3, on_error="skip")
    for path, best in zip(paths, captions, strict=True):
        text = best[0] if best else "cannot be read, and is skipped"
        print(f"{path.name}: {text}")
    page = write_gallery(args.gallery, captioner, paths, captions)
    say(f"Open {page}")


def select_concepts(dataset, unseen: bool):
    """Select the samples of concepts that are, or are not, excluded from training."""
    import tensorflow as tf

    kept = dataset.filter(lambda sample: tf.equal(sample["unseen_concept"], unseen))
    # The cardinality of a filtered dataset is unknown, and `fit` needs it.
    number = sum(1 for _ in kept)
    return kept.apply(tf.data.experimental.assert_cardinality(number))


def share(written: list[str], names: list[str], tokenizer) -> float:
    """Share of captions that equal the name, token for token."""
    import numpy as np

    def token_ids(texts):
        return [row.tolist() for row in tokenizer.tokenize(texts).numpy()]

    pairs = zip(token_ids(written), token_ids(names), strict=True)
    return float(np.mean([one == other for one, other in pairs]))


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    # `python apps/captioning/run.py` puts this folder on sys.path, not the root.
    sys.path.insert(0, str(ROOT))
    main()
