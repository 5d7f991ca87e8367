"""The terminal: lines in, words out. The smallest adapter, and the one to read first."""

import os
import queue
import sys
import threading
from asyncio import AbstractEventLoop, Future, get_running_loop
from typing import Protocol

from adapters.base import Address, Attachment, FetchFailed, Hearing, Post, SendFailed, Shown

CHUNK = 1 << 16


class Session(Protocol):
    """What the lines of a terminal mean, and how answers are shown."""

    async def line(self, line: str, hearing: Hearing) -> bool:
        """Take a line in; True when the next one may be read, False when that was the last."""
        ...

    async def ended(self) -> None:
        """The input is at its end. Returns when the session may end too."""
        ...

    def show(self, post: Post) -> None:
        """Raises OSError where nobody can see it any more."""
        ...


class Terminal:
    """Reads standard input, line by line, and shows replies through its session."""

    name = "terminal"

    def __init__(self, session: Session, *, prompt: str = "") -> None:
        self._session = session
        self._lines = _Lines(prompt)

    async def run(self, hearing: Hearing) -> None:
        """Until the input ends, or the person leaves."""
        while (line := await self._lines.next()) is not None:
            if not await self._session.line(line, hearing):
                return
        await self._session.ended()

    async def working(self, address: Address, *, begun: bool) -> None:
        """A terminal shows nothing while it waits."""

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        """Whoever reads a terminal is alone."""
        self._session.show(Post(key="", address=address, text=shown.plain()))

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        raise FetchFailed("A terminal sends no files.")

    def link(self, address: Address, event: str) -> str:
        return ""

    async def send(self, post: Post) -> str:
        try:
            self._session.show(post)
        except OSError as error:
            raise SendFailed(f"standard output does not take it: {error.strerror}") from error
        return post.key


class _Lines:
    """Lines of standard input, one when asked for.

    Read on a thread of its own, which cannot be interrupted but dies with the process, so that a
    program that ends never waits for a line.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._wanted: queue.SimpleQueue[tuple[AbstractEventLoop, Future[str | None]]] = (
            queue.SimpleQueue()
        )
        self._rest = b""
        self._thread: threading.Thread | None = None

    async def next(self) -> str | None:
        """The next line without its break; None at the end of the input."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="stdin", daemon=True)
            self._thread.start()
        loop = get_running_loop()
        future: Future[str | None] = loop.create_future()
        self._wanted.put((loop, future))
        return await future

    def _serve(self) -> None:
        read = self._ask if _is_terminal() else self._read
        while True:
            loop, future = self._wanted.get()
            line = read()
            loop.call_soon_threadsafe(_answer, future, line)

    def _ask(self) -> str | None:
        try:
            return input(self._prompt)
        except (EOFError, OSError, ValueError):
            return None

    def _read(self) -> str | None:
        while b"\n" not in self._rest:
            try:
                chunk = os.read(0, CHUNK) if sys.stdin is not None else b""
            except OSError:  # standard input is closed
                chunk = b""
            if not chunk:
                line, self._rest = self._rest, b""
                return line.decode(errors="replace") if line else None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")


def _is_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _answer(future: "Future[str | None]", line: str | None) -> None:
    if not future.done():
        future.set_result(line)
