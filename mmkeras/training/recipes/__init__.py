"""Training on public datasets, with the published figures to compare with.

The recipes share an ImageNet encoder (`efficientnet_lite0`) that stays frozen, so that
its features are computed once, 512 dimensions and 3 transformer blocks as in Cornia et
al. (2020), the default label smoothing of `ImageCaptioner.compile` (0.05), and beam
search with 5 beams; captions that are too long are cut.

None of the recipes has been trained on its dataset: only `smoke=True` has been run, on
files in the official formats that the tests make. The settings follow the papers and
are not tuned.
"""

from mmkeras.training.recipes.coco_karpathy import coco_karpathy
from mmkeras.training.recipes.conceptual_captions import conceptual_captions
from mmkeras.training.recipes.flickr8k import flickr8k
from mmkeras.training.recipes.flickr30k import flickr30k

__all__ = ["coco_karpathy", "conceptual_captions", "flickr30k", "flickr8k"]
