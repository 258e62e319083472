import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.optimizers import ConvMuon, LayerwiseOptimizer, WarmupCosine


def test_rates_by_hand():
    schedule = WarmupCosine(2.0, total_steps=40)
    # max(1, 40 // 10) = 4 steps up, 36 down; 22 = 4 + 18 is half way down, and
    # 4 + 12 a third: 0.5 × (1 + cos(π/3)) = 0.75.
    expected = {0: 0.0, 1: 0.5, 3: 1.5, 4: 2.0, 16: 1.5, 22: 1.0, 40: 0.0, 99: 0.0}
    for step, rate in expected.items():
        assert float(schedule(step)) == pytest.approx(rate, abs=1e-6)


def test_few_and_many_steps():
    # The first of 3 steps warms up; of 20,000 steps 500 do.
    assert [float(WarmupCosine(1.0, 3)(s)) for s in (0, 1)] == [0.0, 1.0]
    schedule = WarmupCosine(1.0, 20_000)
    assert float(schedule(250)) == pytest.approx(0.5)
    assert float(schedule(500)) == pytest.approx(1.0)


@pytest.mark.parametrize("total", [1, 7, 64, 12_345])
def test_it_equals_the_cosine_decay_of_keras(total):
    warmup = min(500, max(1, total // 10))
    expected = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), warmup_target=3e-3, warmup_steps=warmup
    )
    schedule = WarmupCosine(3e-3, total)
    for step in {0, 1, total // 10, total // 3, total - 1, total, total + 5}:
        assert float(schedule(step)) == pytest.approx(float(expected(step)), abs=1e-9)


def test_unknown_number_of_steps():
    schedule = WarmupCosine(0.5)
    assert [float(schedule(step)) for step in (0, 10)] == [0.5, 0.5]


def test_it_begins_again_without_tracing():
    schedule, traces = WarmupCosine(1.0, 10), []

    @tf.function
    def rate(step):
        traces.append(1)
        return schedule(step)

    assert float(rate(tf.constant(5))) < 1.0
    schedule.begin(total_steps=100, start_step=20)
    # 5 of 10 steps up.
    assert float(rate(tf.constant(25))) == pytest.approx(0.5)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "`total_steps` .* at least 1"), ((5, -1), "`start_step` .* at least 0")],
)
def test_bad_steps(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupCosine(1.0).begin(*arguments)


def test_config_round_trip():
    schedule = WarmupCosine(0.25, 30, 7)
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert again.get_config() == {"peak": 0.25, "total_steps": 30, "start_step": 7}
    for optimizer in (ConvMuon(schedule), keras.optimizers.SGD(schedule)):
        config = keras.optimizers.serialize(optimizer)
        assert keras.optimizers.deserialize(config).get_config() == (
            optimizer.get_config()
        )


def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def test_the_start_is_saved_with_the_optimizer(tmp_path):
    schedules = []
    for _ in range(2):
        schedules.append(WarmupCosine(0.1))
        one = model()
        one.compile(ConvMuon(schedules[-1]), "mse")
        one.optimizer.build(one.trainable_variables)
        if len(schedules) == 1:
            schedules[0].begin(10, start_step=5)
            one.save_weights(tmp_path / "a.weights.h5")
        else:
            one.load_weights(tmp_path / "a.weights.h5")
    # The number of steps is that of the present training.
    assert int(schedules[1].start_step) == 5 and int(schedules[1].total_steps) == 0


def test_groups_share_the_schedule():
    schedule = WarmupCosine(1.0)
    variables = [keras.Variable(np.ones(2), name=name) for name in ("slow", "fast")]
    optimizer = LayerwiseOptimizer(
        keras.optimizers.SGD(schedule), {variables[0].path: 0.1}
    )
    schedule.begin(total_steps=30)
    for _ in range(2):
        optimizer.apply([keras.ops.ones(2)] * 2, variables)
    # Of 3 steps that warm up: 0 and 1/3.
    np.testing.assert_allclose(variables[1], np.full(2, 2 / 3), atol=1e-6)
    np.testing.assert_allclose(variables[0], np.full(2, 1 - 1 / 30), atol=1e-6)


@pytest.mark.parametrize("replicas", [1, 2])
def test_loss_scale_and_replicas(replicas):
    strategy = tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(replicas)], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        schedule, one = WarmupCosine(0.1), model()
        optimizer = keras.optimizers.LossScaleOptimizer(ConvMuon(schedule))
        one.compile(optimizer, "mse")
    x = np.ones((8, 2), "float32")
    for total in (2, 4):
        schedule.begin(total, int(one.optimizer.iterations.numpy()))
        one.fit(x, np.ones((8, 3)), batch_size=8, epochs=total, verbose=0)
    assert int(schedule.start_step.numpy()) == 2
    # 3 of 4 steps, the first of which warms up: two thirds of the way down.
    rate = 0.1 * 0.5 * (1 + math.cos(math.pi * 2 / 3))
    assert float(schedule(2 + 3)) == pytest.approx(rate)
    assert float(one.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-8)
