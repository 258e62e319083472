import keras
import tensorflow as tf

from image_tagger.litert_tagger import read_tags
from image_tagger.spec import SPEC
from mmkeras.data import texts_under
from mmkeras.models import ImageTask, TaskPreprocessor, VisionBackbone, register_task


@keras.saving.register_keras_serializable(package="image_tagger")
class TaggerBackbone(VisionBackbone):
    """From images to the probability of each tag, float32 `[batch, num_tags]`."""

    def __init__(self, image_encoder, num_tags, hidden_dim=128, dropout=0.1, **kwargs):
        # === Layers ===
        options = {"dropout": dropout, "dtype": kwargs.get("dtype")}
        self.build_vision(image_encoder, hidden_dim, **options)
        self.head = keras.layers.Dense(num_tags, "sigmoid", dtype="float32")
        # === Functional model ===
        inputs = {"images": self.image_input()}
        scores = self.scores(self.regions(inputs["images"]))
        super().__init__(inputs, scores, **kwargs)
        # === Config ===
        self.num_tags, self.hidden_dim, self.dropout = num_tags, hidden_dim, dropout

    def scores(self, regions):
        return self.head(keras.ops.mean(regions, axis=1))

    def get_config(self):
        return {
            **super().get_config(),
            "num_tags": self.num_tags,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="image_tagger")
class TaggerPreprocessor(TaskPreprocessor):
    """From a batch of samples to the model's inputs and targets.

    Targets are float32 `[batch, num_tags]`, 1 for each tag of the image.
    """

    def __init__(self, image_converter, tags, **kwargs):
        super().__init__(**kwargs)
        self.image_converter = image_converter
        self.tags = tuple(tags)

    def call(self, x, y=None, sample_weight=None):
        tags = x["tags"]
        if isinstance(tags, tf.RaggedTensor):
            tags = tags.to_tensor("")
        equal = tf.equal(tf.expand_dims(tags, -1), tf.constant(self.tags))
        targets = tf.cast(tf.reduce_any(equal, axis=1), tf.float32)
        return self.decoded_inputs(x), targets

    def get_config(self):
        return {**super().get_config(), "tags": list(self.tags)}


@register_task(SPEC)
@keras.saving.register_keras_serializable(package="image_tagger")
class ImageTagger(ImageTask):
    """Tags images with all words that apply (multi-label classification).

    Example:
        ```python
        tagger = ImageTagger.from_data(dataset)
        tagger.fit(dataset, epochs=10)
        tagger.tag("photo.jpg")  # ["cat", "sofa"], strings with a `score`
        ```
    """

    backbone_cls = TaggerBackbone
    preprocessor_cls = TaggerPreprocessor
    parts = ("image_encoder", "region_encoder", "head")
    lora_parts = ("region_encoder", "head")

    @classmethod
    def from_image_encoder(cls, dataset, image_encoder, image_converter, **kwargs):
        tags = sorted(set(texts_under(dataset, "tags")))
        backbone = TaggerBackbone(image_encoder, len(tags), **kwargs)
        return cls(backbone, TaggerPreprocessor(image_converter, tags))

    def compile(self, optimizer="auto", loss="binary_crossentropy", **kwargs):
        kwargs = {"weighted_metrics": ["precision", "recall"], **kwargs}
        super().compile(optimizer, loss, **kwargs)

    def call(self, inputs, training=None):
        return self.backbone.scores(self.backbone.regions_of(inputs, training))

    def tag(self, images, threshold=0.5, **kwargs):
        """Tags images.

        Args:
            images: a path, encoded bytes, or uint8 `[height, width, 3]`; or a list.
            threshold: float, the probability from which a tag is given.
            **kwargs: `batch_size` and `on_error`, as in `Task.predict_each`.

        Returns:
            A list of `Caption`, best first, or for several images a list of these.
        """

        def predict(pixels):
            return read_tags(self.serve(pixels, threshold))

        return self.predict_each(images, predict, **kwargs)

    def serve(self, images, threshold=0.5):
        """All tags, best first, and their scores; blank and 0 below the threshold."""
        known = self.preprocessor.tags
        scores = self.backbone.scores(self.backbone.regions(images))
        scores, places = tf.math.top_k(scores, len(known))
        given = scores >= threshold
        places = tf.where(given, places, len(known))
        tags = tf.gather(tf.constant([*known, ""]), places)
        return {"tags": tags, "scores": tf.where(given, scores, 0.0)}
