"""Every fusion block through the same list. A new block is tested by being registered.

Three modalities of 4, 3 and 2 tokens, and their first two; in row 0 all have padding, in
row 1 the first is absent, in row 2 the last, in row 3 everything is there.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import fusion

ROWS, DIM = 4, 8
LENGTHS, DIMS = (4, 3, 2), (6, 8, 5)


def inputs_of(number):
    rng = np.random.default_rng(0)
    sizes = list(zip(LENGTHS, DIMS, strict=True))[:number]
    tokens = [rng.normal(size=(ROWS, n, d)).astype("float32") for n, d in sizes]
    masks = [np.ones((ROWS, n), bool) for n, _ in sizes]
    for mask in masks:
        mask[0, -1] = False
    masks[0][1] = masks[-1][2] = False
    return tokens, masks


def with_padding_of(tokens, masks, value):
    return [
        np.where(np.expand_dims(mask, -1), x, np.float32(value))
        for x, mask in zip(tokens, masks, strict=True)
    ]


def as_model(block, number):
    sizes = list(zip(LENGTHS, DIMS, strict=True))[:number]
    tokens = [keras.Input((n, d)) for n, d in sizes]
    masks = [keras.Input((n,), dtype="bool") for n, _ in sizes]
    return keras.Model(tokens + masks, block(tokens, masks=masks))


@pytest.fixture(params=fusion.names())
def name(request):
    keras.utils.set_random_seed(0)
    return request.param


@pytest.fixture(scope="module", params=fusion.names())
def fitted(request):
    """A model of two modalities, and its losses over the epochs of a training."""
    keras.utils.set_random_seed(0)
    model = as_model(fusion.get(request.param, dim=DIM), 2)
    tokens, masks = inputs_of(2)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    target = np.random.default_rng(1).normal(size=(ROWS, DIM))
    history = model.fit(tokens + masks, target, epochs=10, verbose=0).history
    return model, history["loss"]


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def number(request):
    return request.param


@pytest.fixture(scope="module", params=fusion.names())
def block(request, number):
    """A block that has seen `number` modalities, whose prior is not 0."""
    keras.utils.set_random_seed(0)
    block = fusion.get(request.param, dim=DIM)
    block(*inputs_of(number))
    for weight in block.weights:
        if not np.any(weight):
            weight.assign(keras.random.normal(weight.shape, stddev=0.1))
    return block


def test_fit_lowers_the_loss(fitted):
    _, losses = fitted
    assert losses[-1] < losses[0]


def test_save_and_load(fitted, tmp_path):
    model, _ = fitted
    tokens, masks = inputs_of(2)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(tokens + masks), model(tokens + masks))


def test_saved_model(fitted, tmp_path):
    model, _ = fitted
    tokens, masks = inputs_of(2)
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved")).serve(tokens + masks)
    np.testing.assert_allclose(served, model(tokens + masks), atol=1e-5)


def test_mirrored_strategy(name):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = as_model(fusion.get(name, dim=DIM), 3)
        model.compile("adam", "mse")
    tokens, masks = inputs_of(3)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.fit(tokens + masks, np.ones((ROWS, DIM)), verbose=0)
    pairs = zip(before, model.trainable_weights, strict=True)
    assert any(np.any(old != new) for old, new in pairs)
    assert all(np.all(np.isfinite(weight)) for weight in model.trainable_weights)


def test_mixed_precision(name):
    block = fusion.get(name, dim=DIM, dtype="mixed_bfloat16")
    tokens, masks = inputs_of(3)
    with tf.GradientTape() as tape:
        output = block(tokens, masks, training=True)
        loss = tf.reduce_mean(tf.cast(output, "float32") ** 2)
    assert output.dtype == "bfloat16"
    assert np.isfinite(loss)
    assert all(weight.dtype == "float32" for weight in block.trainable_weights)
    values = [weight.value for weight in block.trainable_weights]
    gradients = [g for g in tape.gradient(loss, values) if g is not None]
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


def test_config_round_trip(block, number):
    again = type(block).from_config(block.get_config())
    assert again.get_config() == block.get_config()
    again.build([(None, None, size) for size in DIMS[:number]])
    shapes = [[tuple(w.shape) for w in made.weights] for made in (block, again)]
    assert shapes[0] == shapes[1]


def test_output_shape_is_as_computed(block, number):
    tokens, _ = inputs_of(number)
    computed = block.compute_output_shape([x.shape for x in tokens])
    assert tuple(block(tokens).shape) == tuple(computed) == (ROWS, DIM)


def test_no_masks_are_masks_of_what_is_all_there(block, number):
    tokens, masks = inputs_of(number)
    everything = [np.ones_like(mask) for mask in masks]
    output = np.array(block(tokens))
    np.testing.assert_array_equal(output, block(tokens, everything))
    np.testing.assert_array_equal(output, block(tokens, [None, *everything[1:]]))


def test_every_modality_counts(block, number):
    tokens, masks = inputs_of(number)
    output = np.array(block(tokens, masks))
    for k in range(number):
        other = [x + np.sin(x * 5) * (j == k) for j, x in enumerate(tokens)]
        changed = np.any(np.array(block(other, masks)) != output, axis=1)
        np.testing.assert_array_equal(changed, masks[k].any(axis=1))
        absent = [mask & (j != k) for j, mask in enumerate(masks)]
        changed = np.any(np.array(block(tokens, absent)) != output, axis=1)
        np.testing.assert_array_equal(changed, masks[k].any(axis=1))


@pytest.mark.parametrize("value", [1e30, np.inf, np.nan])
def test_padding_and_absent_modalities_have_no_influence(block, number, value):
    tokens, masks = inputs_of(number)
    other = with_padding_of(tokens, masks, value)
    output, details = block(tokens, masks, return_details=True)
    again, details_again = block(other, masks, return_details=True)
    np.testing.assert_array_equal(output, again)
    keras.tree.map_structure(np.testing.assert_array_equal, details, details_again)


def test_longer_padding_changes_nothing(block, number):
    tokens, masks = inputs_of(number)
    longer = [np.pad(x, [(0, 0), (0, 3), (0, 0)]) for x in tokens]
    longer_masks = [np.pad(mask, [(0, 0), (0, 3)]) for mask in masks]
    output = np.array(block(tokens, masks))
    np.testing.assert_allclose(block(longer, longer_masks), output, atol=1e-5)


def test_gradients_are_of_what_is_there(block, number):
    tokens, masks = inputs_of(number)
    tokens = [tf.constant(x) for x in with_padding_of(tokens, masks, 1e30)]
    direction = tf.random.stateless_normal((ROWS, DIM), [0, 0])
    with tf.GradientTape() as tape:
        tape.watch(tokens)
        loss = tf.reduce_sum(block(tokens, masks) * direction)
    for gradient, mask in zip(tape.gradient(loss, tokens), masks, strict=True):
        assert np.all(np.isfinite(gradient))
        np.testing.assert_array_equal(np.any(gradient != 0, axis=-1), mask)


def test_nothing_at_all_is_a_learned_constant(block, number):
    tokens, masks = inputs_of(number)
    nothing = [np.zeros_like(mask) for mask in masks]
    tokens = with_padding_of(tokens, nothing, 1e30)
    with tf.GradientTape() as tape:
        output = block(tokens, nothing)
        loss = tf.reduce_sum(output)
    assert np.all(np.isfinite(output)) and np.any(output)
    np.testing.assert_array_equal(output, np.repeat(output[:1], ROWS, axis=0))
    values = [weight.value for weight in block.trainable_weights]
    gradients = [g for g in tape.gradient(loss, values) if g is not None]
    assert any(np.any(gradient) for gradient in gradients)
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


def test_a_row_does_not_depend_on_the_others(block, number):
    tokens, masks = inputs_of(number)
    output = np.array(block(tokens, masks))
    for row in range(ROWS):
        one = slice(row, row + 1)
        alone = block([x[one] for x in tokens], [mask[one] for mask in masks])
        np.testing.assert_allclose(alone, output[one], atol=1e-5)


def test_details(block, number):
    tokens, masks = inputs_of(number)
    output, details = block(tokens, masks, return_details=True)
    np.testing.assert_array_equal(output, block(tokens, masks))
    for x, mask in zip(details.get("tokens", []), masks, strict=False):
        assert x.shape == (*mask.shape, DIM)
        assert not np.any(np.array(x)[~mask])
    for weights, mask in zip(details.get("attention", []), masks, strict=False):
        assert weights.dtype == "float32"
        assert not np.any(np.array(weights)[~mask])
        sums = np.sum(weights, axis=1)
        np.testing.assert_allclose(sums, mask.any(axis=1), atol=1e-6)


def test_symbolic_details_are_shaped_like_real_ones(block, number):
    tokens, masks = inputs_of(number)
    symbols = [keras.Input(x.shape[1:], ROWS) for x in tokens]
    bools = [keras.Input(x.shape[1:], ROWS, dtype="bool") for x in masks]
    _, details = block(tokens, masks, return_details=True)
    _, symbolic = block(symbols, masks=bools, return_details=True)
    keras.tree.assert_same_structure(details, symbolic)
    pairs = zip(keras.tree.flatten(details), keras.tree.flatten(symbolic), strict=True)
    assert all(tuple(one.shape) == tuple(other.shape) for one, other in pairs)


def test_bad_input_is_named(name):
    tokens, masks = inputs_of(2)
    block = fusion.get(name, dim=DIM)
    with pytest.raises(ValueError, match="at least two modalities"):
        block(tokens[:1])
    with pytest.raises(ValueError, match="modality 1 must be `.rows, length, dim.`"):
        block([tokens[0], tokens[1][:, 0]])
    block.build([x.shape for x in tokens])
    with pytest.raises(ValueError, match="2 modalities"):
        block(tokens + tokens)
    with pytest.raises(ValueError, match="mask of modality 1 must be bool"):
        block(tokens, [masks[0], masks[1].astype("float32")])
    with pytest.raises(ValueError, match="mask of modality 0 must be `.rows, len"):
        block(tokens, masks[::-1])
    with pytest.raises(ValueError, match="`masks` must be"):
        block(tokens, masks[:1])
    with pytest.raises(ValueError, match="`dim` must be"):
        fusion.get(name, dim=0)
