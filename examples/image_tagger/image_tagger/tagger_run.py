"""The settings of the task, which are the flags of its commands."""

import dataclasses
import os

from mmkeras.arguments import check_settings, setting
from mmkeras.models import ImageRun


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggerRun(ImageRun):
    """The settings of a training run of an `ImageTagger`, besides those of `ImageRun`.

    Args:
        labels: string, table with the columns `image` and `tags`; `None` for
            `labels.csv` in the folder.
    """

    labels: str | None = setting(
        None, "table of image and tags (default: labels.csv in the folder)", role="data"
    )

    @classmethod
    def load_data(cls, data, split="train", labels=None, **arguments):
        """Loads a folder of images, with a table whose cells are like `red; big`."""
        from mmkeras.data import from_folder

        labels = labels or os.path.join(data, "labels.csv")
        separators = {"tags": " ,;，；、"}
        return from_folder(data, labels, {"tags": "tags"}, separators, **arguments)


@dataclasses.dataclass(frozen=True)
class TagOptions:
    """The options of `ImageTagger.tag` and of exports."""

    threshold: float = setting(
        0.5, "probability from which a tag is given", minimum=0, maximum=1
    )

    def __post_init__(self):
        check_settings(self)
