import json
import shutil

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

import mmkeras
from mmkeras.layers import ImageEncoder
from mmkeras.models import ImageCaptioner, small_cnn
from tests.conftest import SIDE, tiny_rows, to_dataset


def tiny(dataset, **kwargs):
    options = {"image_size": SIDE, "hidden_dim": 32, "num_layers": 1, "seed": 0}
    return ImageCaptioner.from_data(dataset, **{**options, **kwargs})


@pytest.fixture(scope="module")
def captioner(dataset):
    model = tiny(dataset)
    model.fit(dataset, epochs=8, batch_size=16, verbose=0)
    return model


def test_fit_lowers_the_loss_and_improves_what_evaluate_says(dataset):
    model = tiny(dataset)
    before = model.evaluate(dataset, verbose=0)
    history = model.fit(
        dataset, validation_data=dataset, epochs=6, batch_size=16, verbose=0
    ).history
    after = model.evaluate(dataset, verbose=0)
    assert history["loss"][-1] < history["loss"][0]
    assert after["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-3)
    assert after["perplexity"] < before["perplexity"]
    assert after["token_accuracy"] > before["token_accuracy"]
    assert 0 <= after["true_captions"] <= 1


def test_the_schedule_warms_up_and_ends_at_zero(dataset):
    model = tiny(dataset)
    model.compile(learning_rate=0.01)
    model.fit(dataset, epochs=2, batch_size=16, verbose=0)
    rates = [float(model.optimizer._learning_rate(step)) for step in (0, 1, 8)]
    # 64 / 16 × 2 = 8 steps, of which max(1, 8 // 10) = 1 warms up.
    assert rates == pytest.approx([0.0, 0.01, 0.0], abs=1e-6)


def test_a_step_is_traced_once(dataset, monkeypatch):
    traces, model = [], tiny(dataset)
    step = model.train_step
    monkeypatch.setattr(
        model, "train_step", lambda data: (traces.append(1), step(data))[1]
    )
    model.compile("adam")
    # One step, and so one length of captions.
    model.fit(dataset.take(16), epochs=1, batch_size=16, verbose=0)
    assert len(traces) == 1


def test_an_optimizer_of_ones_own_is_kept(dataset):
    model = tiny(dataset)
    optimizer = keras.optimizers.Adam(0.123)
    model.compile(optimizer)
    model.fit(dataset, epochs=1, batch_size=16, verbose=0)
    assert model.optimizer is optimizer


def test_decoding_with_a_cache_equals_decoding_without(captioner, images):
    converter = captioner.preprocessor.image_converter
    pixels, _ = converter.convert(tf.constant(images[:8]))
    cached = captioner.generator()(pixels).token_ids[:, 0].numpy()
    length = captioner.backbone.max_length
    tokens = np.zeros((8, length + 1), "int32")
    tokens[:, 0] = captioner.preprocessor.tokenizer.start_token_id
    ended = np.zeros(8, bool)
    for position in range(length):
        logits = captioner({"images": pixels, "token_ids": tokens[:, :-1]})
        best = np.argmax(logits[:, position], axis=-1)
        tokens[:, position + 1] = np.where(ended, 0, best)
        ended |= best == captioner.preprocessor.tokenizer.end_token_id
    np.testing.assert_array_equal(cached, tokens[:, 1:])


def test_generate_takes_every_kind_of_picture(captioner, images, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(images[0])
    array = tf.io.decode_png(images[0], 3).numpy()
    caption = captioner.generate(path)
    assert isinstance(caption, str) and caption
    for one in (str(path), images[0], array):
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
    assert captioner.generate(images[:7], batch_size=2) == together


def test_beams_and_scores(captioner, images):
    found = captioner.generate(
        images[:3], num_beams=4, num_sequences=3, return_scores=True
    )
    assert [len(row) for row in found] == [3, 3, 3]
    for row in found:
        scores = [score for _, score in row]
        assert scores == sorted(scores, reverse=True)
    assert captioner.generate(images[:3], num_beams=4) == [r[0][0] for r in found]


def test_max_length(captioner, images):
    ids = captioner.generator(max_length=2)(tf.zeros([1, SIDE, SIDE, 3])).token_ids
    assert ids.shape == (1, 1, 2)


def test_constraints_and_draws(captioner, images):
    def spell(ids):
        return f" {' '.join(map(str, np.asarray(ids)))} "

    pixels, _ = captioner.preprocessor.image_converter.convert(tf.constant(images[:8]))
    plain = captioner.generate(images[:8])
    word = plain[0].split()[-1].strip(".,")
    forbidden = spell(captioner.preprocessor.tokenizer(word))
    written = captioner.generator()(pixels).token_ids[:, 0].numpy()
    assert any(forbidden in spell(row) for row in written)
    for options in ({}, {"num_beams": 3}, {"top_p": 0.9, "seed": 1}):
        decode = captioner.generator(forbidden_words=[word], **options)
        written = decode(pixels).token_ids[:, 0].numpy()
        assert not any(forbidden in spell(row) for row in written)
    traced = len(captioner._generators._graphs)
    drawn = captioner.generate(images[0], temperature=2.0, seed=0, num_sequences=5)
    assert len(set(drawn)) > 1
    again = captioner.generate(images[0], temperature=2.0, seed=0, num_sequences=5)
    assert drawn == again
    other = captioner.generate(images[0], temperature=2.0, seed=1, num_sequences=5)
    assert other != drawn and len(captioner._generators._graphs) == traced + 1
    assert (
        captioner.generate(
            images[3:5] + images[:1], temperature=2.0, seed=0, num_sequences=5
        )[2]
        == drawn
    )
    # Sure enough, nothing but the likeliest token is drawn.
    assert captioner.generate(images[:8], top_k=1) == plain
    result = captioner.generator(min_length=12)(tf.zeros([1, SIDE, SIDE, 3]))
    end = captioner.preprocessor.tokenizer.end_token_id
    assert end not in result.token_ids.numpy()[0, 0, :12]


def test_required_words_are_written(captioner, images):
    plain = captioner.generate(images[:4], num_beams=4)
    words = [w for w in captioner.preprocessor.tokenizer.get_vocabulary() if len(w) > 3]
    word = next(w for w in words[4:] if w.isalpha() and w not in " ".join(plain))
    written = captioner.generate(images[:4], num_beams=4, required_words=[word])
    assert all(word in caption.split() for caption in written)
    with pytest.raises(ValueError, match="required words have 9 tokens.*at most 8"):
        options = {"num_beams": 2, "max_length": 8}
        captioner.generate(images, required_words=[" ".join([word] * 9)], **options)


def test_scores_of_tokens(captioner, images):
    options = {"num_beams": 3, "length_penalty": 0.0}
    plain = captioner.generate(images[:2], return_scores=True, **options)
    found = captioner.generate(images[:2], return_token_scores=True, **options)
    tokenizer = captioner.preprocessor.tokenizer
    for (text, score), (same, equal, tokens) in zip(plain, found, strict=True):
        assert (text, score) == (same, equal)
        assert sum(gain for _, gain in tokens) == pytest.approx(score, abs=1e-3)
        ids = [tokenizer.token_to_id(token) for token, _ in tokens]
        assert tokenizer.detokenize([ids]).numpy()[0].decode() == text
    several = captioner.generate(
        images[0], return_token_scores=True, num_sequences=3, **options
    )
    assert [len(tokens) > 0 for _, _, tokens in several] == [True] * 3
    assert several[0][0] == found[0][0]


@pytest.mark.parametrize("options", [{}, {"num_beams": 3, "no_repeat_ngram_size": 2}])
def test_with_xla_the_captions_are_the_same(captioner, images, options):
    plain = captioner.generate(images[:7], **options)
    # Batches of 3, 3 and 1, of which the first two are compiled as one of 4.
    compiled = captioner.generate(images[:7], jit_compile=True, batch_size=3, **options)
    assert compiled == plain


def test_lora_is_trained_saved_apart_and_merged_for_export(dataset, images, tmp_path):
    model = tiny(dataset)
    model.save_to_preset(tmp_path / "base")
    plain = model.generate(images[:4])
    model.enable_lora(4, parts=["image_encoder", "text_decoder"])
    assert model.generate(images[:4]) == plain
    losses = model.fit(dataset, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    written = model.generate(images[:4], return_scores=True)
    model.save_lora(tmp_path / "a.lora.h5")

    again = ImageCaptioner.from_preset(tmp_path / "base")
    again.load_lora(tmp_path / "a.lora.h5")
    texts = [text for text, _ in written]
    assert again.generate(images[:4]) == texts
    model.export(tmp_path / "export")
    served = tf.saved_model.load(str(tmp_path / "export"))
    found = served.signatures["serving_default"](image_bytes=tf.constant(images[:4]))
    assert [text.decode() for text in found["caption"].numpy()] == texts
    names = [v.name for v in served.signatures["serving_default"].variables]
    assert names and not any("lora" in name for name in names)

    model.save_to_preset(tmp_path / "merged")
    merged = ImageCaptioner.from_preset(tmp_path / "merged")
    assert len(merged.backbone.weights) == len(
        ImageCaptioner.from_preset(tmp_path / "base").backbone.weights
    )
    scores = merged.generate(images[:4], return_scores=True)
    assert [text for text, _ in scores] == texts
    np.testing.assert_allclose(
        [score for _, score in scores], [score for _, score in written], atol=1e-4
    )


def test_parts_for_lora_that_there_are_not(captioner):
    with pytest.raises(ValueError, match="image_encoder, region_encoder, text_decoder"):
        captioner.enable_lora(4, parts=["decoder"])


def test_parts_at_rates_of_their_own(dataset):
    model = tiny(dataset, num_layers=2)
    # Four blocks over the image encoder: 0.5 ** 4.
    factors = model.layer_decay(0.5)
    assert factors == {
        "text_decoder/block_1": 1.0,
        "text_decoder/block_0": 0.5,
        "region_encoder/block_1": 0.25,
        "region_encoder/block_0": 0.125,
        "image_encoder": 0.0625,
    }
    tiny_factor = {"image_encoder": 1e-9, "text_decoder": 1e-9}
    model.compile(learning_rate_factors={**tiny_factor, "text_decoder/block_0": 1.0})
    before = {v.path: np.array(v) for v in model.backbone.trainable_variables}
    model.fit(dataset, epochs=1, batch_size=16, verbose=0)
    moved = {
        v.path
        for v in model.backbone.trainable_variables
        if np.max(np.abs(np.array(v) - before[v.path])) > 1e-5
    }
    assert any(path.startswith("text_decoder/block_0") for path in moved)
    assert any(path.startswith("region_encoder") for path in moved)
    encoder = {v.path for v in model.backbone.image_encoder.variables}
    assert not moved & encoder
    assert not any(path.startswith("text_decoder/block_1") for path in moved)
    with pytest.raises(ValueError, match="names 'decoder', which there is not"):
        model.compile(learning_rate_factors={"decoder": 0.1})
    with pytest.raises(ValueError, match="decay=0"):
        model.layer_decay(0)


def test_groups_of_beams_say_different_things(captioner, images):
    options = {"num_beams": 4, "num_sequences": 4}
    alike = captioner.generate(images[:8], **options)
    diverse = captioner.generate(
        images[:8], num_beam_groups=4, diversity_penalty=5.0, **options
    )
    first_words = [
        [len({caption.split()[0] for caption in row if caption}) for row in found]
        for found in (alike, diverse)
    ]
    assert np.mean(first_words[1]) > np.mean(first_words[0])


def test_an_option_that_there_is_not(captioner, images):
    with pytest.raises(TypeError, match="beam_width"):
        captioner.generate(images[0], beam_width=4)
    with pytest.raises(TypeError, match="Did you mean .*`return_scores`.* num_beams"):
        captioner.generate(images[0], num_return_sequences=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "`num_beams` must be an integer"),
        ({"num_beams": 1.5}, "`num_beams` must be an integer"),
        ({"num_beams": 2, "num_sequences": 3}, "at most `num_beams`, which is 2"),
        ({"num_beams": 2, "top_k": 3}, "Sampling has no beams"),
        ({"forbidden_words": ["zebra"]}, "'zebra' is not in the vocabulary"),
        ({"max_length": 0}, "`max_length` must be between 1 and 40"),
        ({"min_length": 41}, "`min_length` must be at most 40"),
        ({"max_length": 41}, "`max_length` must be between 1 and 40"),
        ({"num_beams": 2, "length_penalty": -1}, "must be at least 0"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1.*=0"),
        ({"batch_size": -1}, "`batch_size` must be an integer of at least 1.*=-1"),
        ({"top_k": 3, "seed": 2**40}, "`seed` must be .* at most 2147483647"),
    ],
)
def test_wrong_options(captioner, images, options, message):
    with pytest.raises(ValueError, match=message):
        captioner.generate(images[0], **options)


def test_bad_pictures_are_named(captioner, images, tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such.jpg"):
        captioner.generate(tmp_path / "no-such.jpg")
    bad = tmp_path / "notes.jpg"
    bad.write_text("not a picture")
    with pytest.raises(ValueError, match=r"notes\.jpg: unknown image format"):
        captioner.generate([images[0], bad])
    with pytest.raises(ValueError, match="uint8"):
        captioner.generate(np.zeros((4, 4, 3), "float32"))


def test_damaged_presets(captioner, tmp_path):
    good = tmp_path / "good"
    captioner.save_to_preset(good)
    with pytest.raises(FileNotFoundError, match="no preset folder"):
        ImageCaptioner.from_preset(tmp_path / "nowhere")
    names = ("config.json", "task.json", "preprocessor.json", "model.weights.h5")
    for name in (*names, "assets/tokenizer/vocabulary.txt"):
        broken = tmp_path / f"without_{name.replace('/', '_')}"
        shutil.copytree(good, broken)
        (broken / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"has no file {name}"):
            ImageCaptioner.from_preset(broken)
        shutil.copy(good / name, broken / name)
        data = (broken / name).read_bytes()
        (broken / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match=name):
            ImageCaptioner.from_preset(broken)
    task = json.loads((good / "task.json").read_text())
    task["class_name"] = "Other"
    (good / "task.json").write_text(json.dumps(task))
    with pytest.raises(ValueError, match=r"the task Other, not ImageCaptioner\.$"):
        ImageCaptioner.from_preset(good)


def test_attention_is_a_distribution_over_the_picture(captioner, images):
    caption = captioner.generate(images[0])
    tokens, maps = captioner.attention(images[0], caption)
    assert maps.shape == (len(tokens), SIDE // 16, SIDE // 16)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, atol=1e-4)


def test_chinese():
    rows = tiny_rows(32, "zh")
    data = to_dataset(rows)
    model = tiny(data)
    model.fit(data, epochs=1, batch_size=16, verbose=0)
    assert isinstance(model.generate(rows[0]["image"]), str)
    ids = model.preprocessor.tokenizer(tf.constant([rows[0]["captions"][0]]))
    text = model.preprocessor.generate_postprocess(ids.to_tensor())[0]
    assert text.numpy().decode() == rows[0]["captions"][0]


def test_no_usable_data(dataset):
    with pytest.raises(ValueError, match="no samples"):
        tiny(dataset).fit(dataset.take(0), verbose=0)


def test_captions_longer_than_the_limit_are_refused_or_cut(images):
    # "a b c" is three tokens and [END], one too many for 3.
    rows = [
        {"image": images[0], "image_id": "0", "captions": ["a b", "a b c"]},
        {"image": images[1], "image_id": "1", "captions": ["b"]},
    ]
    data = to_dataset(rows)
    with pytest.raises(ValueError, match="1 of 3 captions .* 'a b c', has 4") as error:
        tiny(data, sequence_length=3)
    assert "sequence_length=4" in str(error.value)
    assert tiny(data, sequence_length=4).backbone.max_length == 4
    assert tiny(data, sequence_length=3, long_captions="cut").backbone.max_length == 3
    with pytest.raises(ValueError, match="`long_captions` must be"):
        tiny(data, long_captions="maybe")


def test_unknown_encoder(dataset):
    with pytest.raises(ValueError, match="small_cnn, efficientnet_lite0"):
        tiny(dataset, image_encoder="resnet9000")


def test_a_keras_application_as_encoder(dataset, images):
    cnn = keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3), include_top=False, weights=None, minimalistic=True
    )
    model = tiny(dataset, image_encoder=cnn, image_size=None)
    model.fit(dataset, epochs=1, batch_size=16, verbose=0)
    assert isinstance(model.generate(images[0]), str)


def test_a_keras_hub_backbone_as_encoder(dataset, images):
    backbone = keras_hub.models.DenseNetBackbone(
        stackwise_num_repeats=[1, 1], growth_rate=4, image_shape=(32, 32, 3)
    )
    model = tiny(dataset, image_encoder=backbone, image_size=None)
    model.fit(dataset, epochs=1, batch_size=16, verbose=0)
    assert isinstance(model.generate(images[0]), str)


def test_importing_mmkeras_is_light():
    import subprocess
    import sys

    code = "import sys, mmkeras; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "models" in dir(mmkeras)


def test_several_captions_a_step(dataset, monkeypatch):
    model = tiny(dataset)
    model.compile(captions_per_image=3)
    seen = []
    pack = model.preprocessor._pack
    monkeypatch.setattr(
        model.preprocessor, "_pack", lambda text: seen.append(text.shape) or pack(text)
    )
    history = model.fit(
        dataset, validation_data=dataset, epochs=2, batch_size=16, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert [3] in [list(shape[1:]) for shape in seen]
    # Evaluation counts every caption once, however many a step learns from.
    assert model.evaluate(dataset, verbose=0)["loss"] == pytest.approx(
        history["val_loss"][-1], rel=1e-3
    )


@pytest.mark.parametrize("number", [0, 1.5, "3"])
def test_a_wrong_number_of_captions_a_step(captioner, number):
    with pytest.raises(ValueError, match="`captions_per_image` must be"):
        captioner.compile(captions_per_image=number)


def test_a_rate_beside_an_optimizer_is_refused(captioner):
    with pytest.raises(ValueError, match=r"keras\.optimizers\.Adam\(1e-3\)"):
        captioner.compile("adam", learning_rate=0.1)


def test_what_is_no_dataset_is_refused(captioner, scenes):
    for use in (captioner.fit, captioner.evaluate, ImageCaptioner.from_data):
        with pytest.raises(TypeError, match=r"`tf\.data\.Dataset` of sample dicts"):
            use(scenes)
    with pytest.raises(TypeError, match="unpack them"):
        captioner.fit((1, 2))


def test_captions_that_the_vocabulary_does_not_know_are_refused(captioner):
    chinese = to_dataset(tiny_rows(8, "zh"))
    for use in (captioner.fit, captioner.evaluate):
        with pytest.raises(ValueError, match="knows no word of the first .* captions"):
            use(chinese, verbose=0)


def partly_frozen(name):
    model = small_cnn(SIDE, 8)
    if name == "keras_hub":
        # Its configuration has no layers, only what they are made by.
        model = keras_hub.models.DenseNetBackbone(
            stackwise_num_repeats=[1, 1], growth_rate=4, image_shape=(SIDE, SIDE, 3)
        )
    if name == "nested":
        model = keras.Sequential(
            [keras.Input((SIDE, SIDE, 3)), keras.layers.Rescaling(1 / 255), model]
        )
    inner = model.layers[-1] if name == "nested" else model
    for layer in inner.layers[:-4]:
        layer.trainable = False
    return model


@pytest.mark.parametrize("name", ["small_cnn", "nested", "keras_hub"])
def test_a_partly_frozen_encoder_stays_so(name, dataset, tmp_path):
    cnn = partly_frozen(name)
    model = tiny(dataset, image_encoder=cnn, image_size=None)
    before = [weight.numpy() for weight in cnn.weights]
    trained = {weight.path for weight in cnn.trainable_weights}
    assert 0 < len(trained) < len(before) / 2
    model.fit(dataset, epochs=1, batch_size=16, verbose=0)
    for old, weight in zip(before, cnn.weights, strict=True):
        same = np.array_equal(old, weight.numpy())
        # Statistics of batch normalisation move in the layers that are trained.
        assert same != (weight.path in trained) or "moving" in weight.path
    model.save_to_preset(tmp_path / "preset")
    loaded = ImageCaptioner.from_preset(tmp_path / "preset").backbone.image_encoder
    assert len(loaded.trainable_weights) == len(trained)
    assert [w.shape for w in loaded.trainable_weights] == [
        w.shape for w in cnn.trainable_weights
    ]


def test_what_from_data_says_of_training_is_done(dataset, tmp_path):
    frozen = small_cnn(SIDE, 8)
    frozen.trainable = False
    model = tiny(dataset, image_encoder=frozen, image_size=None)
    assert not model.backbone.image_encoder.trainable
    model.cache_features(dataset, tmp_path, verbose=False)
    model = tiny(dataset, image_encoder=frozen, image_size=None, trainable_encoder=True)
    assert model.backbone.image_encoder.trainable_weights
    layer = ImageEncoder(small_cnn(SIDE, 8))
    model = tiny(dataset, image_encoder=layer, image_size=None, trainable_encoder=False)
    assert not model.backbone.image_encoder.trainable_weights
