"""What the benchmarks share: a table, percentiles, a home on disk, a model server beside us."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]

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
    return f"{os.cpu_count()} cores, {load}, {python}, fsync p50/p99 {fsync(folder)} ms"


def fsync(folder: Path, times: int = 100) -> str:
    """How long the disk takes to make 4 kB durable, in ms."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return f"{percentile(took, 0.5):.1f}/{percentile(took, 0.99):.1f}"


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
