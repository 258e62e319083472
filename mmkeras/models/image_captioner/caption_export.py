from __future__ import annotations

import dataclasses

from mmkeras.arguments import setting
from mmkeras.decoding.decoding_options import DecodingOptions


@dataclasses.dataclass(frozen=True)
class CaptionExport(DecodingOptions):
    """The options of the export of an `ImageCaptioner`.

    Args:
        stepwise: bool, whether a LiteRT file leaves the loop over tokens to the host,
            e.g. to show words as they come.
    """

    stepwise: bool = setting(
        False,
        "of a LiteRT file: the app runs the loop and shows words as they come",
        role="litert",
    )
