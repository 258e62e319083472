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
    """Puts rows of concurrent requests together for one call of a model.

    While no thread is free, a batch grows; the thread that is free next waits for it
    to be full, for `batch_timeout` at most, unless the last batch had one request only:
    a client that is alone does not wait. Only
    requests of one signature whose rows have one shape are put together: nothing is
    padded. If a batch fails, each request is tried alone, so that only those that
    are at fault fail.

    It belongs to one event loop.

    Args:
        run: function of the name of a signature and its inputs, that returns the
            outputs or raises a `ServingError`; called in `executor`.
        options: `ServingOptions`.
        slots: `asyncio.Semaphore` of `batch_threads`, shared by all models.
        executor: threads for `run`.
        observe_batch: function of the rows of each batch, for metrics.
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
        self._in_company: set[str] = set()

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for their turn."""
        return self._waiting_rows

    async def predict(self, signature: ServedSignature, inputs: Tensors) -> Tensors:
        """What the model says of one request's inputs.

        Cancelled, it gives up its place in the queue.

        Args:
            signature: `ServedSignature`.
            inputs: dict of arrays by name.

        Returns:
            dict of arrays by the name of the output.

        Raises:
            ServingError: `INVALID_ARGUMENT` for inputs that do not fit,
                `RESOURCE_EXHAUSTED` if the queue is full, or what the model says.
        """
        rows = signature.check(inputs)
        self._refuse_too_many(rows)
        pieces = self._enqueue(signature, inputs, rows)
        try:
            parts = await asyncio.gather(*(piece.answer for piece in pieces))
        finally:
            for piece in pieces:
                self._leave(piece)
                piece.answer.cancel()
        return _concatenate(parts)

    def _refuse_too_many(self, rows):
        longest = self._options.queue_length
        if rows > longest:
            raise ServingError.invalid(
                f"A request may have at most {longest} rows, the length of the queue. "
                f"Received: {rows}. Send several requests."
            )
        if self._waiting_rows + rows > longest:
            raise ServingError.exhausted(
                f"The queue is full: {self._waiting_rows} of {longest} rows wait. "
                "Try again later."
            )

    def _enqueue(self, signature, inputs, rows) -> list[_Piece]:
        key = _key(signature, inputs)
        if key not in self._queues:
            self._queues[key] = _Queue()
            self._start(self._drain(key))
        queue = self._queues[key]
        pieces = [
            _Piece(part, count, queue, is_whole=count == rows)
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
        if piece.waits:
            piece.queue.pieces.remove(piece)
            self._count_out(piece)

    def _count_out(self, piece):
        piece.waits = False
        piece.queue.rows -= piece.rows
        self._waiting_rows -= piece.rows

    async def _drain(self, key):
        name, batched = key[:2]
        queue = self._queues[key]
        while queue.pieces:
            await self._slots.acquire()
            # Only now: while no thread was free, more have come, and those whom the
            # last batch answered are about to ask again.
            if name in self._in_company and self._options.max_batch_size > 1:
                await self._wait_for_company(queue)
            batch = self._take(queue, batched)
            self._remember_company(name, batched, batch)
            if batch:
                self._start(self._run_and_release(name, batch))
            else:
                self._slots.release()
        del self._queues[key]

    async def _wait_for_company(self, queue):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.batch_timeout):
                await queue.full.wait()

    def _remember_company(self, name, batched, batch):
        if batched and len(batch) > 1:
            self._in_company.add(name)
        else:
            self._in_company.discard(name)

    def _take(self, queue, batched) -> list[_Piece]:
        batch, rows = [], 0
        most = self._options.max_batch_size
        while queue.pieces and (not batch or rows + queue.pieces[0].rows <= most):
            piece = queue.pieces.popleft()
            self._count_out(piece)
            batch.append(piece)
            rows += piece.rows
            if not batched:
                break
        if queue.rows < most:
            queue.full.clear()
        return batch

    def _start(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        # The loop itself holds tasks only weakly.
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
        if len(batch) == 1 and batch[0].is_whole:
            # As the model says it: there is nothing to take apart.
            return [self._run_model(name, batch[0].inputs)]
        outputs = self._run_model(name, _concatenate([p.inputs for p in batch]))
        return _divide(name, outputs, [piece.rows for piece in batch])


class _Queue:
    """Requests that may share a call."""

    def __init__(self):
        self.pieces: collections.deque[_Piece] = collections.deque()
        self.rows = 0
        self.full = asyncio.Event()


@dataclasses.dataclass(eq=False)
class _Piece:
    """A request, or as much of it as fits a batch."""

    inputs: Tensors
    rows: int
    queue: _Queue
    is_whole: bool
    waits: bool = True
    answer: asyncio.Future = dataclasses.field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def _served(error) -> ServingError:
    if isinstance(error, ServingError):
        return error
    _LOG.error("a batch failed within the server", exc_info=error)
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
                f"The signature `{signature}` gave {len(value)} rows of `{name}` for a "
                f"batch of {total}.",
            )
    starts = np.cumsum([0, *rows[:-1]])
    return [
        {name: value[start : start + count] for name, value in outputs.items()}
        for start, count in zip(starts, rows, strict=True)
    ]
