"""Train the preset saved_models/emoji_scenes_vqa.

    python benchmarks/train_vqa_presets.py

The image encoder is that of the captioner saved_models/emoji_scenes_captioner with its
region encoder, trained on the captions of the same scenes, and stays frozen; the rest
is trained on the questions. Writes the preset, its SavedModel, and metrics.json with
the report of each test split.
"""

from __future__ import annotations

import argparse
import json
import pathlib

import mmkeras.data
from mmkeras.models import ImageCaptioner, VisualQA, visual_qa_report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--captioner", default="saved_models/emoji_scenes_captioner")
    parser.add_argument("--output", default="saved_models/emoji_scenes_vqa")
    parser.add_argument("--data", default="emoji_scenes/small")
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    splits = ("train", "validation", "test", "test_unseen_pairs")
    train, validation, *tests = mmkeras.data.load(args.data, split=splits)
    vqa = VisualQA.from_data(
        train,
        image_encoder=ImageCaptioner.from_preset(args.captioner).region_model(),
        trainable_encoder=False,
        fusion="stacked_attention",
        num_layers=0,
        modality_dropout={"image": 0.05, "text": 0.02},
        seed=0,
    )
    history = vqa.fit(
        train, validation_data=validation, epochs=args.epochs, batch_size=64, verbose=2
    ).history
    reports = {
        name: visual_qa_report(vqa, test, batch_size=100)
        for name, test in zip(splits[2:], tests, strict=True)
    }
    folder = pathlib.Path(args.output)
    vqa.save_to_preset(folder)
    vqa.export(folder / "serving" / "1", overwrite=True)
    for name, content in (("metrics", reports), ("history", history)):
        text = json.dumps(content, indent=2, default=float) + "\n"
        (folder / f"{name}.json").write_text(text)
    print(json.dumps(reports, indent=2))


if __name__ == "__main__":
    main()
