from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.data import answer_texts
from mmkeras.decoding import DecodingOptions, DecodingResult
from mmkeras.layers import ImageEncoder
from mmkeras.losses import MaskedCrossentropy
from mmkeras.metrics import Perplexity, TokenAccuracy
from mmkeras.models.choose_length import choose_length
from mmkeras.models.generative_visual_qa.generative_answer_signatures import (
    generative_answer_signatures,
)
from mmkeras.models.generative_visual_qa.generative_answer_static_form import (
    generative_answer_static_form,
)
from mmkeras.models.generative_visual_qa.generative_visual_qa_backbone import (
    GenerativeVisualQABackbone,
)
from mmkeras.models.generative_visual_qa.generative_visual_qa_preprocessor import (
    GenerativeVisualQAPreprocessor,
)
from mmkeras.models.generative_visual_qa.spec import SPEC
from mmkeras.models.questions.encoder_parts import EncoderParts
from mmkeras.models.questions.explanation import (
    Explanation,
    explain_answer,
    require_single,
)
from mmkeras.models.questions.fusion_block_of import fusion_block_of
from mmkeras.models.questions.question_task import QuestionTask
from mmkeras.models.read_texts import read_texts
from mmkeras.models.registry import register_task
from mmkeras.models.text_generator import TextGenerator
from mmkeras.preprocessing import WordPieceTokenizer
from mmkeras.runtime.caption import Answer

if TYPE_CHECKING:
    from mmkeras.export import StaticForm


@register_task(SPEC)
@keras.saving.register_keras_serializable(package="mmkeras")
class GenerativeVisualQA(QuestionTask):
    """Answers questions about images in generated text.

    Where `VisualQA` chooses among the answers of its training data, this task writes
    answers token by token, with all options of decoding, and so can give answers that
    its training data do not have.

    Args:
        backbone: a `GenerativeVisualQABackbone`.
        preprocessor: a `GenerativeVisualQAPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images` or `image_features`, `image_mask` and `token_ids`, as
            in `VisualQA`, and `answer_ids`, int32 `[batch, questions, length]`.

    Output shape:
        float32 logits `[batch, questions, length, vocabulary_size]`.

    Example:
        ```python
        vqa = mmkeras.models.GenerativeVisualQA.from_data(train)
        vqa.fit(train, epochs=10)
        vqa.answer("photo.jpg", "what is on the table?", num_beams=4)
        ```

    Reference:
        - [Cho et al., 2021](https://arxiv.org/abs/2102.02779)
    """

    backbone_cls = GenerativeVisualQABackbone
    preprocessor_cls = GenerativeVisualQAPreprocessor
    parts = (
        "image_encoder",
        "region_encoder",
        "text_encoder",
        "fusion",
        "text_decoder",
    )
    lora_parts = ("text_encoder", "fusion", "text_decoder")
    default_learning_rate = 2e-3

    def __init__(
        self,
        backbone: GenerativeVisualQABackbone,
        preprocessor: GenerativeVisualQAPreprocessor,
        compile: bool = True,
        **kwargs: Any,
    ):
        self._generator = _text_generator(backbone, preprocessor)
        super().__init__(backbone, preprocessor, compile=compile, **kwargs)

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        text_encoder: Any = "gru",
        fusion: str | keras.layers.Layer = "stacked_attention",
        image_size: int | None = None,
        vocabulary_size: int = 8000,
        sequence_length: int | None = None,
        answer_length: int | None = None,
        long_answers: str = "error",
        hidden_dim: int = 128,
        num_layers: int = 1,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> GenerativeVisualQA:
        """Creates a model with the vocabulary of a dataset's questions and answers.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `question` and `answer`.
            image_encoder: as `ImageCaptioner.from_data` accepts it.
            text_encoder: as `VisualQA.from_data` accepts it.
            fusion: string, one of `mmkeras.layers.fusion.names()` that returns no
                logits, or a fusion block.
            image_size: int, side in pixels, or `None` for the encoder's own.
            vocabulary_size: int, maximum number of tokens to learn, of questions and
                of answers each.
            sequence_length: int, maximum number of tokens of a question, as in
                `VisualQA.from_data`.
            answer_length: int, maximum number of tokens of an answer with its end
                token; `None` for that of the longest answer, at most 128.
            long_answers: string, what to do with answers longer than a given
                `answer_length`: `"error"`, or `"cut"` to train on their beginning.
            hidden_dim: int, dimension of the regions, the tokens and the fusion.
            num_layers: int, transformer blocks over the image regions and over the
                answer each; `num_encoder_layers` and `num_decoder_layers` set them
                separately.
            trainable_encoder: bool, whether to train the image encoder; `None` to
                train it unless it is pretrained.
            seed: int, random seed, or `None`.
            **kwargs: passed to `GenerativeVisualQABackbone`.

        Returns:
            A `GenerativeVisualQA`, compiled with the defaults.

        Raises:
            TypeError: if an argument is unknown.
            ValueError: if the dataset has no questions or no answers, an answer is too
                long, or an encoder or a fusion block is unknown.
        """
        refuse_unknown_arguments(
            kwargs,
            "GenerativeVisualQA.from_data",
            GenerativeVisualQA.from_data,
            GenerativeVisualQABackbone,
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        answers = list(answer_texts(dataset))
        answer_tokenizer = WordPieceTokenizer.learn(answers, vocabulary_size)
        answer_length = choose_length(
            answers,
            answer_tokenizer,
            "answer_length",
            answer_length,
            long_answers,
            kind="answers",
        )
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
        vocabulary = answer_tokenizer.get_vocabulary()
        defaults = {
            "num_encoder_layers": num_layers,
            "num_decoder_layers": max(1, num_layers),
            "modality_dropout": {"image": 0.05, "text": 0.05},
        }
        backbone = GenerativeVisualQABackbone(
            parts.image_encoder,
            parts.text_encoder,
            fusion_block_of(fusion, hidden_dim, None),
            vocabulary_size=len(vocabulary),
            sequence_length=parts.sequence_length,
            answer_length=answer_length,
            hidden_dim=hidden_dim,
            **{**defaults, **kwargs},
        )
        preprocessor = GenerativeVisualQAPreprocessor(
            parts.image_converter,
            parts.tokenizer,
            vocabulary,
            parts.sequence_length,
            answer_length,
        )
        return cls(backbone=backbone, preprocessor=preprocessor)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "auto",
        loss: str | keras.losses.Loss = "auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.0,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics: str | list = "auto",
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: a Keras optimizer, or `"auto"`, as in `ImageCaptioner.compile`.
            loss: a Keras loss, or `"auto"` for `MaskedCrossentropy`.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                2e-3.
            label_smoothing: float, of the default loss.
            learning_rate_factors: dict of float, as in `ImageCaptioner.compile`.
            weighted_metrics: list of Keras metrics, or `"auto"` for perplexity and
                token accuracy.
            jit_compile: bool, whether to compile training with XLA.
            **kwargs: passed to `keras.Model.compile`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer, or
                `learning_rate_factors` has an unknown name.
        """
        if loss == "auto":
            loss = MaskedCrossentropy(label_smoothing)
        if weighted_metrics == "auto":
            weighted_metrics = [Perplexity(), TokenAccuracy()]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            learning_rate=learning_rate,
            learning_rate_factors=learning_rate_factors,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def call(self, inputs: dict, training: bool | None = None) -> tf.Tensor:
        regions = self.backbone.regions_of(inputs, training)
        # Keras averages the first batch over replicas to see its shapes, which makes
        # floats of the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        answer_ids = tf.cast(inputs["answer_ids"], tf.int32)
        fused = self.backbone.question_reader(
            regions, token_ids, inputs["image_mask"], training=training
        )
        return self.backbone.answer_writer(answer_ids, fused, training=training)

    def grader(self) -> Callable[..., tf.Tensor]:
        """Whether the model's answers are exact, as a function to trace in a graph.

        Returns:
            A function of regions (`backbone.regions`), token ids, `image_mask` and the
            token ids of the answers, as the preprocessor makes them, to float32
            `[batch, questions]`: 1 if greedy search gives exactly these tokens, else
            0, and 0 if a token of the answer is unknown.
        """
        preprocessor = self.preprocessor
        generate = self._generator.untraced(DecodingOptions(), self._fuse)
        unknown = preprocessor.answer_tokenizer.unk_token_id

        def grade(regions, token_ids, image_mask, answer_ids):
            written = generate(regions, image_mask, token_ids).token_ids
            written = tf.reshape(written, tf.shape(answer_ids))
            same = tf.reduce_all(tf.equal(written, answer_ids), axis=-1)
            same &= tf.reduce_all(tf.not_equal(answer_ids, unknown), axis=-1)
            return tf.cast(same, tf.float32)

        return grade

    def answer(
        self,
        images: Any,
        questions: Any,
        *,
        num_sequences: int = 1,
        batch_size: int = 32,
        on_error: str = "raise",
        **options: Any,
    ) -> Answer | list:
        """Answers questions about images.

        Args:
            images: as in `VisualQA.answer`.
            questions: as in `VisualQA.answer`.
            num_sequences: int, number of answers to each question, best first.
            batch_size: int, number of images in a batch.
            on_error: string, as in `VisualQA.answer`.
            **options: options of `mmkeras.decoding.DecodingOptions`: `num_beams=4`,
                `top_p=0.9`, ...

        Returns:
            Answers in the form of `VisualQA.answer`; each is an `Answer`, a string
            with the attributes `score` and `tokens`.

        Raises:
            FileNotFoundError: if a path does not exist.
            TypeError: if an option is unknown.
            ValueError: if an image is unreadable, a question is blank, the numbers of
                images and questions differ, or an option is out of range.
        """
        generate = self.generator(num_sequences=num_sequences, **options)
        tokenizer = self.preprocessor.answer_tokenizer

        def answer(pixels, batch):
            result = generate(pixels, batch.present, batch.questions)
            texts = list(read_texts(result, tokenizer, Answer, num_sequences))
            width = batch.questions.shape[1]
            return [texts[i : i + width] for i in range(0, len(texts), width)]

        return self._answer_all(images, questions, batch_size, on_error, answer)

    def generator(
        self, *, traced: bool = True, **options: Any
    ) -> Callable[..., DecodingResult]:
        """The decoding loop, which `answer` and `export` share.

        Args:
            traced: bool, whether to return a traced graph, or a plain function to
                trace with static shapes, which takes token ids, int32
                `[batch, questions, length]`, in place of strings.
            **options: options of `mmkeras.decoding.DecodingOptions`.

        Returns:
            A function of float32 `[batch, size, size, 3]`, bool `[batch]` (whether
            there is an image) and string `[batch, questions]` to a `DecodingResult` of
            `[batch * questions]` rows.

        Raises:
            TypeError: if an option is unknown.
            ValueError: if an option is out of range, or two exclude each other.
        """
        refuse_unknown_arguments(
            options, "`answer`", GenerativeVisualQA.answer, DecodingOptions
        )
        options = DecodingOptions(**options)
        if traced:
            return self._generator.traced(options)

        def encode(images, present, token_ids):
            return self._fuse(self.backbone.regions(images), present, token_ids)

        return self._generator.untraced(options, encode)

    def explain(
        self, image: Any, question: str, answer: str | None = None
    ) -> Explanation:
        """Explains an answer by attention and Grad-CAM.

        Args:
            image: as in `VisualQA.explain`.
            question: string.
            answer: string, the answer to explain, or `None` for the one that the model
                gives by default.

        Returns:
            An `Explanation`, as in `VisualQA.explain`. Its gradient is that of the
            log-probability of the whole answer with its end token.

        Raises:
            ValueError: if the image is unreadable, the question is blank, or the
                model cannot write the answer.
        """
        require_single(image, question)
        if answer is None:
            answer = self.answer(image, question).text
        return explain_answer(self, image, question, answer)

    def score_of(self, fused: Any, answer: str) -> tuple[str, tf.Tensor, tf.Tensor]:
        """The log-probability and the probability of an answer, for `explain`.

        Args:
            fused: the output of `backbone.question_reader` for one question.
            answer: string.

        Returns:
            The answer, its log-probability and its probability.

        Raises:
            ValueError: if the model cannot write it.
        """
        tokenizer = self.preprocessor.answer_tokenizer
        tokens = tokenizer.tokenize(tf.constant([answer]))[0].numpy().tolist()
        if tokenizer.unk_token_id in tokens:
            raise ValueError(
                f"The model cannot write {answer!r}: its vocabulary lacks a part of it "
                "(`preprocessor.answer_tokenizer.get_vocabulary()`)."
            )
        if len(tokens) >= self.preprocessor.answer_length:
            raise ValueError(
                f"The model cannot write {answer!r}: its answers have at most "
                f"{self.preprocessor.answer_length} tokens with their end token."
            )
        inputs = tf.constant([[[tokenizer.start_token_id, *tokens]]])
        targets = tf.constant([[[*tokens, tokenizer.end_token_id]]])
        logits = self.backbone.answer_writer(inputs, fused, training=False)
        log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        total = tf.reduce_sum(tf.gather(log_probabilities, targets, batch_dims=3))
        return answer, total, tf.exp(total)

    def signatures(self, **options: Any) -> dict:
        """See `generative_answer_signatures`."""
        return generative_answer_signatures(self, **options)

    def static_form(self, **options: Any) -> StaticForm:
        """See `generative_answer_static_form`."""
        return generative_answer_static_form(self, **options)

    def _fuse(self, regions, present, token_ids):
        return _fused(self.backbone, regions, present, token_ids)

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._generator = _text_generator(self.backbone, self.preprocessor)

    def _finish(self, batches):
        def trim(inputs, targets, weights):
            return self._without_padding(inputs), targets, weights

        return batches.map(trim, num_parallel_calls=tf.data.AUTOTUNE)


def _fused(backbone, regions, present, token_ids):
    """The memory of the decoder, `[batch * questions, 1, dim]`."""
    fused = backbone.question_reader(regions, token_ids, present, training=False)
    return tf.reshape(fused, [-1, 1, fused.shape[-1]])


def _text_generator(backbone, preprocessor) -> TextGenerator:
    side = backbone.image_encoder.image_size

    def encode(images, present, questions):
        token_ids = preprocessor.tokenize(questions)
        return _fused(backbone, backbone.regions(images), present, token_ids)

    return TextGenerator(
        backbone.text_decoder,
        preprocessor.answer_tokenizer,
        encode,
        [
            tf.TensorSpec([None, side, side, 3], tf.float32, name="images"),
            tf.TensorSpec([None], tf.bool, name="present"),
            tf.TensorSpec([None, None], tf.string, name="questions"),
        ],
        "answer",
    )
