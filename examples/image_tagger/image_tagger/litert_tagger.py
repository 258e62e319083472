"""The task's LiteRT files, run without TensorFlow."""

import numpy as np

from mmkeras.runtime import Caption, LiteRTFile


class LiteRTTagger(LiteRTFile):
    """A file that `ImageTagger.export(path, format="litert")` wrote."""

    def tags(self, image):
        """The tags of an image; see `ImageTagger.tag`."""
        return read_tags(self.run("tags", image=self.pixels(image)))[0]


def read_tags(outputs):
    """The tags of each row that are not blank, as strings with a `score`."""
    tags, scores = np.asarray(outputs["tags"]), np.asarray(outputs["scores"])
    return [
        [Caption(tag.decode("utf-8"), float(score)) for tag, score in pairs if tag]
        for pairs in map(zip, tags, scores)
    ]
