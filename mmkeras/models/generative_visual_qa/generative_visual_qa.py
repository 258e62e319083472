from __future__ import annotations

import functools
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.data import SkippedImages, answer_texts, question_texts
from mmkeras.decoding import DecodingOptions
from mmkeras.layers import ImageEncoder
from mmkeras.losses import MaskedCrossentropy
from mmkeras.metrics import Perplexity
from mmkeras.models import GenerativeVisualQAPreprocessor
from mmkeras.models.answer_generator import AnswerGenerator
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.encoders.text_encoders import build_text_encoder
from mmkeras.models.generative_visual_qa.generative_visual_qa_backbone import (
    GenerativeVisualQABackbone,
)
from mmkeras.models.questions.explanation import Explanation, explain_answer
from mmkeras.models.questions.fusion_block_of import fusion_block_of
from mmkeras.models.questions.question_batches import question_batches
from mmkeras.models.questions.question_task import QuestionTask
from mmkeras.models.questions.require_single import require_single
from mmkeras.models.refuse_long_texts import check_long_texts, refuse_long_texts
from mmkeras.preprocessing import ImageConverter, WordPieceTokenizer
from mmkeras.preprocessing.images.load_images import refuse_bad_images


@keras.saving.register_keras_serializable(package="mmkeras")
class GenerativeVisualQA(QuestionTask):
    """Writes answers to questions about pictures.

    Where `VisualQA` chooses among the answers of its training, this task writes them
    token by token, with all options of decoding, and so can give answers that it never
    read as a whole.

    Args:
        backbone: a `GenerativeVisualQABackbone`.
        preprocessor: a `GenerativeVisualQAPreprocessor`.
        compile: bool, whether to compile with the defaults of `compile`.

    Call arguments:
        inputs: dict of `images` or `image_features`, `image_mask` and `token_ids`, as
            `VisualQA` takes them, and `answer_ids`, int32 `[batch, questions, length]`.

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

    def __init__(self, backbone, preprocessor, compile: bool = True, **kwargs):
        self._generators = AnswerGenerator(backbone, preprocessor)
        super().__init__(backbone, preprocessor, compile=compile, **kwargs)

    @classmethod
    def from_data(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder = "small_cnn",
        text_encoder="gru",
        fusion: str | keras.layers.Layer = "stacked_attention",
        image_size: int | None = None,
        vocabulary_size: int = 8000,
        sequence_length: int = 24,
        answer_length: int = 8,
        long_answers: str = "error",
        hidden_dim: int = 128,
        trainable_encoder: bool | None = None,
        seed: int | None = None,
        **kwargs,
    ) -> GenerativeVisualQA:
        """A new model, with the words of the questions and answers of a dataset.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `question` and `answer`.
            image_encoder: as `ImageCaptioner.from_data` takes it.
            text_encoder: as `VisualQA.from_data` takes it.
            fusion: string, one of `mmkeras.layers.fusion.names()` that does not score
                answers itself, or a fusion block.
            image_size: int, side in pixels, or `None` for the encoder's own.
            vocabulary_size: int, the most tokens that are learned, of questions and of
                answers each.
            sequence_length: int, the most tokens of a question.
            answer_length: int, the most tokens of an answer with its end.
            long_answers: string, what to do with answers that are longer: `"error"`,
                or `"cut"` to learn only how they begin.
            hidden_dim: int.
            trainable_encoder: bool, whether the image encoder is trained, or `None`
                for whatever has no pretrained weights.
            seed: int, or `None`.
            **kwargs: passed to `GenerativeVisualQABackbone`.

        Returns:
            A `GenerativeVisualQA`, compiled with the defaults.

        Raises:
            TypeError: if there is no such argument.
            ValueError: if the dataset has no questions or no answers, an answer is too
                long, or an encoder or a fusion block is not known.
        """
        refuse_unknown_arguments(
            kwargs,
            "GenerativeVisualQA.from_data",
            GenerativeVisualQA.from_data,
            GenerativeVisualQABackbone,
            but=["max_length"],
        )
        check_long_texts("long_answers", long_answers)
        if seed is not None:
            keras.utils.set_random_seed(seed)
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        text_layer, tokenizer = build_text_encoder(
            text_encoder,
            texts=question_texts(dataset),
            vocabulary_size=vocabulary_size,
            dim=hidden_dim,
            sequence_length=sequence_length,
        )
        answers = list(answer_texts(dataset))
        answer_tokenizer = WordPieceTokenizer.learn(answers, vocabulary_size)
        if long_answers == "error":
            refuse_long_texts(
                "answers", answers, answer_tokenizer, "answer_length", answer_length
            )
        pieces = answer_tokenizer.get_vocabulary()
        backbone = GenerativeVisualQABackbone(
            encoder,
            text_layer,
            fusion_block_of(fusion, hidden_dim, None),
            vocabulary_size=len(pieces),
            sequence_length=sequence_length,
            max_length=answer_length,
            hidden_dim=hidden_dim,
            **{"modality_dropout": {"image": 0.05, "text": 0.05}, **kwargs},
        )
        preprocessor = GenerativeVisualQAPreprocessor(
            ImageConverter(encoder.image_size, scale=scale, offset=offset),
            tokenizer,
            pieces,
            sequence_length,
            answer_length,
        )
        return cls(backbone=backbone, preprocessor=preprocessor)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        learning_rate: float | None = None,
        label_smoothing: float = 0.0,
        learning_rate_factors: dict[str, float] | None = None,
        weighted_metrics="auto",
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Sets the training up.

        Args:
            optimizer: a Keras optimizer, or `"auto"`, as `VisualQA.compile` takes it.
            loss: a Keras loss, or `"auto"` for `MaskedCrossentropy`.
            learning_rate: float, the peak of the schedule of `"auto"`; `None` for
                2e-3.
            label_smoothing: float, of the default loss.
            learning_rate_factors: dict of float, as `VisualQA.compile` takes it.
            weighted_metrics: list, or `"auto"` for perplexity and token accuracy.
            jit_compile: bool.
            **kwargs: passed to `keras.Model.compile`.

        Raises:
            ValueError: if `learning_rate` is given with an optimizer, or
                `learning_rate_factors` names what there is not.
        """
        optimizer = self._choose_optimizer(
            optimizer, learning_rate, 2e-3, learning_rate_factors
        )
        if loss == "auto":
            loss = MaskedCrossentropy(label_smoothing)
        if weighted_metrics == "auto":
            accuracy = keras.metrics.SparseCategoricalAccuracy(name="token_accuracy")
            weighted_metrics = [Perplexity(), accuracy]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def call(self, inputs, training=None):
        regions = self._regions(inputs, training)
        # To see shapes, Keras averages the first batch over several replicas, and
        # with it the ids.
        token_ids = tf.cast(inputs["token_ids"], tf.int32)
        answer_ids = tf.cast(inputs["answer_ids"], tf.int32)
        read = self.backbone.reader(
            regions, token_ids, inputs["image_mask"], training=training
        )
        return self.backbone.answer_writer(answer_ids, read, training=training)

    def evaluate(
        self,
        x: tf.data.Dataset,
        *,
        batch_size: int = 32,
        return_dict=True,
        on_error: str = "raise",
        **kwargs,
    ):
        """Loss, perplexity and token accuracy, and the answers that are exact.

        Args:
            x: a `tf.data.Dataset` of sample dicts, batched or not.
            batch_size: int, for a dataset that is not batched yet.
            return_dict: bool, whether to name the results.
            on_error: string, `"raise"` for a picture that cannot be read, or
                `"skip"` it.
            **kwargs: passed to `keras.Model.evaluate`.

        Returns:
            A dict of float by name, or a list; `accuracy` is the share of the
            questions whose answer is written as the tokenizer writes that of the data.
        """
        results = super().evaluate(
            x, batch_size=batch_size, return_dict=True, on_error=on_error, **kwargs
        )
        # Validation data of `fit`, which come prepared, are only scored.
        if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict):
            results["accuracy"] = self._share_exact(x, batch_size, on_error)
        return results if return_dict else list(results.values())

    def _share_exact(self, dataset, batch_size, on_error) -> float:
        grade = self.grader()

        @functools.partial(tf.function, reduce_retracing=True, autograph=False)
        def graded(inputs, targets):
            regions = self._regions(inputs, training=False)
            return grade(regions, inputs["token_ids"], inputs["image_mask"], targets)

        right = number = 0
        skipped = SkippedImages() if on_error == "skip" else None
        for inputs, targets, weights in self._prepare(dataset, batch_size, skipped):
            asked = np.any(weights.numpy() > 0, axis=-1)
            right += float(graded(inputs, targets).numpy()[asked].sum())
            number += int(asked.sum())
        return right / number if number else float("nan")

    def grader(self) -> Callable[..., tf.Tensor]:
        """What the answers that are written are worth, to trace in one's own graph.

        Returns:
            A function of regions (`backbone.regions`), token ids, `image_mask` and the
            token ids of the answers, as the preprocessor makes them, to float32
            `[batch, questions]`: 1 if the model writes just these by greedy search,
            else 0, and 0 where some piece of the answer is unknown.
        """
        write = self._generators.of_regions(DecodingOptions())
        unknown = self.preprocessor.answer_tokenizer.unk_token_id

        def grade(regions, token_ids, image_mask, answer_ids):
            written = write(regions, image_mask, token_ids).token_ids
            written = tf.reshape(written, tf.shape(answer_ids))
            same = tf.reduce_all(tf.equal(written, answer_ids), axis=-1)
            same &= tf.reduce_all(tf.not_equal(answer_ids, unknown), axis=-1)
            return tf.cast(same, tf.float32)

        return grade

    def answer(
        self,
        images,
        questions,
        *,
        return_scores: bool = False,
        batch_size: int = 32,
        on_error: str = "raise",
        **options,
    ):
        """Answers to questions about pictures.

        Args:
            images: as `VisualQA.answer` takes them.
            questions: as `VisualQA.answer` takes them.
            return_scores: bool, whether to return `(answer, score)`.
            batch_size: int, pictures at a time.
            on_error: string, `"raise"` or `"skip"`, as `VisualQA.answer` takes it.
            **options: of `mmkeras.decoding.DecodingOptions`: `num_beams=4`,
                `num_sequences=3` (answers of each question), `top_p=0.9`, ...

        Returns:
            For each question a string, or with `num_sequences` above 1 a list of them,
            best first; in the form of `VisualQA.answer`.

        Raises:
            FileNotFoundError: if a path does not lead to a file.
            ValueError: as `VisualQA.answer` does, or if an option is wrong.
        """
        check_choice("on_error", on_error, ("raise", "skip"))
        decode = self.generator(**options)
        number = options.get("num_sequences", 1)
        batches = question_batches(images, questions, batch_size)
        found = []
        for batch in batches:
            pixels, errors = self._pixels(batch)
            if on_error == "raise":
                refuse_bad_images(errors, batch.names)
            result = decode(pixels, batch.present, batch.questions)
            texts = list(self._read(result, number, return_scores))
            most = batch.questions.shape[1]
            for row, (error, asked) in enumerate(
                zip(errors, batch.numbers, strict=True)
            ):
                answers = texts[row * most : row * most + asked]
                found.append([None] * asked if error else answers)
        return batches.arrange(found)

    def _read(self, result, number, return_scores):
        for ids, scores in zip(result.token_ids, result.scores.numpy(), strict=True):
            texts = self.preprocessor.generate_postprocess(ids[:number]).numpy()
            found = [text.decode("utf-8") for text in texts]
            if return_scores:
                found = list(zip(found, map(float, scores), strict=False))
            yield found[0] if number == 1 else found

    def generator(self, *, traced: bool = True, **options):
        """The decoding loop as one graph; `answer` and `export` both use it.

        Args:
            traced: bool; `False` for a plain function to trace in a graph of one's
                own, which takes token ids, int32 `[batch, questions, length]`, in
                place of strings.
            **options: of `mmkeras.decoding.DecodingOptions`.

        Returns:
            A function of float32 `[batch, size, size, 3]`, bool `[batch]` (whether
            there is a picture) and string `[batch, questions]` to a `DecodingResult` of
            `[batch * questions]` rows.

        Raises:
            TypeError: if there is no such option.
            ValueError: if an option is out of range, or two do not go together.
        """
        refuse_unknown_arguments(
            options, "`answer`", GenerativeVisualQA.answer, DecodingOptions
        )
        options = DecodingOptions(**options)
        if not traced:
            return self._generators.untraced(options)
        return self._generators.get(options)

    def explain(self, image, question: str, answer: str | None = None) -> Explanation:
        """Where the model looks to answer a question.

        Args:
            image: as `VisualQA.explain` takes it.
            question: string.
            answer: string, the answer to explain, or `None` for what the model writes
                with the defaults of decoding.

        Returns:
            An `Explanation`, as `VisualQA.explain` returns it. Its gradient is that of
            the log-probability of the whole answer with its end.

        Raises:
            ValueError: if the picture cannot be read, the question is blank, or the
                model cannot write that answer.
        """
        require_single(image, question)
        if answer is None:
            answer = self.answer(image, question)
        return explain_answer(self, image, question, answer)

    def chosen(self, read, answer: str) -> tuple[str, tf.Tensor, tf.Tensor]:
        """An answer, its log-probability and its probability, for `explain`.

        Args:
            read: what `backbone.reader` made of one question.
            answer: string.

        Raises:
            ValueError: if the model cannot write it.
        """
        tokenizer = self.preprocessor.answer_tokenizer
        pieces = tokenizer.tokenize(tf.constant([answer]))[0].numpy().tolist()
        if tokenizer.unk_token_id in pieces:
            raise ValueError(
                f"The model cannot write {answer!r}: it has no pieces for all of it "
                "(`preprocessor.answer_tokenizer.get_vocabulary()`)."
            )
        if len(pieces) >= self.preprocessor.answer_length:
            raise ValueError(
                f"The model cannot write {answer!r}: its answers have at most "
                f"{self.preprocessor.answer_length} tokens with their end."
            )
        inputs = tf.constant([[[tokenizer.start_token_id, *pieces]]])
        targets = tf.constant([[[*pieces, tokenizer.end_token_id]]])
        logits = self.backbone.answer_writer(inputs, read, training=False)
        likely = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        total = tf.reduce_sum(tf.gather(likely, targets, batch_dims=3))
        return answer, total, tf.exp(total)

    def _forget_graphs(self) -> None:
        super()._forget_graphs()
        self._generators = AnswerGenerator(self.backbone, self.preprocessor)

    def _finish(self, batches):
        def trim(inputs, targets, weights):
            return self._without_padding(inputs), targets, weights

        return batches.map(trim, num_parallel_calls=tf.data.AUTOTUNE)
