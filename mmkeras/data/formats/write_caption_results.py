from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Hashable, Mapping


def write_caption_results(
    captions: Mapping[Hashable, str], path: str | os.PathLike
) -> None:
    """Writes captions in the format of COCO's results, which its server takes.

    Args:
        captions: dict from the id of an image to its caption. COCO's ids are ints.
        path: of the JSON to write.
    """
    results = [
        {"image_id": image_id, "caption": caption}
        for image_id, caption in captions.items()
    ]
    text = json.dumps(results, ensure_ascii=False) + "\n"
    pathlib.Path(path).write_text(text, "utf-8")
