"""The same tests for every registered fusion block.

The inputs are three modalities of 4, 3 and 2 tokens, or the first two of them: in row 0
all have padding, in row 1 the first is absent, in row 2 the last, and in row 3 all are
valid.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import fusion
from tests.conformance.litert import litert_rows

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
    """Masks are integers, as `fit` of Keras 3.15 adds up the inputs of replicas."""
    sizes = list(zip(LENGTHS, DIMS, strict=True))[:number]
    tokens = [keras.Input((n, d)) for n, d in sizes]
    masks = [keras.Input((n,), dtype="int32") for n, _ in sizes]
    bools = [keras.ops.cast(mask, "bool") for mask in masks]
    return keras.Model(tokens + masks, block(tokens, masks=bools))


def model_inputs(number):
    tokens, masks = inputs_of(number)
    return tokens + [mask.astype("int32") for mask in masks]


def traced(block, number):
    """Output, details and gradients, as a graph for any rows and lengths."""
    tokens = [tf.TensorSpec([None, None, size]) for size in DIMS[:number]]
    masks = [tf.TensorSpec([None, None], tf.bool)] * number
    direction = np.random.default_rng(2).normal(size=DIM).astype("float32")
    weights = [weight.value for weight in block.trainable_weights]

    @tf.function(input_signature=[tokens, masks], autograph=False)
    def run(tokens, masks):
        with tf.GradientTape() as tape:
            tape.watch(tokens)
            output, details = block(tokens, masks=masks, return_details=True)
            loss = tf.reduce_sum(output * direction)
        gradients = tape.gradient(loss, [tokens, weights], unconnected_gradients="zero")
        return output, details, *gradients

    return run


@pytest.fixture(scope="module", autouse=True)
def graphs_are_not_optimized():
    """Optimizing a graph takes longer than executing it a few times."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture(params=fusion.names())
def name(request):
    keras.utils.set_random_seed(0)
    return request.param


@pytest.fixture(scope="module", params=fusion.names())
def fitted(request):
    """A model of two modalities, trained on two replicas, and its losses."""
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = as_model(fusion.get(request.param, dim=DIM), 2)
        model.compile("sgd", "mse", jit_compile=False)
    target = np.random.default_rng(1).normal(size=(ROWS, DIM))
    history = model.fit(model_inputs(2), target, epochs=10, verbose=0).history
    return model, history["loss"]


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def number(request):
    return request.param


@pytest.fixture(scope="module", params=fusion.names())
def block(request, number):
    """A block built for `number` modalities, without weights that are all 0."""
    keras.utils.set_random_seed(0)
    block = fusion.get(request.param, dim=DIM)
    block.build([(None, None, size) for size in DIMS[:number]])
    for weight in block.weights:
        if not np.any(weight):
            weight.assign(keras.random.normal(weight.shape, stddev=0.1))
    return block


@pytest.fixture(scope="module")
def run(block, number):
    return traced(block, number)


def test_fit_under_mirrored_strategy_lowers_the_loss(fitted):
    model, losses = fitted
    assert losses[-1] < losses[0]
    assert all(np.all(np.isfinite(weight)) for weight in model.trainable_weights)


def test_save_and_load(fitted, tmp_path):
    model, _ = fitted
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = model_inputs(2)
    np.testing.assert_array_equal(again(inputs), model(inputs))


def test_saved_model(fitted, tmp_path):
    model, _ = fitted
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    inputs = model_inputs(2)
    np.testing.assert_allclose(loaded.serve(inputs), model(inputs), atol=1e-5)


def test_litert(fitted):
    model, _ = fitted
    inputs = model_inputs(2)
    np.testing.assert_allclose(litert_rows(model, inputs), model(inputs), atol=1e-4)


def test_mixed_precision(name):
    block = fusion.get(name, dim=DIM, dtype="mixed_bfloat16")
    tokens, masks = inputs_of(2)
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


def test_without_masks_all_tokens_are_valid(block, run, number):
    tokens, masks = inputs_of(number)
    everything = [np.ones_like(mask) for mask in masks]
    output = np.array(block(tokens))
    np.testing.assert_array_equal(output, block(tokens, [None, *everything[1:]]))
    np.testing.assert_allclose(output, run(tokens, everything)[0], atol=1e-5)
    computed = block.compute_output_shape([x.shape for x in tokens])
    assert output.shape == tuple(computed) == (ROWS, DIM)


def test_every_modality_has_influence(run, number):
    tokens, masks = inputs_of(number)
    output = np.array(run(tokens, masks)[0])
    for k in range(number):
        other = [x + np.sin(x * 5) * (j == k) for j, x in enumerate(tokens)]
        changed = np.any(np.array(run(other, masks)[0]) != output, axis=1)
        np.testing.assert_array_equal(changed, masks[k].any(axis=1))
        absent = [mask & (j != k) for j, mask in enumerate(masks)]
        changed = np.any(np.array(run(tokens, absent)[0]) != output, axis=1)
        np.testing.assert_array_equal(changed, masks[k].any(axis=1))


@pytest.mark.parametrize("value", [1e30, np.inf, np.nan])
def test_padding_and_absent_modalities_have_no_influence(run, number, value):
    tokens, masks = inputs_of(number)
    # Output, details, and the gradients of tokens and weights, to the bit.
    keras.tree.map_structure(
        np.testing.assert_array_equal,
        run(tokens, masks),
        run(with_padding_of(tokens, masks, value), masks),
    )


def test_longer_padding_changes_nothing(run, number):
    tokens, masks = inputs_of(number)
    longer = [np.pad(x, [(0, 0), (0, 3), (0, 0)]) for x in tokens]
    longer_masks = [np.pad(mask, [(0, 0), (0, 3)]) for mask in masks]
    output = run(tokens, masks)[0]
    np.testing.assert_allclose(run(longer, longer_masks)[0], output, atol=1e-5)


def test_gradients_of_valid_tokens_only(run, number):
    tokens, masks = inputs_of(number)
    _, _, gradients, _ = run(with_padding_of(tokens, masks, 1e30), masks)
    for gradient, mask in zip(gradients, masks, strict=True):
        assert np.all(np.isfinite(gradient))
        np.testing.assert_array_equal(np.any(gradient != 0, axis=-1), mask)


def test_output_without_any_modality_is_a_learned_constant(run, number):
    tokens, masks = inputs_of(number)
    nothing = [np.zeros_like(mask) for mask in masks]
    output, _, of_tokens, of_weights = run(
        with_padding_of(tokens, nothing, 1e30), nothing
    )
    assert np.all(np.isfinite(output)) and np.any(output)
    np.testing.assert_array_equal(output, np.repeat(output[:1], ROWS, axis=0))
    assert not any(np.any(gradient) for gradient in of_tokens)
    assert any(np.any(gradient) for gradient in of_weights)
    assert all(np.all(np.isfinite(gradient)) for gradient in of_weights)


def test_rows_are_independent(run, number):
    tokens, masks = inputs_of(number)
    output = run(tokens, masks)[0]
    for row in range(ROWS):
        one = slice(row, row + 1)
        alone = run([x[one] for x in tokens], [mask[one] for mask in masks])[0]
        np.testing.assert_allclose(alone, output[one], atol=1e-5)


def test_details(block, run, number):
    tokens, masks = inputs_of(number)
    _, details, _, _ = run(tokens, masks)
    for x, mask in zip(details.get("tokens", masks), masks, strict=True):
        assert x is mask or x.shape == (*mask.shape, DIM)
        assert not np.any(np.array(x)[~mask])
    for weights, mask in zip(details.get("attention", []), masks, strict=False):
        assert weights.dtype == "float32"
        assert not np.any(np.array(weights)[~mask])
        sums = np.sum(weights, axis=1)
        np.testing.assert_allclose(sums, mask.any(axis=1), atol=1e-6)
    assert len(details.get("attention", masks)) == number


def test_symbolic_details_have_the_shapes_of_real_ones(block, run, number):
    tokens, masks = inputs_of(number)
    symbols = [keras.Input(x.shape[1:], ROWS) for x in tokens]
    bools = [keras.Input(x.shape[1:], ROWS, dtype="bool") for x in masks]
    output, symbolic = block(symbols, masks=bools, return_details=True)
    assert tuple(output.shape) == (ROWS, DIM)
    _, details, _, _ = run(tokens, masks)
    keras.tree.assert_same_structure(details, symbolic)
    pairs = zip(keras.tree.flatten(details), keras.tree.flatten(symbolic), strict=True)
    assert all(tuple(one.shape) == tuple(other.shape) for one, other in pairs)


def test_errors_name_the_input(name):
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
