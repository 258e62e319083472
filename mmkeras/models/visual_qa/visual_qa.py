from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from mmkeras.arguments import refuse_unknown_arguments, whole_number
from mmkeras.data import answer_texts
from mmkeras.layers import ImageEncoder
from mmkeras.losses import AnswerCrossentropy
from mmkeras.metrics import AnswerAccuracy
from mmkeras.models.questions.encoder_parts import EncoderParts
from mmkeras.models.questions.explanation import Explanation, explain_answer
from mmkeras.models.questions.fusion_block_of import fusion_block_of
from mmkeras.models.questions.question_task import QuestionTask
from mmkeras.models.registry import register_task
from mmkeras.models.visual_qa.answer_signatures import answer_signatures
from mmkeras.models.visual_qa.answer_static_form import answer_static_form
from mmkeras.models.visual_qa.frequent_answers import frequent_answers
from mmkeras.models.visual_qa.spec import SPEC
from mmkeras.models.visual_qa.visual_qa_backbone import VisualQABackbone
from mmkeras.models.visual_qa.visual_qa_preprocessor import VisualQAPreprocessor
from mmkeras.runtime.caption import Answer

if TYPE_CHECKING:
    from mmkeras.export import StaticForm

# Enough to contain a known answer, however many rare ones there are.
_ANSWERS_CHECKED = 512


@register_task(SPEC)
@keras.saving.register_keras_serializable(package="mmkeras")
class VisualQA(QuestionTask):
    """Answers questions about images with one of the known answers.

    The known answers are the most frequent ones of the training data. An image is
    encoded once for all of its questions, in training and in inference.

    Args:
        backbone: a `VisualQABackbone`.
        preprocessor: a `VisualQAPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images`, float32 `[batch, size, size, 3]`, or
            `image_features`, float `[batch, regions, channels]` (the image encoder's
            features of the images); `image_mask`, int32 `[batch]`, 0 for a missing
            image; and `token_ids`, int32 `[batch, questions, length]`.

    Output shape:
        float32 logits `[batch, questions, answers]`; with `modality_heads` a dict of
        logits: `"answer"`, `"image"`, `"text"`.

    Example:
        ```python
        train, test = mmkeras.data.load("easy_vqa", split=("train", "test"))
        vqa = mmkeras.models.VisualQA.from_data(train, fusion="film")
        vqa.fit(train, validation_data=test, epochs=10)
        vqa.answer("photo.png", "what color is the circle?", num_sequences=3)
        ```

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
    """

    backbone_cls = VisualQABackbone
    preprocessor_cls = VisualQAPreprocessor
    parts = (
        "image_encoder",
        "region_encoder",
        "text_encoder",
        "fusion",
        "head_hidden",
        "head",
        "image_head",
        "text_head",
    )
    lora_parts = ("text_encoder", "fusion", "head_hidden", "head")
    default_learning_rate = 2e-3

    def __init__(
        self,
        backbone: VisualQABackbone,
        preprocessor: VisualQAPreprocessor,
        compile: bool = True,
        **kwargs: Any,
    ):
        self._graph = None
        super().__init__(backbone, preprocessor, compile=compile, **kwargs)

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        text_encoder: Any = "gru",
        fusion: str | keras.layers.Layer = "stacked_attention",
        image_size: int | None = None,
        num_answers: int = 3000,
        min_answer_count: int = 1,
        vocabulary_size: int = 8000,
        sequence_length: int | None = None,
        hidden_dim: int = 128,
        num_layers: int = 1,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> VisualQA:
        """Creates a model with the vocabulary and the answers of a dataset.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `question`, and `answer`
                or `answers`.
            image_encoder: as `ImageCaptioner.from_data` accepts it.
            text_encoder: string, `"gru"`, `"lstm"` or `"transformer"` (trained from
                scratch), or `"minilm"` (pretrained); or anything else that
                `mmkeras.models.build_text_encoder` accepts.
            fusion: string, one of `mmkeras.layers.fusion.names()`, or a fusion block.
            image_size: int, side in pixels, or `None` for the encoder's own.
            num_answers: int, maximum number of known answers.
            min_answer_count: int, how often the data must have an answer for it to be
                known.
            vocabulary_size: int, maximum number of tokens to learn.
            sequence_length: int, maximum number of tokens of a question, with start
                and end token; longer questions are cut. `None` for that of the longest
                question, at least 24 and at most 128.
            hidden_dim: int, dimension of the regions, the tokens and the fusion.
            num_layers: int, transformer blocks over the image regions.
            trainable_encoder: bool, whether to train the image encoder; `None` to
                train it unless it is pretrained.
            seed: int, random seed, or `None`.
            **kwargs: passed to `VisualQABackbone`, e.g. `modality_heads=True`. The
                default of `modality_dropout` is 0.05 for each modality here, so that
                the model learns to answer without an image or a question.

        Returns:
            A `VisualQA`, compiled with the defaults.

        Raises:
            TypeError: if an argument is unknown.
            ValueError: if the dataset has no questions or no answers, or an encoder or
                a fusion block is unknown.
        """
        num_answers = whole_number("num_answers", num_answers, 1)
        min_answer_count = whole_number("min_answer_count", min_answer_count, 1)
        refuse_unknown_arguments(
            kwargs, "VisualQA.from_data", VisualQA.from_data, VisualQABackbone
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        answers = frequent_answers(answer_texts(dataset), num_answers, min_answer_count)
        parts = EncoderParts.build(
            dataset,
            image_encoder,
            image_size,
            trainable_encoder,
            text_encoder,
            vocabulary_size,
            hidden_dim,
            sequence_length,
        )
        defaults = {
            "num_encoder_layers": num_layers,
            "modality_dropout": {"image": 0.05, "text": 0.05},
        }
        backbone = VisualQABackbone(
            parts.image_encoder,
            parts.text_encoder,
            fusion_block_of(fusion, hidden_dim, len(answers)),
            num_answers=len(answers),
            sequence_length=parts.sequence_length,
            hidden_dim=hidden_dim,
            **{**defaults, **kwargs},
        )
        preprocessor = VisualQAPreprocessor(
            parts.image_converter, parts.tokenizer, answers, parts.sequence_length
        )
        return cls(backbone=backbone, preprocessor=preprocessor)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "auto",
        loss: str | keras.losses.Loss | dict = "auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.0,
        answer_weights: dict[str, float] | None = None,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics: str | list | dict = "auto",
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: a Keras optimizer, or `"auto"`, as in `ImageCaptioner.compile`.
            loss: a Keras loss, or `"auto"` for `AnswerCrossentropy`. For VQA v2
                `SoftScoreCrossentropy()` is usual.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                2e-3. A custom optimizer has its own learning rate.
            label_smoothing: float, of the default loss.
            answer_weights: dict from answer to float, of the default loss, e.g. from
                `mmkeras.data.class_weights`; answers that are not in it have weight 1.
            learning_rate_factors: dict of float, as in `ImageCaptioner.compile`.
            weighted_metrics: list of Keras metrics, or `"auto"` for `AnswerAccuracy`.
            jit_compile: bool, whether to compile training with XLA.
            **kwargs: passed to `keras.Model.compile`; for a model with
                `modality_heads` `loss_weights={"answer": 1.0, "image": 0.3,
                "text": 0.3}` sets `α_v` and `α_t`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer, or
                `answer_weights` or `learning_rate_factors` has an unknown name.
        """
        if loss == "auto":
            loss = AnswerCrossentropy(
                label_smoothing, self._weights_of_answers(answer_weights)
            )
        if weighted_metrics == "auto":
            weighted_metrics = [AnswerAccuracy()]
        if self.backbone.modality_heads:
            heads = ("answer", "image", "text")
            loss = loss if isinstance(loss, dict) else dict.fromkeys(heads, loss)
            if not isinstance(weighted_metrics, dict):
                weighted_metrics = {"answer": weighted_metrics}
        super().compile(
            optimizer=optimizer,
            loss=loss,
            learning_rate=learning_rate,
            learning_rate_factors=learning_rate_factors,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def call(
        self, inputs: dict, training: bool | None = None
    ) -> tf.Tensor | dict[str, tf.Tensor]:
        regions = self.backbone.regions_of(inputs, training)
        # Keras averages the first batch over replicas to see its shapes, which makes
        # floats of the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        return self.backbone.question_reader(
            regions, token_ids, inputs["image_mask"], training=training
        )

    def answer(
        self,
        images: Any,
        questions: Any,
        *,
        num_sequences: int = 1,
        batch_size: int = 32,
        on_error: str = "raise",
    ) -> Answer | list:
        """Answers questions about images.

        Args:
            images: a path, encoded bytes, or a uint8 array `[height, width, 3]`; or a
                list of these. `None` in place of an image asks without one.
            questions: a string, or a list of strings about one image; for several
                images one string for all of them, or a list as long, of strings or
                lists of strings. `None` in place of a string asks without a question.
                The `question` of a batch of a dataset is accepted beside its `image`.
            num_sequences: int, number of answers to each question, best first.
            batch_size: int, number of images in a batch.
            on_error: string, what to do with unreadable images: `"raise"` an error that
                names them, `"skip"` them, with `None` in place of their answers, or
                `"return"` an `UnreadableError` in place of them.

        Returns:
            For each question an `Answer`, a string with the attribute `score`, its
            probability (a softmax, whatever the loss); with `num_sequences` above 1 a
            list of answers. For one question about one image that itself; for several
            questions about an image a list; for several images a list of these.

        Raises:
            FileNotFoundError: if a path does not exist.
            ValueError: if an image is unreadable, a question is blank, the numbers of
                images and questions differ, or an argument is out of range.
        """
        known = self.preprocessor.answers
        number = whole_number("num_sequences", num_sequences, 1, len(known))

        def read(probabilities):
            # Stable, so that equal scores keep the order of the answers.
            best = np.argsort(-probabilities, kind="stable")[:number]
            found = [Answer(known[i], float(probabilities[i])) for i in best]
            return found[0] if number == 1 else found

        def answer(pixels, batch):
            rows = self.answerer()(pixels, batch.present, batch.questions).numpy()
            return [[read(question) for question in row] for row in rows]

        return self._answer_all(images, questions, batch_size, on_error, answer)

    def answerer(self) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
        """The probabilities of the answers as one graph, which `answer` and `export`
        share.

        Returns:
            A function of float32 `[batch, size, size, 3]`, bool `[batch]` (whether
            there is an image) and string `[batch, questions]` (blank for padding) to
            probabilities, float32 `[batch, questions, answers]`.
        """
        if self._graph is None:
            side = self.backbone.image_encoder.image_size
            self._graph = tf.function(
                self._probabilities,
                input_signature=[
                    tf.TensorSpec([None, side, side, 3], tf.float32),
                    tf.TensorSpec([None], tf.bool),
                    tf.TensorSpec([None, None], tf.string),
                ],
                autograph=False,
            )
        return self._graph

    def grader(self) -> Callable[..., tf.Tensor]:
        """The scores of the model's answers, as a function to trace in a graph.

        Returns:
            A function of regions (`backbone.regions`), token ids, `image_mask` and
            scores, as the preprocessor makes them, to float32 `[batch, questions]`:
            the score of the most probable answer.
        """

        def grade(regions, token_ids, image_mask, scores):
            logits = self.backbone.question_reader(
                regions, token_ids, image_mask, training=False
            )
            best = tf.argmax(_answer_logits(logits), axis=-1)
            return tf.gather(scores, best, batch_dims=2)

        return grade

    def explain(
        self, image: Any, question: str, answer: str | None = None
    ) -> Explanation:
        """Explains an answer by attention and Grad-CAM.

        Fusion blocks that attend give their attention over regions and tokens. For
        all blocks the gradient of the answer's score shows which regions it depends
        on (Grad-CAM).

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            question: string.
            answer: string, the answer to explain, or `None` for the model's own.

        Returns:
            An `Explanation`: `answer`, `score`, `tokens`, `image_attention`,
            `text_attention`, `image_gradient`, and `plot(path)`.

        Raises:
            ValueError: if the image is unreadable, the question is blank, or the
                answer is unknown to the model.

        Reference:
            - [Selvaraju et al., 2017](https://arxiv.org/abs/1610.02391)
        """
        return explain_answer(self, image, question, answer)

    def score_of(
        self, fused: Any, answer: str | None
    ) -> tuple[str, tf.Tensor, tf.Tensor]:
        """The logit and the probability of an answer to one question, for `explain`.

        Args:
            fused: the output of `backbone.question_reader` for one question.
            answer: string, or `None` for the most probable one.

        Returns:
            The answer, its logit and its probability.

        Raises:
            ValueError: if the answer is unknown to the model.
        """
        answers = self.preprocessor.answers
        logits = _answer_logits(fused)[0, 0]
        if answer is None:
            place = int(tf.argmax(logits))
        else:
            place = int(self.preprocessor.places(tf.constant(answer)))
        if place < 0:
            raise ValueError(
                f"The model does not know the answer {answer!r}. It knows: "
                f"{', '.join(answers[:5])}, ... (`preprocessor.answers`)."
            )
        return answers[place], logits[place], tf.nn.softmax(logits)[place]

    def signatures(self, num_sequences: int = 3) -> dict:
        """See `answer_signatures`."""
        return answer_signatures(self, num_sequences)

    def static_form(self, num_sequences: int = 3) -> StaticForm:
        """See `answer_static_form`."""
        return answer_static_form(self, num_sequences)

    def _probabilities(self, images, present, questions):
        regions = self.backbone.regions(images)
        token_ids = self.preprocessor.tokenize(questions)
        logits = self.backbone.question_reader(
            regions, token_ids, present, training=False
        )
        return tf.nn.softmax(_answer_logits(logits))

    def _check_samples(self, dataset) -> None:
        super()._check_samples(dataset)
        given = list(itertools.islice(answer_texts(dataset), _ANSWERS_CHECKED))
        known = self.preprocessor.answers
        if given and np.all(self.preprocessor.places(tf.constant(given)) < 0):
            warnings.warn(
                f"None of the first {len(given)} answers of the data is known to this "
                f"model: {given[0]!r:.60} …, while it knows {known[0]!r:.60} and "
                f"{len(known) - 1} others (`preprocessor.answers`). They count as "
                "wrong. A new model learns its answers with `from_data`.",
                stacklevel=2,
            )

    def _weights_of_answers(self, weights) -> list[float] | None:
        if weights is None:
            return None
        answers = self.preprocessor.answers
        unknown = sorted(set(weights) - set(answers))
        if unknown:
            raise ValueError(
                "`answer_weights` has answers that the model does not know. Remove "
                f"them: {unknown[:5]}."
            )
        return [float(weights.get(answer, 1.0)) for answer in answers]

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._graph = None

    def _finish(self, batches):
        return batches.map(self._finished, num_parallel_calls=tf.data.AUTOTUNE)

    def _finished(self, inputs, scores, weights):
        """A batch cut to its longest question, with targets for all heads."""
        inputs = self._without_padding(inputs)
        if not self.backbone.modality_heads:
            return inputs, scores, weights
        heads = ("answer", "image", "text")
        return inputs, dict.fromkeys(heads, scores), dict.fromkeys(heads, weights)


def _answer_logits(logits):
    """The logits of the answers, also of a model with `modality_heads`."""
    return logits["answer"] if isinstance(logits, dict) else logits
