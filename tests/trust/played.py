"""The command line of what plays a long time, counts what went wrong, and tells it in lines."""

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol


class Report(Protocol):
    """What it came to."""

    @property
    def failures(self) -> int: ...

    def lines(self) -> Iterator[str]: ...


def played(
    about: str | None, play: Callable[..., Coroutine[Any, Any, Report]], **numbers: int
) -> int:
    """Play with the numbers that are given, each an option, in a fresh `folder`; 1 if it failed."""
    options = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in numbers.items():
        options.add_argument(f"--{name}", type=int, default=value)
    chosen = vars(options.parse_args())
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(play(**chosen, folder=Path(folder)))
    print("\n".join(report.lines()))
    return int(bool(report.failures))
