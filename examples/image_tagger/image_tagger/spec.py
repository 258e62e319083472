"""Everything about the task that is known without importing Keras."""

from mmkeras.models import TaskSpec

SPEC = TaskSpec(
    name="tagger",
    summary="tag images with words",
    task="image_tagger.image_tagger:ImageTagger",
    run="image_tagger.tagger_run:TaggerRun",
    verb="tag",
    inputs=("image",),
    targets=("tags",),
    output="tags",
    options="image_tagger.tagger_run:TagOptions",
    runner="image_tagger.litert_tagger:LiteRTTagger",
    tiny={"image_size": 32, "hidden_dim": 32},
)
