"""Trainings on public datasets, with the published figures they aim at."""

from mmkeras.training.recipes.coco_karpathy import coco_karpathy
from mmkeras.training.recipes.conceptual_captions import conceptual_captions
from mmkeras.training.recipes.flickr8k import flickr8k
from mmkeras.training.recipes.flickr30k import flickr30k

__all__ = ["coco_karpathy", "conceptual_captions", "flickr30k", "flickr8k"]
