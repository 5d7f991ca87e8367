"""How a conversation looks: rich on a terminal, plain through a pipe, one JSON record a line."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from bot.cli.show import render
from bot.commands.answer import Answer


class Screen:
    """Standard output. Nothing but answers goes there when it is a pipe; remarks go to stderr."""

    def __init__(self, *, as_json: bool, thoughts: bool) -> None:
        self._json = as_json
        self._thoughts = thoughts
        self.rich = not as_json and all(
            stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)
        )
        self._console = Console(highlight=False, soft_wrap=True)

    @property
    def prompt(self) -> str:
        return "> " if self.rich else ""

    def banner(self, *, model: str, offline: bool, home: str, search: str) -> None:
        """Who answers, and where memory is kept."""
        if not self.rich:
            self._remark(f"reverie: {model}; memory in {home}", "")
            return
        lines = [f"[bold]model[/]   {model}"]
        if offline:
            lines.append("        It keeps, finds and quotes what you tell it; it cannot reason.")
            lines.append("        [dim]reverie init[/] sets a real model.")
        lines += [f"[bold]memory[/]  {home}", f"[bold]search[/]  {search}"]
        lines.append("[dim]/memory shows what is known · /help lists commands · /quit leaves[/]")
        self._console.print(Panel("\n".join(lines), title="Reverie", expand=False))

    def reply(self, key: str, text: str, answers: Sequence[str], *, again: bool = False) -> None:
        """What the person is told. `key` is the same when it is shown a second time.

        Raises OSError where standard output does not take it.
        """
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if self._json:
            record: dict[str, Any] = {"type": "reply", "key": key, "answers": answers, "text": text}
            self._record(record | ({"again": True} if again else {}))
        elif self.rich:
            self._console.print(Markdown(text) if "```" in text else Text(text, style="cyan"))
        else:
            print(text, flush=True)

    def accepted(self, event: str) -> None:
        """The message is on disk."""
        if self._json:
            self._record({"type": "accepted", "id": event})

    def thought(self, text: str) -> None:
        if not self._thoughts:
            return
        if self._json:
            self._record({"type": "thought", "text": text})
        else:
            self._remark(f"~ {text}", "italic dim")

    def note(self, kind: str, text: str) -> None:
        """Something that was done, after it was committed."""
        if self._json:
            self._record({"type": kind, "text": text})
        else:
            self._remark(f"· {kind}: {text}", "dim")

    def error(self, text: str) -> None:
        if self._json:
            self._record({"type": "error", "text": text})
        else:
            self._remark(text, "red")

    def line(self, text: str) -> None:
        if self._json:
            self._record({"type": "text", "text": text})
        else:
            print(text, flush=True)

    def answer(self, answer: Answer) -> None:
        """What a memory verb found."""
        render(answer, as_json=self._json)
        sys.stdout.flush()

    def _remark(self, text: str, style: str) -> None:
        if self.rich:
            self._console.print(Text(text, style=style))
        else:
            with suppress(OSError):  # nobody reads remarks: the talk goes on
                print(text, file=sys.stderr, flush=True)

    @staticmethod
    def _record(record: dict[str, Any]) -> None:
        print(json.dumps(record, ensure_ascii=False), flush=True)
