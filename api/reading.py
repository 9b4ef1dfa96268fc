"""Reads in a bounded number of threads, each with a connection for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import tracing
from db import Database
from db.repositories import Repositories
from errors import DatabaseError

WAIT_SECONDS = 5.0  # for a thread
READ_SECONDS = 15.0  # of a read: beyond the role's own limits, which a stopped server doesn't keep
T = TypeVar("T")


class Reading:
    """Runs functions of the repositories; as many at a time as there are connections."""

    def __init__(self, database: Database, threads: int) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="closebell-read")
        self._free = asyncio.Semaphore(threads)
        self._shared: dict[str, asyncio.Task[Any]] = {}

    @property
    def checked_out(self) -> int:
        """Connections in use."""
        return self._database.checked_out

    async def __call__(self, work: Callable[[Repositories], T]) -> T:
        """What `work` returns, read in one state of the database.

        A caller who goes away doesn't interrupt the thread: its statement ends by itself or by
        the role's time limit, and the connection goes back in every case.

        Raises:
            TimeoutError: no thread became free in time.
            DatabaseError: the read failed, or didn't end in time; then its thread still waits.
        """
        async with asyncio.timeout(WAIT_SECONDS):
            await self._free.acquire()
        try:
            read = tracing.carried(self._read)
            future = asyncio.get_running_loop().run_in_executor(self._threads, read, work)
        except BaseException:
            self._free.release()
            raise
        future.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(READ_SECONDS) as limit:
                return await asyncio.shield(future)
        except TimeoutError:
            if not limit.expired():
                raise  # the work's own
            raise DatabaseError(f"no answer of the database in {READ_SECONDS:g} s") from None

    async def shared(self, name: str, work: Callable[[Repositories], T]) -> T:
        """As a call; who asks for the same name meanwhile waits for the same read."""
        task: asyncio.Task[T] | None = self._shared.get(name)
        if task is None:
            task = self._shared[name] = asyncio.create_task(self(work))
            task.add_done_callback(lambda _: self._shared.pop(name, None))
        return await asyncio.shield(task)

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._free.release()
        if not future.cancelled():
            future.exception()  # nobody may be waiting for it any more

    def _read(self, work: Callable[[Repositories], T]) -> T:
        with self._database.reader() as tx:
            return work(tx)

    async def close(self) -> None:
        """Wait until every thread has ended."""
        await asyncio.to_thread(self._threads.shutdown)
