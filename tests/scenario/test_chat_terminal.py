"""`reverie run` on a terminal: a person at a keyboard, and the state in which it leaves the tty."""

import os
import pty
import select
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot import phrases
from tests.scenario.conftest import Cli
from tests.scenario.talk import PATIENCE, serving

# A session of its own takes the first terminal that it opens: then Ctrl-C reaches it.
ON_TERMINAL = 'tty=$1; shift; exec "$@" < "$tty" > "$tty" 2>&1'
CTRL_C, CTRL_D = "\x03", "\x04"


class Keyboard:
    """The person's end of a terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", ours: int) -> None:
        self.process = process
        self.shown = ""  # everything so far
        self._seen = 0
        self._end = ours

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def until(self, words: str) -> str:
        """What is shown up to some words, since the last time."""
        while words not in self.shown[self._seen :]:
            assert self._more(), f"{words!r} never came, but {self.shown[self._seen :]!r}"
        start, self._seen = self._seen, self.shown.index(words, self._seen) + len(words)
        return self.shown[start : self._seen]

    def end(self) -> int:
        """Wait for the end: the exit code, and in `shown` the rest."""
        code = self.process.wait(PATIENCE)
        while self._more(0):
            pass
        assert "Traceback" not in self.shown
        return code

    def modes(self) -> list[object]:
        """How the terminal treats what is typed: echo, lines, signals."""
        return list(termios.tcgetattr(self._end))

    def _more(self, patience: float = PATIENCE) -> bool:
        if not select.select([self._end], [], [], patience)[0]:
            return False
        self.shown += os.read(self._end, 1 << 16).decode(errors="replace").replace("\r\n", "\n")
        return True


@contextmanager
def keyboard(cli: Cli, *args: str, **environ: str) -> Iterator[Keyboard]:
    """The program, on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", ON_TERMINAL, "sh", os.ttyname(theirs), *cli.command(*args)],
        cwd=cli.folder,
        env=cli.environ(TERM="xterm", COLUMNS="200", **environ),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Keyboard(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(theirs)
        os.close(ours)


def test_a_newcomer_is_remembered(cli: Cli) -> None:
    with keyboard(cli, "run") as person:
        modes = person.modes()
        banner = person.until("> ")
        assert "Reverie" in banner
        assert "it cannot reason" in banner
        assert str(cli.home) in banner
        person.type("My name is Ana and I am a baker\n")
        person.until("saved: human: + My name is Ana")
        person.until("Saved: “My name is Ana and I am a baker”")
        person.until("> ")
        person.type("我喜欢茶\n")
        person.until("已记住:“我喜欢茶”")
        person.until("> ")
        person.type("/memory\n")
        rows = [row.split() for row in person.until("> ").splitlines()]
        (fact,) = [row for row in rows if "baker" in row]
        assert fact[-1] == "(#6)"  # the message that it is from
        assert [row for row in rows if "我喜欢茶" in row]
        person.type("/quit\n")
        assert person.end() == 0
        assert person.modes() == modes
    with keyboard(cli, "run") as person:
        person.until("> ")
        person.type("What is my name?\n")
        person.until("“My name is Ana and I am a baker”")
        person.until("> ")
        person.type("我喜欢什么?\n")
        person.until("“我喜欢茶”")
        person.until("> ")
        person.type(CTRL_D)
        assert person.end() == 0
        assert person.modes() == modes


def test_odd_things_that_are_typed(cli: Cli) -> None:
    with keyboard(cli, "chat", "--thoughts") as person:
        for text in ("\n", "   \n", "\t\n"):
            person.until("> ")
            person.type(text)
        person.until("> ")
        person.type("[bold]我喜欢[/bold] 😀 [/nothing]\n")
        person.until("[bold]我喜欢[/bold] 😀 [/nothing]\n")
        person.until("> ")
        person.type("/fly\n")
        person.until("There is no command /fly")
        person.until("> ")
        person.type("/help zh\n")
        person.until("撤销上一次改动")
        person.until("> ")
        person.type("/退出\n")
        assert person.end() == 0


def test_ctrl_c_at_the_prompt(cli: Cli) -> None:
    with keyboard(cli, "run") as person:
        modes = person.modes()
        person.until("> ")
        person.type("half a line" + CTRL_C)
        assert person.end() == 0
        assert person.modes() == modes


def test_ctrl_c_twice_while_the_model_thinks(cli: Cli) -> None:
    with (
        serving("--latency", "2000") as server,
        keyboard(cli, "chat", **server.settings()) as person,
    ):
        modes = person.modes()
        person.until("> ")
        person.type("我喜欢茶\n")
        person.until("saved: human: + 我喜欢茶")  # and its next request is on its way
        person.type(CTRL_C)
        with pytest.raises(subprocess.TimeoutExpired):
            person.process.wait(0.4)  # it lets the turn end
        person.type(CTRL_C)
        assert person.end() == 130
        assert person.modes() == modes
    with serving() as server, keyboard(cli, "chat", **server.settings()) as person:
        person.until("我会记住:我喜欢茶")
        person.type("/quit\n")
        assert person.end() == 0


def test_leaving_during_an_outage(cli: Cli) -> None:
    with serving() as server:
        server.stop()
        with keyboard(cli, "chat", **server.settings()) as person:
            person.until("> ")
            person.type("I like tea\n")
            person.until(phrases.SENTENCES["delayed"][0].partition(". ")[2][:30])
            person.until("> ")
            person.type("I like jam\n")
            person.until("> ")
            person.type("/quit\n")
            assert person.end() == 3
            assert "2 messages not answered yet: kept" in person.shown
