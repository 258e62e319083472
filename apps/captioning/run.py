"""A captioner of drawn pictures, trained in some styles and tested in another.

    python apps/captioning/run.py train --sources DIR
    python apps/captioning/run.py caption PICTURES

The first trains on `emoji_styles` in the styles of OpenMoji, Google and Fluent, with a
pretrained image encoder, and reports how often it names a picture exactly in Twitter's
style, which it has never seen; docs/datasets.md says what DIR holds. The second
captions a folder of one's own and writes a gallery that shows where the model looked.
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
    training = commands.add_parser("train", help="train, and report on a new style")
    training.add_argument("--sources", help="the unpacked packages; once only")
    training.add_argument("--language", default="en", choices=["en", "zh"])
    training.add_argument("--epochs", type=int, default=16)
    training.add_argument("--limit", type=int, help="pictures of each style")
    training.add_argument(
        "--unseen",
        action="store_true",
        help="leave a tenth of the things out of training, and report on these",
    )
    training.add_argument("--output", type=pathlib.Path, default=pathlib.Path(PRESET))
    training.set_defaults(run=train)
    captioning = commands.add_parser("caption", help="caption a folder of pictures")
    captioning.add_argument("pictures", type=pathlib.Path)
    captioning.add_argument("--preset", default=PRESET)
    captioning.add_argument(
        "--gallery", type=pathlib.Path, default=pathlib.Path("gallery")
    )
    captioning.set_defaults(run=caption)
    args = parser.parse_args(arguments)
    args.run(args)


def train(args: argparse.Namespace) -> None:
    """Trains on three styles and reports on the fourth."""
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
        seen, new = parted(seen, unseen=False), parted(new, unseen=True)
    captioner = ImageCaptioner.from_data(
        seen,
        image_encoder="efficientnet_lite0",
        hidden_dim=256,
        num_encoder_layers=0,
        num_decoder_layers=1,
        sequence_length=24,
        # A few thousand pictures: without these it learns its features by heart.
        feature_dropout=0.5,
        power_normalization=True,
        seed=0,
    )
    captioner.compile(label_smoothing=0.1, word_loss=0.3)
    with tempfile.TemporaryDirectory() as cache:
        say("The pretrained image encoder looks at every picture once")
        seen = captioner.cache_features(seen, cache, verbose=False)
        features = captioner.cache_features(new, cache, verbose=False)
        nearest = nearest_names(features, seen)
        say("Training")
        start = time.monotonic()
        captioner.fit(
            seen, epochs=args.epochs, batch_size=64, shuffle_buffer=8192, verbose=2
        )
    results = {"training_minutes": (time.monotonic() - start) / 60}
    say(f"Naming pictures in the style of {TESTED_STYLE}, which it has never seen")
    names = [sample["captions"][0].numpy().decode() for sample in new]
    images = [sample["image"].numpy() for sample in new]
    results["pictures"] = len(names)
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
    """Captions every picture of a folder and writes the gallery."""
    from apps.captioning.gallery import write_gallery
    from mmkeras.models import ImageCaptioner

    if not args.pictures.is_dir():
        raise SystemExit(f"There is no folder {args.pictures}.")
    paths = sorted(p for p in args.pictures.iterdir() if p.suffix.lower() in ENDINGS)
    if args.gallery.resolve() == args.pictures.resolve():
        raise SystemExit(
            f"The gallery would be written among the pictures of {args.pictures}. Give "
            "another folder with --gallery."
        )
    if not paths:
        raise SystemExit(f"{args.pictures} has no pictures ({', '.join(ENDINGS)}).")
    captioner = ImageCaptioner.from_preset(args.preset)
    found = captioner.generate(
        paths, num_beams=4, num_sequences=3, return_scores=True, on_error="skip"
    )
    for path, captions in zip(paths, found, strict=True):
        text = captions[0][0] if captions else "cannot be read, and is left out"
        print(f"{path.name}: {text}")
    page = write_gallery(args.gallery, captioner, paths, found)
    say(f"Open {page}")


def parted(dataset, unseen: bool):
    """The samples of things that are, or are not, left out of training."""
    import tensorflow as tf

    kept = dataset.filter(lambda sample: tf.equal(sample["unseen_concept"], unseen))
    # A filtered dataset does not tell its length, which `fit` asks for.
    number = sum(1 for _ in kept)
    return kept.apply(tf.data.experimental.assert_cardinality(number))


def share(written: list[str], names: list[str], tokenizer) -> float:
    """The share of names that are written exactly, as the tokenizer spells them."""
    import numpy as np

    def spelled(texts):
        return [row.tolist() for row in tokenizer.tokenize(texts).numpy()]

    pairs = zip(spelled(written), spelled(names), strict=True)
    return float(np.mean([one == other for one, other in pairs]))


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    # `python apps/captioning/run.py` puts this folder on the path, not the root.
    sys.path.insert(0, str(ROOT))
    main()
