from __future__ import annotations

from mmkeras.models.task_spec import TaskSpec

SPEC = TaskSpec(
    name="generative-vqa",
    summary="answer questions about images in generated text",
    task="mmkeras.models.generative_visual_qa.generative_visual_qa:GenerativeVisualQA",
    run="mmkeras.models.generative_visual_qa.generative_visual_qa_run:"
    "GenerativeVisualQARun",
    verb="answer",
    inputs=("image", "question"),
    targets=("answer",),
    output="answer",
    options="mmkeras.decoding.decoding_options:DecodingOptions",
    runner="mmkeras.runtime.litert_visual_qa:LiteRTVisualQA",
    command="ask",
    tiny={"image_size": 32, "hidden_dim": 32, "num_layers": 0, "fusion": "gated"},
)
