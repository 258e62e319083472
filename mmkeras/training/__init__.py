"""Recipes: plain functions that train a task from a configuration."""

from mmkeras.training.captioner_run import CaptionerRun
from mmkeras.training.train_captioner import (
    load_samples,
    load_splits,
    train_captioner,
)
from mmkeras.training.write_test_captions import write_test_captions

__all__ = [
    "CaptionerRun",
    "load_samples",
    "load_splits",
    "train_captioner",
    "write_test_captions",
]
