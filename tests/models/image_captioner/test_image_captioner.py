import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import ImageEncoder
from mmkeras.models import ImageCaptioner, small_cnn
from tests.conftest import SIDE, tiny_rows, to_dataset


def untrained(dataset, **kwargs):
    options = {"image_size": SIDE, "hidden_dim": 32, "num_layers": 1, "seed": 0}
    return ImageCaptioner.from_data(dataset, **{**options, **kwargs})


def step(model, scenes, **kwargs):
    """One step on 8 samples, without a graph: tracing it would take the most time."""
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True, **kwargs)
    rows = scenes[:8]
    x = {
        "image": tf.constant([row["image"] for row in rows]),
        "caption": tf.constant([row["captions"][0] for row in rows]),
    }
    model.train_on_batch(x)


def pixels_of(model, images):
    return model.preprocessor.image_converter.convert(tf.constant(images))[0]


def log_probabilities(model, pixels, token_ids):
    """Those of each token by itself, from all tokens at once and without a cache."""
    start = tf.fill([len(token_ids), 1], model.preprocessor.tokenizer.start_token_id)
    inputs = tf.concat([start, token_ids[:, :-1]], axis=1)
    return tf.nn.log_softmax(model({"images": pixels, "token_ids": inputs})).numpy()


def test_evaluation_by_hand(captioner, scenes, dataset):
    pairs = [(row["image"], text) for row in scenes[:20] for text in row["captions"]]
    images, texts = zip(*pairs, strict=True)
    inputs, targets, weights = captioner.preprocessor(
        {"image": tf.constant(images), "caption": tf.constant(texts)}
    )
    log_p = tf.nn.log_softmax(captioner(inputs, training=False)).numpy()
    targets, weights = targets.numpy(), weights.numpy()
    right = np.argmax(log_p, axis=-1) == targets
    gains = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    # In batches of 7 captions, padded to the longest one of each.
    results = captioner.evaluate(
        dataset.take(20), batch_size=7, evaluators=None, verbose=0
    )
    accuracy = np.sum(right * weights) / np.sum(weights)
    assert results["token_accuracy"] == pytest.approx(accuracy, rel=1e-4)
    perplexity = np.exp(-np.sum(gains * weights) / np.sum(weights))
    assert results["perplexity"] == pytest.approx(perplexity, rel=1e-3)


def test_decoding_agrees_with_all_tokens_at_once(captioner, images):
    """Greedy tokens are those that `call` finds most likely after the ones before."""
    pixels = pixels_of(captioner, images[:8])
    written = captioner.generator()(pixels).token_ids[:, 0]
    likely = np.argmax(log_probabilities(captioner, pixels, written), axis=-1)
    end = captioner.preprocessor.tokenizer.end_token_id
    for row, found in zip(written.numpy().tolist(), likely.tolist(), strict=True):
        length = row.index(end) + 1 if end in row else len(row)
        assert found[:length] == row[:length]
        assert not any(row[length:])


def test_kinds_of_images(captioner, images, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(images[0])
    array = tf.io.decode_png(images[0], 3).numpy()
    caption, other = captioner.generate(images[:2])
    assert caption != other
    for one in (path, str(path), images[0], array):
        assert captioner.generate(one) == caption
    for several in (
        [path, path],
        [images[0], array],
        np.stack([array, array]),
        tf.constant([images[0]] * 2),
    ):
        assert captioner.generate(several) == [caption] * 2
    assert captioner.generate([]) == []


def test_batches_do_not_change_captions(captioner, images):
    together = captioner.generate(images[:7], batch_size=7)
    assert captioner.generate(images[:7], batch_size=np.int64(2)) == together


def test_beams_with_scores_and_tokens(captioner, images):
    options = {"num_beams": 3, "num_sequences": 3, "length_penalty": 0.0}
    found = captioner.generate(images[:2], **options)
    tokenizer = captioner.preprocessor.tokenizer
    pixels = pixels_of(captioner, images[:2])
    for number, row in enumerate(found):
        assert len(set(row)) == 3
        scores = [caption.score for caption in row]
        assert scores == sorted(scores, reverse=True)
        for caption in row:
            names, gains = zip(*caption.tokens, strict=True)
            assert sum(gains) == pytest.approx(caption.score, abs=1e-3)
            ids = [tokenizer.token_to_id(name) for name in names]
            assert tokenizer.detokenize([ids]).numpy()[0].decode() == caption
            log_p = log_probabilities(
                captioner, pixels[number : number + 1], tf.constant([ids])
            )
            np.testing.assert_allclose(
                log_p[0, np.arange(len(ids)), ids], gains, atol=1e-3
            )
    assert captioner.generate(images[0], **options) == found[0]


def test_lengths(captioner):
    decode = captioner.generator(min_length=2, max_length=3)
    ids = decode(tf.zeros([1, SIDE, SIDE, 3])).token_ids
    assert ids.shape == (1, 1, 3)
    end = captioner.preprocessor.tokenizer.end_token_id
    assert end not in ids.numpy()[0, 0, :2]


def test_forbidden_words(captioner, images):
    plain = captioner.generate(images[:8])
    word = plain[0].split()[-1].strip(".,")
    assert any(word in caption for caption in plain)
    found = captioner.generate(images[:8], forbidden_words=[word])
    assert not any(word in caption for caption in found)


def test_sampling_is_repeated_by_seed_in_one_graph(captioner, images, monkeypatch):
    traces, decoder = [], captioner.backbone.text_decoder
    start = decoder.start
    monkeypatch.setattr(decoder, "start", lambda *a: (traces.append(1), start(*a))[1])
    options = {"temperature": 2.0, "num_sequences": 5}
    drawn = captioner.generate(images[0], seed=0, **options)
    assert len(set(drawn)) > 1
    assert captioner.generate(images[0], seed=0, **options) == drawn
    assert captioner.generate(images[0], seed=1, **options) != drawn
    # Whatever else is in the batch.
    batch = [*images[3:5], images[0]]
    assert captioner.generate(batch, seed=0, **options)[2] == drawn
    assert len(traces) == 1


def test_required_words(captioner, images):
    plain = " ".join(captioner.generate(images[:4]))
    words = captioner.preprocessor.tokenizer.get_vocabulary()[4:]
    word = next(w for w in words if len(w) > 3 and w.isalpha() and w not in plain)
    found = captioner.generate(images[:4], num_beams=4, required_words=[word])
    assert all(word in caption.replace(".", " ").split() for caption in found)
    with pytest.raises(ValueError, match="required words have 9 tokens.*at most 8"):
        options = {"num_beams": 2, "max_length": 8}
        captioner.generate(images, required_words=[" ".join([word] * 9)], **options)


def test_xla_gives_the_same_captions(captioner, images):
    options = {"num_beams": 3, "no_repeat_ngram_size": 2}
    plain = captioner.generate(images[:6], **options)
    # Two batches of 3, both compiled as one of 4.
    compiled = captioner.generate(images[:6], jit_compile=True, batch_size=3, **options)
    assert compiled == plain


def test_lora_is_saved_separately_and_merged(
    presets, captioner, images, tmp_path, monkeypatch
):
    model, plain = presets.load("captioner"), captioner.generate(images[:4])
    names = [weight.path for weight in model.weights]
    model.enable_lora(4, parts=["image_encoder", "text_decoder"])
    assert model.generate(images[:4]) == plain
    draw = np.random.default_rng(0)
    for weight in model.trainable_weights:
        assert "lora" in weight.path
        weight.assign(draw.normal(0, 0.2, weight.shape))
    changed = model.generate(images[:4])
    assert changed != plain
    model.save_lora(tmp_path / "a.lora.h5")

    again = presets.load("captioner")
    again.load_lora(tmp_path / "a.lora.h5")
    assert again.generate(images[:4]) == changed

    exported, export = [], "mmkeras.models.task.export_saved_model"
    monkeypatch.setattr(export, lambda task, path: exported.append(task))
    model.export(tmp_path / "1")
    model.save_to_preset(tmp_path / "merged")
    merged = ImageCaptioner.from_preset(tmp_path / "merged")
    found = merged.generate(images[:4])
    assert found == changed
    np.testing.assert_allclose(
        [caption.score for caption in found],
        [caption.score for caption in changed],
        atol=1e-4,
    )
    assert [weight.path for weight in merged.weights] == names
    for weight, other in zip(exported[0].weights, merged.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_unknown_parts_for_lora(captioner):
    with pytest.raises(ValueError, match="image_encoder, region_encoder, text_decoder"):
        captioner.enable_lora(4, parts=["decoder"])


def test_learning_rates_of_parts(dataset, scenes):
    model = untrained(dataset, num_layers=2)
    # Four blocks over the image encoder: 0.5 ** 4.
    factors = model.layer_decay(0.5)
    assert factors == {
        "text_decoder/block_1": 1.0,
        "text_decoder/block_0": 0.5,
        "region_encoder/block_1": 0.25,
        "region_encoder/block_0": 0.125,
        "image_encoder": 0.0625,
    }
    small = {"image_encoder": 1e-9, "text_decoder": 1e-9}
    before = {v.path: np.array(v) for v in model.backbone.trainable_variables}
    step(model, scenes, learning_rate_factors={**small, "text_decoder/block_0": 1.0})
    moved = {
        v.path
        for v in model.backbone.trainable_variables
        if np.max(np.abs(np.array(v) - before[v.path])) > 1e-7
    }
    assert any(path.startswith("text_decoder/block_0") for path in moved)
    assert any(path.startswith("region_encoder") for path in moved)
    encoder = {v.path for v in model.backbone.image_encoder.variables}
    assert not moved & encoder
    assert not any(path.startswith("text_decoder/block_1") for path in moved)
    with pytest.raises(ValueError, match="'decoder'"):
        model.compile(learning_rate_factors={"decoder": 0.1})
    with pytest.raises(ValueError, match="decay=0"):
        model.layer_decay(0)


def test_unknown_options(captioner, images):
    with pytest.raises(TypeError, match="beam_width"):
        captioner.generate(images[0], beam_width=4)
    with pytest.raises(TypeError, match="Did you mean .*`num_sequences`"):
        captioner.generate(images[0], num_return_sequences=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "`num_beams` must be an integer"),
        ({"num_beams": 2, "num_sequences": 3}, "at most `num_beams`, which is 2"),
        ({"forbidden_words": ["zebra"]}, "'zebra' is not in the vocabulary"),
        ({"max_length": 0}, "`max_length` must be between 1 and LONGEST"),
        ({"max_length": 99}, "`max_length` must be between 1 and LONGEST"),
        ({"min_length": 99}, "`min_length` must be at most LONGEST"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1.*=0"),
        ({"batch_size": -1}, "`batch_size` must be an integer of at least 1.*=-1"),
    ],
)
def test_wrong_options(captioner, images, options, message):
    longest = captioner.backbone.sequence_length
    with pytest.raises(ValueError, match=message.replace("LONGEST", str(longest))):
        captioner.generate(images[0], **options)


def test_bad_images_are_named(captioner, images, tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such.jpg"):
        captioner.generate(tmp_path / "no-such.jpg")
    bad = tmp_path / "notes.jpg"
    bad.write_text("not an image")
    with pytest.raises(ValueError, match=r"notes\.jpg: unknown image format"):
        captioner.generate([images[0], bad])
    with pytest.raises(ValueError, match="uint8"):
        captioner.generate(np.zeros((4, 4, 3), "float32"))


def test_attention_is_a_distribution_over_the_image(captioner, images):
    caption = captioner.generate(images[0])
    tokens, maps = captioner.attention(images[0], caption)
    assert maps.shape == (len(tokens), SIDE // 16, SIDE // 16)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, atol=1e-4)


def test_chinese():
    rows = tiny_rows(8, "zh")
    preprocessor = untrained(to_dataset(rows)).preprocessor
    for text in rows[0]["captions"]:
        ids = preprocessor.tokenizer(tf.constant([text])).to_tensor()
        assert preprocessor.generate_postprocess(ids)[0].numpy().decode() == text


def test_no_samples(captioner, dataset):
    with pytest.raises(ValueError, match="no samples"):
        captioner.fit(dataset.take(0), verbose=0)


def test_long_captions_are_refused_or_cut(images):
    # "a b c" is three tokens and [END], one too many for 3.
    rows = [
        {"image": images[0], "image_id": "0", "captions": ["a b", "a b c"]},
        {"image": images[1], "image_id": "1", "captions": ["b"]},
    ]
    data = to_dataset(rows)
    with pytest.raises(ValueError, match="1 of 3 captions .* 'a b c', has 4") as error:
        untrained(data, sequence_length=3)
    assert "sequence_length=4" in str(error.value)
    assert untrained(data).backbone.sequence_length == 4
    cut = untrained(data, sequence_length=3, long_captions="cut")
    assert cut.backbone.sequence_length == cut.preprocessor.sequence_length == 3
    with pytest.raises(ValueError, match="`long_captions` must be"):
        untrained(data, long_captions="maybe")


def test_unknown_encoder(dataset):
    with pytest.raises(ValueError, match="small_cnn, efficientnet_lite0"):
        untrained(dataset, image_encoder="resnet9000")


def keras_application():
    return keras.applications.MobileNetV3Small(
        input_shape=(SIDE, SIDE, 3), include_top=False, weights=None, minimalistic=True
    )


def keras_hub_backbone():
    return keras_hub.models.DenseNetBackbone(
        stackwise_num_repeats=[1, 1], growth_rate=4, image_shape=(SIDE, SIDE, 3)
    )


@pytest.mark.parametrize("build", [keras_application, keras_hub_backbone])
def test_other_models_as_encoders(build, dataset, images, tmp_path):
    cnn = build()
    model = untrained(dataset, image_encoder=cnn, image_size=None)
    pixels = pixels_of(model, images[:2])
    encoder = model.backbone.image_encoder
    features = encoder(pixels)
    wanted = np.reshape(cnn(pixels), features.shape)
    np.testing.assert_allclose(features, wanted, atol=1e-5)
    assert features.shape[1] == encoder.rows * encoder.columns
    model.save_to_preset(tmp_path)
    again = ImageCaptioner.from_preset(tmp_path, compile=False)
    np.testing.assert_allclose(
        again.backbone.image_encoder(pixels), features, atol=1e-5
    )


def test_several_captions_in_a_step(dataset):
    shapes = []

    def loss(targets, logits):
        shapes.append((targets.shape[:2], logits.shape[:2]))
        return keras.losses.sparse_categorical_crossentropy(targets, logits, True)

    model = untrained(dataset)
    model.compile("sgd", loss, captions_per_image=3, run_eagerly=True)
    model.fit(dataset.take(4), batch_size=4, verbose=0)
    assert shapes == [((4, 3), (4, 3))]


@pytest.mark.parametrize("number", [0, 1.5, "3"])
def test_a_wrong_number_of_captions_in_a_step(captioner, number):
    with pytest.raises(ValueError, match="`captions_per_image` must be"):
        captioner.compile(captions_per_image=number)


def test_a_rate_beside_an_optimizer_is_refused(captioner):
    with pytest.raises(ValueError, match=r"keras\.optimizers\.Adam\(1e-3\)"):
        captioner.compile("adam", learning_rate=0.1)


def test_data_must_be_a_dataset(captioner, scenes):
    for use in (captioner.fit, captioner.evaluate, ImageCaptioner.from_data):
        with pytest.raises(TypeError, match=r"`tf\.data\.Dataset` of sample dicts"):
            use(scenes)
    with pytest.raises(TypeError, match="unpack them"):
        captioner.fit((1, 2))


def test_captions_of_another_language_are_refused(captioner):
    chinese = to_dataset(tiny_rows(8, "zh"))
    for use in (captioner.fit, captioner.evaluate):
        with pytest.raises(
            ValueError, match="does not have a single word of the first .* captions"
        ):
            use(chinese, verbose=0)


def partly_frozen(name):
    # The configuration of a model of KerasHub has no layers, only its arguments.
    model = keras_hub_backbone() if name == "keras_hub" else small_cnn(SIDE, 8)
    if name == "nested":
        model = keras.Sequential(
            [keras.Input((SIDE, SIDE, 3)), keras.layers.Rescaling(1 / 255), model]
        )
    inner = model.layers[-1] if name == "nested" else model
    for layer in inner.layers[:-4]:
        layer.trainable = False
    return model


@pytest.mark.parametrize("name", ["small_cnn", "nested", "keras_hub"])
def test_a_partly_frozen_encoder_stays_so(name, dataset, scenes, tmp_path):
    cnn = partly_frozen(name)
    model = untrained(dataset, image_encoder=cnn, image_size=None)
    before = [weight.numpy() for weight in cnn.weights]
    trained = {weight.path for weight in cnn.trainable_weights}
    assert 0 < len(trained) < len(before) / 2
    step(model, scenes)
    for old, weight in zip(before, cnn.weights, strict=True):
        same = np.array_equal(old, weight.numpy())
        # Statistics of batch normalization move in the layers that are trained.
        assert same != (weight.path in trained) or "moving" in weight.path
    model.save_to_preset(tmp_path / "preset")
    loaded = ImageCaptioner.from_preset(tmp_path / "preset").backbone.image_encoder
    assert len(loaded.trainable_weights) == len(trained)
    assert [w.shape for w in loaded.trainable_weights] == [
        w.shape for w in cnn.trainable_weights
    ]


def test_trainable_encoder(dataset):
    frozen = small_cnn(SIDE, 8)
    frozen.trainable = False
    model = untrained(dataset, image_encoder=frozen, image_size=None)
    assert not model.backbone.image_encoder.trainable
    model = untrained(
        dataset, image_encoder=frozen, image_size=None, trainable_encoder=True
    )
    assert model.backbone.image_encoder.trainable_weights
    layer = ImageEncoder(small_cnn(SIDE, 8))
    model = untrained(
        dataset, image_encoder=layer, image_size=None, trainable_encoder=False
    )
    assert not model.backbone.image_encoder.trainable_weights
