from __future__ import annotations

from mmkeras.models.task_spec import TaskSpec

SPEC = TaskSpec(
    name="vqa",
    summary="answer questions about images with one of the known answers",
    task="mmkeras.models.visual_qa.visual_qa:VisualQA",
    run="mmkeras.models.visual_qa.visual_qa_run:VisualQARun",
    verb="answer",
    inputs=("image", "question"),
    targets=("answer", "answers"),
    output="answer",
    options="mmkeras.models.visual_qa.answer_options:AnswerOptions",
    runner="mmkeras.runtime.litert_visual_qa:LiteRTVisualQA",
    command="ask",
    tiny={"image_size": 32, "hidden_dim": 32, "num_layers": 0, "fusion": "gated"},
)
