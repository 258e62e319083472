from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.arguments.whole_number import whole_number
from mmkeras.data import answer_texts, question_texts
from mmkeras.layers import ImageEncoder
from mmkeras.losses import AnswerCrossentropy
from mmkeras.metrics import AnswerAccuracy
from mmkeras.models import VisualQAPreprocessor
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.encoders.text_encoders import build_text_encoder
from mmkeras.models.questions.explanation import Explanation, explain_answer
from mmkeras.models.questions.fusion_block_of import fusion_block_of
from mmkeras.models.questions.question_batches import question_batches
from mmkeras.models.questions.question_task import QuestionTask
from mmkeras.models.visual_qa.frequent_answers import frequent_answers
from mmkeras.models.visual_qa.visual_qa_backbone import VisualQABackbone
from mmkeras.preprocessing import ImageConverter
from mmkeras.preprocessing.images.load_images import refuse_bad_images

# Enough that one of them would be known, however many rare ones there are.
_ANSWERS_LOOKED_AT = 512


@keras.saving.register_keras_serializable(package="mmkeras")
class VisualQA(QuestionTask):
    """Answers questions about pictures.

    It chooses among the answers that were most frequent in training. A picture is
    encoded once for all of its questions, in training as in use.

    Args:
        backbone: a `VisualQABackbone`.
        preprocessor: a `VisualQAPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images`, float32 `[batch, size, size, 3]`, or
            `image_features`, float `[batch, regions, channels]` (what the image
            encoder makes of the images); `image_mask`, int32 `[batch]`, 0 where
            there is no picture; and `token_ids`, int32 `[batch, questions, length]`.

    Output shape:
        float32 logits `[batch, questions, answers]`; with `modality_heads` a dict of
        such: `"answer"`, `"image"`, `"text"`.

    Example:
        ```python
        train, test = mmkeras.data.load("easy_vqa", split=("train", "test"))
        vqa = mmkeras.models.VisualQA.from_data(train, fusion="film")
        vqa.fit(train, validation_data=test, epochs=10)
        vqa.answer("picture.png", "what color is the circle?", top_k=3)
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

    def __init__(self, backbone, preprocessor, compile: bool = True, **kwargs):
        self._graph = None
        super().__init__(backbone, preprocessor, compile=compile, **kwargs)

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        text_encoder="gru",
        fusion: str | keras.layers.Layer = "stacked_attention",
        image_size: int | None = None,
        num_answers: int = 3000,
        min_answer_count: int = 1,
        vocabulary_size: int = 8000,
        sequence_length: int = 24,
        hidden_dim: int = 128,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs,
    ) -> VisualQA:
        """A new model, with the words and the answers of a dataset.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `question`, and `answer`
                or `answers`.
            image_encoder: as `ImageCaptioner.from_data` takes it.
            text_encoder: string, `"gru"`, `"lstm"`, `"transformer"` (from scratch), or
                `"minilm"` (pretrained); or what else
                `mmkeras.models.build_text_encoder` takes.
            fusion: string, one of `mmkeras.layers.fusion.names()`, or a fusion block.
            image_size: int, side in pixels, or `None` for the encoder's own.
            num_answers: int, the most answers that can be given.
            min_answer_count: int, how often an answer must be given in the data.
            vocabulary_size: int, the most tokens that are learned.
            sequence_length: int, the most tokens of a question, its beginning and end
                among them; of longer ones the beginning is read.
            hidden_dim: int, dimension of the regions, the words and the fusion.
            trainable_encoder: bool, whether the image encoder is trained, or `None`
                for whatever has no pretrained weights.
            seed: int, or `None`.
            **kwargs: passed to `VisualQABackbone`, e.g. `modality_heads=True`; of
                `modality_dropout` the default here is 0.05 for each, so that the
                model knows what to say without a picture or a question.

        Returns:
            A `VisualQA`, compiled with the defaults.

        Raises:
            TypeError: if there is no such argument.
            ValueError: if the dataset has no questions or no answers, or an encoder or
                a fusion block is not known.
        """
        num_answers = whole_number("num_answers", num_answers, 1)
        min_answer_count = whole_number("min_answer_count", min_answer_count, 1)
        refuse_unknown_arguments(
            kwargs,
            "VisualQA.from_data",
            VisualQA.from_data,
            VisualQABackbone,
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        answers = frequent_answers(answer_texts(dataset), num_answers, min_answer_count)
        text_layer, tokenizer = build_text_encoder(
            text_encoder,
            texts=question_texts(dataset),
            vocabulary_size=vocabulary_size,
            dim=hidden_dim,
            sequence_length=sequence_length,
        )
        converter = ImageConverter(encoder.image_size, scale=scale, offset=offset)
        backbone = VisualQABackbone(
            encoder,
            text_layer,
            fusion_block_of(fusion, hidden_dim, len(answers)),
            num_answers=len(answers),
            sequence_length=sequence_length,
            hidden_dim=hidden_dim,
            **{"modality_dropout": {"image": 0.05, "text": 0.05}, **kwargs},
        )
        preprocessor = VisualQAPreprocessor(
            converter, tokenizer, answers, sequence_length
        )
        return cls(backbone=backbone, preprocessor=preprocessor)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.0,
        answer_weights: dict[str, float] | None = None,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics="auto",
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Sets the training up.

        Args:
            optimizer: a Keras optimizer, or `"auto"` for
                `mmkeras.optimizers.ConvMuon` with a schedule (`DefaultOptimizer`).
            loss: a Keras loss, or `"auto"` for `AnswerCrossentropy`. For VQA v2
                `SoftScoreCrossentropy()` is usual.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                2e-3. An optimizer of one's own brings its rate itself.
            label_smoothing: float, of the default loss.
            answer_weights: dict of float by answer, of the default loss, e.g. from
                `mmkeras.data.class_weights`; 1 for an answer that is not in it.
            learning_rate_factors: dict of float above 0, by which the rate is
                multiplied, by a part of the backbone or the beginning of its
                variables' paths: `{"image_encoder": 0.1}`.
            weighted_metrics: list, or `"auto"` for `AnswerAccuracy`.
            jit_compile: bool.
            **kwargs: passed to `keras.Model.compile`; of a model with
                `modality_heads` `loss_weights={"answer": 1.0, "image": 0.3,
                "text": 0.3}` says `α_v` and `α_t`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer, or
                `answer_weights` or `learning_rate_factors` name what there is not.
        """
        optimizer = self._choose_optimizer(
            optimizer, learning_rate, 2e-3, learning_rate_factors
        )
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
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def _check_samples(self, dataset) -> None:
        super()._check_samples(dataset)
        given = list(itertools.islice(answer_texts(dataset), _ANSWERS_LOOKED_AT))
        known = self.preprocessor.answers
        if given and np.all(self.preprocessor.places(tf.constant(given)) < 0):
            warnings.warn(
                f"None of the first {len(given)} answers is one that this model can "
                f"give: {given[0]!r:.60} …, where it has "
                f"{known[0]!r:.60} and {len(known) - 1} others "
                "(`preprocessor.answers`). They count as wrong. "
                "A new model learns its answers with `from_data`.",
                stacklevel=2,
            )

    def _weights_of_answers(self, weights) -> list[float] | None:
        if weights is None:
            return None
        answers = self.preprocessor.answers
        unknown = sorted(set(weights) - set(answers))
        if unknown:
            raise ValueError(
                f"`answer_weights` names answers that the model cannot give: "
                f"{unknown[:5]}. Leave them out."
            )
        return [float(weights.get(answer, 1.0)) for answer in answers]

    def call(self, inputs, training=None):
        backbone = self.backbone
        regions = self._regions(inputs, training)
        # To see shapes, Keras averages the first batch over several replicas, and
        # with it the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        return backbone.reader(
            regions, token_ids, inputs["image_mask"], training=training
        )

    def answer(
        self,
        images,
        questions,
        *,
        top_k: int | None = None,
        batch_size: int = 32,
        on_error: str = "raise",
    ):
        """Answers to questions about pictures.

        Args:
            images: a path, encoded bytes, or a uint8 array `[height, width, 3]`; or a
                list of these. `None` in place of a picture asks without one, which
                gives the answer that is most likely then.
            questions: a string, or a list of strings about one picture; for several
                pictures one string for all of them, or a list as long, of strings or
                lists of strings. `None` in place of a string for no question. The
                `question` of a dataset's batch is taken as it is, beside its `image`.
            top_k: int, how many answers to return, best first; `None` for the best
                one alone, without its probability.
            batch_size: int, pictures at a time.
            on_error: string, what to do with bytes that are no readable picture:
                `"raise"` an error that names them, or `"skip"` them, with `None` in
                place of their answers.

        Returns:
            For each question a string, or with `top_k` a list of
            `(answer, probability)`: for one question about one picture that itself,
            for several questions about a picture a list of them, for several pictures
            a list of these. The probabilities are a softmax, whatever the loss was.

        Raises:
            FileNotFoundError: if a path does not lead to a file.
            ValueError: if a picture cannot be read, a question is blank, there are
                not as many questions as pictures, or an option is wrong.
        """
        known = len(self.preprocessor.answers)
        if top_k is not None:
            top_k = whole_number("top_k", top_k)
            if not 1 <= top_k <= known:
                raise ValueError(
                    f"`top_k` must be between 1 and {known}, the answers of the model. "
                    f"Received: top_k={top_k}."
                )
        check_choice("on_error", on_error, ("raise", "skip"))
        batches = question_batches(images, questions, batch_size)
        found = []
        for batch in batches:
            pixels, errors = self._pixels(batch)
            if on_error == "raise":
                refuse_bad_images(errors, batch.names)
            rows = self.answerer()(pixels, batch.present, batch.questions).numpy()
            for row, error, number in zip(rows, errors, batch.numbers, strict=True):
                read = [self._read(scores, top_k) for scores in row[:number]]
                found.append([None] * number if error else read)
        return batches.arrange(found)

    def _read(self, scores, top_k):
        answers = self.preprocessor.answers
        if top_k is None:
            return answers[int(np.argmax(scores))]
        # Stable, so that equal scores stay in the order of the answers.
        best = np.argsort(-scores, kind="stable")[:top_k]
        return [(answers[place], float(scores[place])) for place in best]

    def answerer(self) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
        """What answers, as one graph; `answer` and `export` both use it.

        Returns:
            A function of float32 `[batch, size, size, 3]`, bool `[batch]` (whether
            there is a picture) and string `[batch, questions]` (blank for no
            question) to probabilities, float32 `[batch, questions, answers]`.
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

    def _probabilities(self, images, present, questions):
        regions = self.backbone.regions(images)
        token_ids = self.preprocessor.tokenize(questions)
        scores = self.backbone.reader(regions, token_ids, present, training=False)
        scores = scores["answer"] if isinstance(scores, dict) else scores
        return tf.nn.softmax(scores)

    def grader(self) -> Callable[..., tf.Tensor]:
        """What the answers that are given are worth, to trace in a graph of one's own.

        Returns:
            A function of regions (`backbone.regions`), token ids, `image_mask` and
            scores, as the preprocessor makes them, to float32 `[batch, questions]`:
            the score of the likeliest answer.
        """

        def grade(regions, token_ids, image_mask, scores):
            found = self.backbone.reader(regions, token_ids, image_mask, training=False)
            found = found["answer"] if isinstance(found, dict) else found
            return tf.gather(scores, tf.argmax(found, axis=-1), batch_dims=2)

        return grade

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._graph = None

    def explain(self, image, question: str, answer: str | None = None) -> Explanation:
        """Where the model looks to answer a question.

        Blocks that attend say how much they looked at each region and word. For the
        others, and for the answer that is asked about, the gradient of its score
        says what it hangs on (Grad-CAM).

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            question: string.
            answer: string, the answer to explain, or `None` for the model's own.

        Returns:
            An `Explanation`: `answer`, `score`, `tokens`, `image_attention`,
            `text_attention`, `image_gradient`, and `plot(path)`.

        Raises:
            ValueError: if the picture cannot be read, the question is blank, or the
                model cannot give that answer.

        Reference:
            - [Selvaraju et al., 2017](https://arxiv.org/abs/1610.02391)
        """
        return explain_answer(self, image, question, answer)

    def chosen(self, read, answer: str | None) -> tuple[str, tf.Tensor, tf.Tensor]:
        """The answer to one question, its score and its probability, for `explain`.

        Args:
            read: what `backbone.reader` made of one question.
            answer: string, or `None` for the best one.

        Raises:
            ValueError: if the model cannot give that answer.
        """
        answers = self.preprocessor.answers
        scores = (read["answer"] if isinstance(read, dict) else read)[0, 0]
        if answer is None:
            place = int(tf.argmax(scores))
        else:
            place = int(self.preprocessor.places(tf.constant(answer)))
        if place < 0:
            raise ValueError(
                f"The model cannot answer {answer!r}. It knows: "
                f"{', '.join(answers[:5])}, ... (`preprocessor.answers`)."
            )
        return answers[place], scores[place], tf.nn.softmax(scores)[place]

    def _finish(self, batches):
        return batches.map(self._finished, num_parallel_calls=tf.data.AUTOTUNE)

    def _finished(self, inputs, scores, weights):
        """A batch as long as its longest question, with targets for all heads."""
        inputs = self._without_padding(inputs)
        if not self.backbone.modality_heads:
            return inputs, scores, weights
        heads = ("answer", "image", "text")
        return inputs, dict.fromkeys(heads, scores), dict.fromkeys(heads, weights)
