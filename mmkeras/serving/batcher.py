from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import logging
from collections.abc import Callable

import grpc
import numpy as np

from mmkeras.serving.served_signature import ServedSignature
from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.serving_options import ServingOptions

Tensors = dict[str, np.ndarray]
_LOG = logging.getLogger("mmkeras.serving")


class Batcher:
    """Batches rows of concurrent requests for one call of a model.

    A batch grows while all threads are busy. The next free thread waits until the batch
    is full, at most for `batch_timeout`; it does not wait if the last batch had only
    one request, so that a single client is not delayed. Only requests of the same
    signature and row shape are batched, since nothing is padded. If a batch fails, its
    requests are run one by one, so that only the faulty ones fail.

    A batcher belongs to one event loop.

    Args:
        run: function of the name of a signature and its inputs that returns the outputs
            or raises a `ServingError`. It is called in `executor`.
        options: `ServingOptions`.
        slots: `asyncio.Semaphore` of `batch_threads`, shared by all models.
        executor: executor of `run`.
        observe_batch: function of the number of rows of each batch, for metrics.
    """

    def __init__(
        self,
        run: Callable[[str, Tensors], Tensors],
        options: ServingOptions,
        slots: asyncio.Semaphore,
        executor: concurrent.futures.Executor,
        observe_batch: Callable[[int], None],
    ):
        self._run_model = run
        self._options = options
        self._slots = slots
        self._executor = executor
        self._observe_batch = observe_batch
        self._queues: dict[tuple, _Queue] = {}
        self._tasks: set[asyncio.Task] = set()
        self._waiting_rows = 0
        # Signatures whose last batch had several requests.
        self._concurrent: set[str] = set()

    @property
    def waiting_rows(self) -> int:
        """Number of rows in the queues."""
        return self._waiting_rows

    async def predict(self, signature: ServedSignature, inputs: Tensors) -> Tensors:
        """Run the model on the inputs of one request.

        A cancelled request leaves the queue.

        Args:
            signature: `ServedSignature`.
            inputs: dict of arrays by name.

        Returns:
            Dict from the name of an output to an array.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the inputs do not match the signature,
                `RESOURCE_EXHAUSTED` if the queue is full, or the error of the model.
        """
        rows = signature.check(inputs)
        self._check_queue(rows)
        pieces = self._enqueue(signature, inputs, rows)
        try:
            parts = await asyncio.gather(*(piece.answer for piece in pieces))
        finally:
            for piece in pieces:
                self._leave(piece)
                piece.answer.cancel()
        return _concatenate(parts)

    def _check_queue(self, rows):
        limit = self._options.queue_length
        if rows > limit:
            raise ServingError.invalid(
                f"A request may have at most {limit} rows, the length of the queue. "
                f"Received: {rows}. Send several requests."
            )
        if self._waiting_rows + rows > limit:
            raise ServingError.exhausted(
                f"The queue is full: {self._waiting_rows} of {limit} rows are waiting. "
                "Try again later."
            )

    def _enqueue(self, signature, inputs, rows) -> list[_Piece]:
        key = _key(signature, inputs)
        if key not in self._queues:
            self._queues[key] = _Queue()
            self._start(self._drain(key))
        queue = self._queues[key]
        pieces = [
            _Piece(part, count, queue, is_complete=count == rows)
            for part, count in self._split(signature, inputs, rows)
        ]
        queue.pieces.extend(pieces)
        queue.rows += rows
        self._waiting_rows += rows
        if queue.rows >= self._options.max_batch_size:
            queue.full.set()
        return pieces

    def _split(self, signature, inputs, rows):
        size = self._options.max_batch_size
        if not signature.is_batched or rows <= size or size == 1:
            return [(inputs, rows)]
        return [
            (
                {name: value[at : at + size] for name, value in inputs.items()},
                min(size, rows - at),
            )
            for at in range(0, rows, size)
        ]

    def _leave(self, piece):
        if piece.is_waiting:
            piece.queue.pieces.remove(piece)
            self._uncount(piece)

    def _uncount(self, piece):
        piece.is_waiting = False
        piece.queue.rows -= piece.rows
        self._waiting_rows -= piece.rows

    async def _drain(self, key):
        name, batched = key[:2]
        queue = self._queues[key]
        while queue.pieces:
            await self._slots.acquire()
            # Only once a thread is free: more requests have arrived since, and the
            # clients of the last batch are about to send again.
            if name in self._concurrent and self._options.max_batch_size > 1:
                await self._wait_until_full(queue)
            batch = self._take(queue, batched)
            self._record_concurrency(name, batched, batch)
            if batch:
                self._start(self._run_and_release(name, batch))
            else:
                self._slots.release()
        del self._queues[key]

    async def _wait_until_full(self, queue):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.batch_timeout):
                await queue.full.wait()

    def _record_concurrency(self, name, batched, batch):
        if batched and len(batch) > 1:
            self._concurrent.add(name)
        else:
            self._concurrent.discard(name)

    def _take(self, queue, batched) -> list[_Piece]:
        batch, rows = [], 0
        limit = self._options.max_batch_size
        while queue.pieces and (not batch or rows + queue.pieces[0].rows <= limit):
            piece = queue.pieces.popleft()
            self._uncount(piece)
            batch.append(piece)
            rows += piece.rows
            if not batched:
                break
        if queue.rows < limit:
            queue.full.clear()
        return batch

    def _start(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        # The event loop holds only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_and_release(self, name, batch):
        try:
            await self._run(name, batch)
        finally:
            self._slots.release()

    async def _run(self, name, batch):
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self._executor, self._call, name, batch
            )
        except Exception as error:
            if len(batch) > 1:
                for piece in batch:
                    if not piece.answer.done():
                        await self._run(name, [piece])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(_served(error))
            return
        self._observe_batch(sum(piece.rows for piece in batch))
        for piece, answer in zip(batch, answers, strict=True):
            if not piece.answer.done():
                piece.answer.set_result(answer)

    def _call(self, name, batch) -> list[Tensors]:
        if len(batch) == 1 and batch[0].is_complete:
            # The outputs of a single request are not divided.
            return [self._run_model(name, batch[0].inputs)]
        outputs = self._run_model(name, _concatenate([p.inputs for p in batch]))
        return _divide(name, outputs, [piece.rows for piece in batch])


class _Queue:
    """Requests that may be in the same batch."""

    def __init__(self):
        self.pieces: collections.deque[_Piece] = collections.deque()
        self.rows = 0
        self.full = asyncio.Event()


@dataclasses.dataclass(eq=False)
class _Piece:
    """A request, or the part of it that fits into a batch."""

    inputs: Tensors
    rows: int
    queue: _Queue
    is_complete: bool
    is_waiting: bool = True
    answer: asyncio.Future = dataclasses.field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def _served(error) -> ServingError:
    if isinstance(error, ServingError):
        return error
    _LOG.error("a batch failed in the server", exc_info=error)
    message = f"{type(error).__name__}: {error}"
    return ServingError(grpc.StatusCode.INTERNAL, message)


def _key(signature, inputs) -> tuple:
    if not signature.is_batched:
        return (signature.name, False)
    shapes = tuple((name, value.shape[1:]) for name, value in sorted(inputs.items()))
    return (signature.name, True, shapes)


def _concatenate(parts: list[Tensors]) -> Tensors:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _divide(signature, outputs, rows) -> list[Tensors]:
    total = sum(rows)
    for name, value in outputs.items():
        if len(value) != total:
            raise ServingError(
                grpc.StatusCode.INTERNAL,
                f"The signature `{signature}` returned {len(value)} rows of `{name}` "
                f"for a batch of {total}.",
            )
    starts = np.cumsum([0, *rows[:-1]])
    return [
        {name: value[start : start + count] for name, value in outputs.items()}
        for start, count in zip(starts, rows, strict=True)
    ]
