import asyncio
import concurrent.futures
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from mmkeras.serving.batcher import Batcher
from mmkeras.serving.served_signature import ServedSignature
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.serving_options import ServingOptions


def signature(shape=(None,)):
    definition = meta_graph_pb2.SignatureDef()
    for tensors in (definition.inputs, definition.outputs):
        tensors["x"].dtype = tf.int64.as_datatype_enum
        tensors["x"].tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return ServedSignature("double", definition)


class Doubler:
    """A model that records its calls, and can be paused."""

    def __init__(self, wrong=()):
        self.calls = []
        self.wrong = set(wrong)
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self, name, inputs):
        self.calls.append(inputs["x"].tolist())
        assert self.go_on.wait(30)
        if self.wrong & set(np.ravel(inputs["x"]).tolist()):
            raise ServingError.invalid("a wrong number")
        return {"x": 2 * inputs["x"]}


def serve(model, work, **options):
    """Run `work(predict, batcher)`, where `predict(*numbers)` is one request."""
    options = ServingOptions(**{"batch_threads": 1, "batch_timeout": 30, **options})

    async def main():
        slots = asyncio.Semaphore(options.batch_threads)
        with concurrent.futures.ThreadPoolExecutor(options.batch_threads) as executor:
            batcher = Batcher(model.run, options, slots, executor, lambda rows: None)

            async def predict(*numbers, shape=(None,)):
                inputs = {"x": np.array(numbers, "int64")}
                outputs = await batcher.predict(signature(shape), inputs)
                return outputs["x"].tolist()

            return await asyncio.wait_for(work(predict, batcher), 30)

    return asyncio.run(main())


def test_requests_are_batched_and_outputs_divided():
    model = Doubler()

    async def work(predict, batcher):
        return await asyncio.gather(predict(1), predict(2, 3), predict(4))

    # Full with 4 rows, so that no request waits for 30 seconds.
    assert serve(model, work, max_batch_size=4) == [[2], [4, 6], [8]]
    assert model.calls == [[1, 2, 3, 4]]


def test_a_request_that_does_not_fit_waits_for_the_next_batch():
    model = Doubler()

    async def work(predict, batcher):
        return await asyncio.gather(predict(1, 2), predict(3, 4), predict(5))

    assert serve(model, work, max_batch_size=3, batch_timeout=0.01) == [
        [2, 4],
        [6, 8],
        [10],
    ]
    assert model.calls == [[1, 2], [3, 4, 5]]


def test_a_single_client_does_not_wait():
    model = Doubler()

    async def work(predict, batcher):
        return [await predict(1), await predict(2)]

    # The timeout is longer than the time limit of the test.
    assert serve(model, work, max_batch_size=4) == [[2], [4]]


def test_after_a_batch_of_several_requests_the_next_one_waits():
    model = Doubler()

    async def work(predict, batcher):
        await asyncio.gather(predict(1), predict(2))
        third = asyncio.ensure_future(predict(3))
        await asyncio.sleep(0.05)
        fourth = asyncio.ensure_future(predict(4))
        return await asyncio.gather(third, fourth)

    assert serve(model, work, max_batch_size=2) == [[6], [8]]
    assert model.calls == [[1, 2], [3, 4]]


def test_a_batch_waits_at_most_until_the_timeout():
    model = Doubler()

    async def work(predict, batcher):
        await asyncio.gather(predict(1), predict(2))
        return await predict(3)

    assert serve(model, work, max_batch_size=2, batch_timeout=0.01) == [6]


def test_more_rows_than_a_batch_are_split():
    model = Doubler()

    async def work(predict, batcher):
        return await predict(1, 2, 3, 4, 5)

    assert serve(model, work, max_batch_size=2, batch_timeout=0) == [2, 4, 6, 8, 10]
    assert model.calls == [[1, 2], [3, 4], [5]]


def test_a_batch_grows_while_the_model_is_busy():
    model = Doubler()

    async def work(predict, batcher):
        model.go_on.clear()
        first = asyncio.ensure_future(predict(1))
        while not model.calls:
            await asyncio.sleep(0.001)
        others = [asyncio.ensure_future(predict(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0.05)
        assert batcher.waiting_rows == 3
        model.go_on.set()
        return await asyncio.gather(first, *others)

    answers = serve(model, work, max_batch_size=8, batch_timeout=0)
    assert answers == [[2], [4], [6], [8]]
    assert model.calls == [[1], [2, 3, 4]]


def test_one_bad_request_fails_alone():
    model = Doubler(wrong=[2])

    async def work(predict, batcher):
        return await asyncio.gather(
            predict(1), predict(2), predict(3), return_exceptions=True
        )

    good, bad, fine = serve(model, work, max_batch_size=3)
    assert (good, fine) == ([2], [6])
    assert isinstance(bad, ServingError) and bad.message == "a wrong number"
    assert model.calls == [[1, 2, 3], [1], [2], [3]]


def test_rows_of_other_shapes_are_not_padded():
    model = Doubler()

    async def work(predict, batcher):
        shape = (None, None)
        return await asyncio.gather(
            predict([1], shape=shape), predict([2, 3], shape=shape)
        )

    answers = serve(model, work, max_batch_size=2, batch_timeout=0.01)
    assert answers == [[[2]], [[4, 6]]]
    assert sorted(model.calls) == [[[1]], [[2, 3]]]


def test_a_signature_of_fixed_shape_is_called_for_each_request():
    model = Doubler()

    async def work(predict, batcher):
        return await asyncio.gather(
            predict(1, 2, shape=(2,)), predict(3, 4, shape=(2,))
        )

    # Immediately, since they cannot be batched.
    assert serve(model, work) == [[2, 4], [6, 8]]
    assert model.calls == [[1, 2], [3, 4]]


def test_a_full_queue_rejects_requests():
    model = Doubler()

    async def work(predict, batcher):
        model.go_on.clear()
        tasks = [asyncio.ensure_future(predict(1))]
        while not model.calls:
            await asyncio.sleep(0.001)
        tasks += [asyncio.ensure_future(predict(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(ServingError, match="queue is full: 2 of 2") as caught:
            await predict(4)
        assert caught.value.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        model.go_on.set()
        return await asyncio.gather(*tasks)

    answers = serve(model, work, max_batch_size=1, queue_length=2)
    assert answers == [[2], [4], [6]]


def test_a_cancelled_request_leaves_the_queue():
    model = Doubler()

    async def work(predict, batcher):
        model.go_on.clear()
        running = asyncio.ensure_future(predict(1))
        while not model.calls:
            await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(predict(2))
        await asyncio.sleep(0)
        assert batcher.waiting_rows == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert batcher.waiting_rows == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        model.go_on.set()
        return await predict(3)

    assert serve(model, work, max_batch_size=1) == [6]
    assert model.calls == [[1], [3]]


def test_a_model_with_missing_output_rows():
    model = Doubler()
    model.run = lambda name, inputs: {"x": inputs["x"][:1]}

    async def work(predict, batcher):
        return await asyncio.gather(
            predict(1), predict(2, 3), predict(4, 5, 6, 7), return_exceptions=True
        )

    alone, whole, cut = serve(model, work, max_batch_size=3)
    # A request that is run alone receives the outputs unchanged.
    assert (alone, whole) == ([1], [2])
    # In a request of two pieces the missing rows are unknown.
    assert cut.code == grpc.StatusCode.INTERNAL
    assert "1 rows of `x` for a batch of 3" in cut.message


def test_without_batching_a_request_is_one_call():
    model = Doubler()

    async def work(predict, batcher):
        return await asyncio.gather(predict(1, 2, 3), predict(4))

    assert serve(model, work, max_batch_size=1) == [[2, 4, 6], [8]]
    assert model.calls == [[1, 2, 3], [4]]


def test_requests_are_run_one_by_one_if_outputs_cannot_be_divided():
    model = Doubler()
    # A scalar has no rows.
    model.run = lambda name, inputs: {"x": np.sum(inputs["x"])}

    async def work(predict, batcher):
        return await asyncio.gather(predict(1), predict(2, 3))

    assert serve(model, work, max_batch_size=3) == [1, 5]


def test_unexpected_errors_are_internal_errors(caplog):
    model = Doubler()

    def run(name, inputs):
        raise RuntimeError("cannot schedule new futures")

    model.run = run

    async def work(predict, batcher):
        return await asyncio.gather(predict(1), predict(2), return_exceptions=True)

    for error in serve(model, work, max_batch_size=2):
        assert isinstance(error, ServingError)
        assert error.code == grpc.StatusCode.INTERNAL
        assert error.message == "RuntimeError: cannot schedule new futures"
    assert caplog.text.count("a batch failed in the server") == 2
