"""An executor whose evaluations run in another process: what one for other machines comes to.

Run as a program, with the descriptor of a socket, it is that other process.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from selftaught.core.errors import SelfTaughtError
from selftaught.core.outcome import EvaluationOutcome
from selftaught.core.ports import Evaluation, ExecutorServices
from selftaught.executors.local import LocalExecutor, create


def send(writer: asyncio.StreamWriter, message: Any) -> None:
    data = pickle.dumps(message)
    writer.write(len(data).to_bytes(8, "big") + data)


async def receive(reader: asyncio.StreamReader) -> Any:
    size = int.from_bytes(await reader.readexactly(8), "big")
    return pickle.loads(await reader.readexactly(size))


class WorkerExecutor:
    """Evaluates in a process of its own, and does the rest in this one."""

    def __init__(self, local: LocalExecutor, writer: asyncio.StreamWriter) -> None:
        self.improve, self.load, self.call = local.improve, local.load, local.call
        self.tier, self.candidates = local.tier, local.candidates
        self._writer = writer
        self._asked: dict[int, asyncio.Future[EvaluationOutcome]] = {}
        self._count = 0

    async def evaluate(self, evaluation: Evaluation) -> EvaluationOutcome:
        self._count += 1
        number = self._count
        # Twice, so that what cannot be loaded there is the answer to this one alone.
        send(self._writer, (number, pickle.dumps(evaluation)))
        self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            return await self._asked[number]
        except asyncio.CancelledError:
            send(self._writer, (number, None))
            raise
        finally:
            del self._asked[number]

    async def listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            number, answer = await receive(reader)
            if number not in self._asked:
                continue
            if isinstance(answer, SelfTaughtError):
                self._asked[number].set_exception(answer)
            else:
                self._asked[number].set_result(answer)


@asynccontextmanager
async def worker_executor(
    services: ExecutorServices, local: LocalExecutor
) -> AsyncIterator[WorkerExecutor]:
    here, there = socket.socketpair()
    with there:
        command = [sys.executable, __file__, str(there.fileno())]
        process = await asyncio.create_subprocess_exec(*command, pass_fds=(there.fileno(),))
    reader, writer = await asyncio.open_connection(sock=here)
    try:
        async with local.running():
            send(writer, services)
            executor = WorkerExecutor(local, writer)
            assert await receive(reader) == executor.tier
            listening = asyncio.create_task(executor.listen(reader))
            yield executor
            listening.cancel()
    finally:
        writer.close()
        await writer.wait_closed()
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def work_for(there: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=there)
    tasks: dict[int, asyncio.Task[None]] = {}

    async def answer(executor: LocalExecutor, number: int, work: bytes) -> None:
        try:
            said: Any = await executor.evaluate(pickle.loads(work))
        except SelfTaughtError as error:
            said = error
        send(writer, (number, said))

    async with create(await receive(reader)) as executor:
        send(writer, executor.tier)
        while True:
            try:
                number, work = await receive(reader)
            except asyncio.IncompleteReadError:
                break
            if work is not None:
                tasks[number] = asyncio.create_task(answer(executor, number, work))
            else:
                tasks[number].cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(work_for(socket.socket(fileno=int(sys.argv[1]))))
