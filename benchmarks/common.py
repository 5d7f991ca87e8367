"""What the benchmarks share: a table, percentiles, a home on disk, a model server beside us."""

import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from adapters.base import Address, Attachment, Event, FetchFailed, Hearing, Post, Shown
from memory.types import now

ROOT = Path(__file__).parents[1]

WORDS = "I moved to Berlin last spring and work on a search engine. 我去年开始学 Rust, it is fun."

Cell = str | float | int


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> None:
    """Print a table: the first column to the left, numbers to the right."""
    table = Table(title=title, title_justify="left", box=box.MARKDOWN, title_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    console = Console(width=110, highlight=False)
    console.print(table)
    if note:
        console.print(note, markup=False)
    console.print()


def _cell(value: Cell) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine(folder: Path) -> str:
    """Where the figures come from, in a line: they mean little without it."""
    python = f"Python {platform.python_version()}"
    load = f"load {os.getloadavg()[0]:.1f}"
    took = fsyncs(folder, 100)
    disk = f"fsync p50/p99 {percentile(took, 0.5):.1f}/{percentile(took, 0.99):.1f} ms"
    return f"{os.cpu_count()} cores, {load}, {python}, {disk}"


def fsyncs(folder: Path, times: int) -> list[float]:
    """How long the disk takes to make 4 kB durable, in ms, so many times."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


@contextmanager
def scratch(parent: Path | None) -> Iterator[Path]:
    """A folder for this run. It must be on a real disk: on tmpfs an fsync costs nothing."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="reverie-bench-") as name:
        yield Path(name)


@contextmanager
def model_server() -> Iterator[str]:
    """A model of no latency behind real HTTP, in a process of its own; its base URL."""
    command = [sys.executable, "-m", "bot.testing.fake_openai", "--port", "0", "--canned"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


class Platform:
    """A chat platform in memory. A person waits for the answer before writing again."""

    name = "bench"

    def __init__(self) -> None:
        self.arrivals: list[float] = []  # seconds from arrival to "committed in the inbox"
        self._number = count()
        self.ready: asyncio.Future[Hearing] = asyncio.get_running_loop().create_future()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def run(self, hearing: Hearing) -> None:
        self.ready.set_result(hearing)
        await asyncio.Event().wait()

    async def working(self, address: Address, *, begun: bool) -> None: ...

    async def whisper(self, address: Address, user: str, shown: Shown) -> None: ...

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        raise FetchFailed("nobody sends files here")

    def link(self, address: Address, event: str) -> str:
        return ""

    async def send(self, post: Post) -> str:
        if waiting := self._waiting.pop(post.address.channel, None):
            waiting.set_result(None)
        return post.key

    async def ask(self, user: str, text: str = WORDS) -> float:
        """Write a message and wait for its answer; seconds."""
        answer = self._waiting[user] = asyncio.get_running_loop().create_future()
        hearing = await self.ready
        began = time.perf_counter()
        await hearing.deliver(event(user, next(self._number), text))
        self.arrivals.append(time.perf_counter() - began)
        await answer
        return time.perf_counter() - began


def event(user: str, number: int, text: str = WORDS) -> Event:
    address = Address(platform="bench", space="local", channel=user)
    return Event(id=str(number), address=address, user=user, name=user, text=text, at=now())


@contextmanager
def profiled(wanted: bool, lines: int = 45) -> Iterator[None]:
    """Print where the time of this thread went."""
    if not wanted:
        yield
        return
    import cProfile
    import pstats

    profile = cProfile.Profile()
    with profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(lines)
