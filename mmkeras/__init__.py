"""From a folder of images with text to a model that captions them."""

import lazy_loader

__version__ = "0.1.0"

# Rooms are imported when they are first used, so that `import mmkeras` and
# `mmkeras --help` do not wait for TensorFlow.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "data",
        "datasets",
        "decoding",
        "export",
        "keras2",
        "layers",
        "losses",
        "metrics",
        "models",
        "optimizers",
        "preprocessing",
        "pretrained",
        "runtime",
        "serving",
        "training",
    ],
)
