"""How answers look: tables on a terminal, a line a row through a pipe, JSON lines with --json."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.commands.answer import Answer, Table

_IN_CHAT = re.compile(r"`/(?=memory )")
Progress = Callable[[int, int], None]  # done, in all


def render(answer: Answer, *, as_json: bool) -> None:
    """Print an answer to standard output."""
    if as_json:
        for record in answer.records or ({"type": "text", "text": answer.text},):
            print(json.dumps(record, ensure_ascii=False))
        return
    if answer.document:
        print(answer.document, end="")
        return
    show = _rich if _terminal() else _plain
    if answer.lead:
        print(answer.lead)
    for table in answer.tables:
        show(table)
    if answer.text:
        print(answer.text)


def for_shell(text: str) -> str:
    """A sentence that names commands as chats have them, with those of the shell."""
    return _IN_CHAT.sub("`reverie ", text)


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _plain(table: Table) -> None:
    if table.title:
        print(table.title)
    for row in table.rows:
        print("\t".join(" ".join(cell.split()) for cell in row).rstrip())


def _rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(title=table.title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for name in table.columns:
        grid.add_column(name, no_wrap=name in ("#", "when", "learned"), overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in row))  # as it is: a text is no markup
    Console(highlight=False).print(grid)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A bar on standard error where that is a terminal; the function to tell it (done, in all)."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True)) as bars:
        bar = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


def fail(error: Exception) -> int:
    """Say what is wrong, in a sentence; the exit code."""
    print(f"reverie: {for_shell(str(error))}", file=sys.stderr)
    return 1
