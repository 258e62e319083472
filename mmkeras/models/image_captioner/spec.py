from __future__ import annotations

from mmkeras.models.task_spec import TaskSpec

SPEC = TaskSpec(
    name="captioner",
    summary="write captions of images",
    task="mmkeras.models.image_captioner.image_captioner:ImageCaptioner",
    run="mmkeras.models.image_captioner.captioner_run:CaptionerRun",
    verb="generate",
    inputs=("image",),
    targets=("captions", "caption"),
    output="caption",
    options="mmkeras.decoding.decoding_options:DecodingOptions",
    export_options="mmkeras.models.image_captioner.caption_export:CaptionExport",
    runner="mmkeras.runtime.litert_captioner:LiteRTCaptioner",
    command="caption",
    tiny={"image_size": 32, "hidden_dim": 32, "num_layers": 1},
)
