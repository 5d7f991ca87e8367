"""How a play looks: rich on a terminal, plain through a pipe."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.testing.play.parts import Choice, Form, Seen
from bot.testing.play.player import COUNTED
from bot.testing.play.script import VERBS, Step

PLACE: Final = 24  # cells for the platform and the place
NAME: Final = 9  # cells for who speaks
ROW: Final = 64  # cells for buttons in a line
COLOURS: Final[Mapping[str, str]] = {"slack": "magenta", "discord": "blue"}
NOTES: Final[Mapping[str, str]] = {"change": "now: ", "gone": "taken away: "}
ERASE: Final = "\r\x1b[K"  # the line of the terminal that the cursor is in


class Transcript:
    """Implements Show (player.py) on standard output."""

    def __init__(self) -> None:
        self.rich = all(
            stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)
        )
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)
        self._prompt = ""  # that waits for somebody to type
        self._typed = False  # whether steps come from the terminal

    def begin(self, title: str, *, model: str, home: Path) -> None:
        self._line(Text(title, style="bold"))
        self._line(Text(f"model {model}; memory in {home}; :help lists what can be done"))
        self._line(Text(""))

    # ---- what happens

    def acted(self, who: str, platform: str, place: str, step: Step) -> None:
        if not self._typed:  # else it stands on the terminal already
            lines = [(line, "bold") for line in str(step).splitlines()]
            self._rows(datetime.now().astimezone(), platform, place, who, lines)

    def seen(self, seen: Seen) -> None:
        only = f"(only for {', '.join(sorted(seen.who or ()))}) " if seen.kind == "private" else ""
        dim = seen.kind in ("status", "gone", "reaction")
        words = NOTES.get(seen.kind, only) + seen.text
        rows = _rows(seen.choices)
        lines = []
        for line in filter(None, words.splitlines()):
            lines.append((line, "dim" if dim else "cyan"))
            lines += [(row, "yellow") for row in rows.pop(line.removeprefix(only), [])]
        lines += [(row, "yellow") for more in rows.values() for row in more]
        self._rows(seen.at.astimezone(), seen.platform, seen.place, seen.by, lines)

    def opened(self, who: str, form: Form) -> None:
        self._indented(f"A form opens for {who}: {form.title}", style="yellow")
        self._indented(f"{form.label} [{form.value}]", style="yellow")

    def met(self, who: str, step: Step) -> None:
        does = "sees" if step.verb == "expect" else "does not see"
        self._indented(
            f"✓ {who} {does} {f'“{step.text}”' if step.text else 'an answer'}", style="green"
        )

    def remark(self, text: str) -> None:
        self._line(Text(text, style="red"))

    def help(self) -> None:
        lines = ["A line is said, and one that begins with / is a slash command. Besides:"]
        for name, word in VERBS.items():
            usage = f":{name} {word.usage}".strip()
            lines.append(f"  {usage:<52}{word.about}")
        lines.append("@bot calls the bot. 中文也可以，例如：:扮演 小明 slack 私聊")
        self._line(Text("\n".join(lines)))

    def summary(
        self, sent: Counter[tuple[str, str]], met: int, *, model: str, seconds: float
    ) -> None:
        """What was done, by platform."""
        platforms = [name for name in COLOURS if any(name == one for one, _ in sent)]
        table = Table("what was sent", box=None, pad_edge=False)
        for platform in platforms:
            table.add_column(platform, justify="right")
        for what, name in COUNTED.items():
            if any(sent[platform, what] for platform in platforms):
                table.add_row(name, *(str(sent[platform, what]) for platform in platforms))
        self._line(Text(""))
        self._console.print(table)
        told = f"; expectations met: {met}" if met else ""
        self._line(Text(f"model {model}{told}; {seconds:.1f} s"))

    # ---- the prompt

    def ask(self, prompt: str) -> None:
        """Show where the next line is typed."""
        if self.rich:
            self._typed = True
            self._prompt = prompt
            self._console.print(Text(prompt, style="bold green"), end="")

    def answered(self) -> None:
        """A line was typed."""
        self._prompt = ""

    # ---- lines

    def _rows(
        self, at: datetime, platform: str, place: str, who: str, lines: Sequence[tuple[str, str]]
    ) -> None:
        """lines: each with its style."""
        head = Text.assemble(
            (f"{at:%H:%M:%S}  ", "dim"),
            (_padded(f"{platform} {place}", PLACE), COLOURS.get(platform, "")),
            (_padded(who, NAME), "bold"),
        )
        indent = "\n" + " " * head.cell_len
        self._line(head + Text(indent).join(Text(line, style=style) for line, style in lines))

    def _indented(self, text: str, *, style: str) -> None:
        self._line(Text(" " * (10 + PLACE + NAME) + text, style=style))

    def _line(self, text: Text) -> None:
        if self._prompt:
            self._console.file.write(ERASE)
        self._console.print(text)
        if self._prompt:
            self._console.print(Text(self._prompt, style="bold green"), end="")


def _rows(choices: Sequence[Choice]) -> dict[str, list[str]]:
    """Numbered, by the line that they stand beside; short ones share a row."""
    rows: dict[str, list[str]] = {}
    for number, choice in enumerate(choices, 1):
        told = f"[{number}] {choice.label}"
        beside = rows.setdefault(choice.about.rpartition("\n")[2], [])
        if beside and cell_len(f"{beside[-1]}  {told}") <= ROW:
            beside[-1] += f"  {told}"
        else:
            beside.append(told)
    return rows


def _padded(text: str, cells: int) -> str:
    """With spaces up to a width, at least one; Chinese letters take two."""
    return text + " " * max(1, cells - cell_len(text))
