"""Time epochs with a frozen image encoder, with and without cached features.

    python benchmarks/feature_cache.py

Trains the same captioner on the same scenes with EfficientNet-Lite0, in one run, and
prints the seconds of the second epoch of each (the first one compiles) and their ratio.
The time of caching itself, which is needed once, is printed separately.
"""

from __future__ import annotations

import argparse
import tempfile
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128])
    args = parser.parse_args()
    import mmkeras
    from mmkeras.models import ImageCaptioner

    train = mmkeras.data.load("emoji_scenes/small", split=f"train[:{args.images}]")
    captioner = ImageCaptioner.from_data(
        train, image_encoder="efficientnet_lite0", seed=0
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        cached = captioner.cache_features(train, folder, verbose=False)
        print(f"caching {args.images} images: {time.perf_counter() - start:.1f} s")
        for batch_size in args.batch_sizes:
            compare(captioner, train, cached, batch_size)


def compare(captioner, train, features, batch_size: int) -> None:
    seconds = {}
    for name, data in (("uncached", train), ("cached", features)):
        history = captioner.fit(
            data, batch_size=batch_size, epochs=2, feature_cache=None, verbose=0
        ).history
        seconds[name] = history["epoch_seconds"][-1]
    uncached, cached = seconds["uncached"], seconds["cached"]
    print(
        f"batch {batch_size}: uncached {uncached:.1f} s, cached {cached:.1f} s, ratio "
        f"{uncached / cached:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
