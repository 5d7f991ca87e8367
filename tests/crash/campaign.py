"""Kills the real program at random moments, and shows that nothing was lost, doubled or reordered.

    python tests/crash/campaign.py --kills 100 --seed 1

One conversation is talked twice through `reverie chat --json` against a local OpenAI-compatible
server: once without interruption, once with `kill -9` again and again. Afterwards every message
must be answered once and in order, and both homes must hold the same memory, row by row.
"""

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
AGENT = "campaign"
STUCK = 120.0  # seconds without an answer that mean that something hangs

PIECES = (
    "My name is {name}.",
    "我叫{name},是一名Python开发者",
    "I live in {place} and I like {thing}.",
    "我喜欢{thing},住在{place}。",
    "On 5 May we decided to buy {thing}.",
    "2024年3月15日我们在{place}开会讨论{thing}",
    "What do you know about {thing}?",
    "你还记得{name}是谁吗?",
    "Hello there, nice weather today.",
    "谢谢!",
    "Remember that {name} prefers {thing}.",
    "What did I say about {place} yesterday?",
)
WORDS = {
    "name": ("Ana", "Ben", "张三", "小明", "Chloé", "李雷"),
    "place": ("Berlin", "北京", "Leeds", "上海", "Oslo", "杭州"),
    "thing": ("coffee", "绿茶", "Rust", "乒乓球", "sailing", "围棋"),
}
TABLES = {  # what must be equal: everything but the times, which are those of each run
    "blocks": 'label, position, "limit", read_only',
    "facts": "seq, label, position, text, audience, person, room, source, pinned, superseded_by,"
    " state",
    "messages": "seq, role, text, audience, person, room, source, speaker, thoughts, calls,"
    " answers, turn, step, event",
    "passages": "seq, archive, text, audience, person, room, source, tags",
    "journal": "seq, actor, action, summary, source, undoes, undone_by",
    "summaries": "room, upto, text",
    "outbox": "id, key, text, state",
}

TIME = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d\]")  # in search results that a model was shown


def script(count: int, rng: random.Random) -> list[dict[str, str]]:
    """A conversation: the same for the same seed."""
    lines = []
    for number in range(count):
        words = {name: rng.choice(choices) for name, choices in WORDS.items()}
        lines.append({"id": f"m{number:04}", "text": rng.choice(PIECES).format(**words)})
    return lines


@dataclass
class Seen:
    """What the other side of the pipe saw, over all lives of the program."""

    replies: dict[str, list[str]] = field(default_factory=dict)  # key -> the messages it answers
    reposts: int = 0  # the same key shown again
    errors: list[str] = field(default_factory=list)

    @property
    def answered(self) -> list[str]:
        return [event for answers in self.replies.values() for event in answers]

    def take(self, line: str) -> None:
        record = json.loads(line)
        if record["type"] == "error":
            self.errors.append(record["text"])
        if record["type"] != "reply":
            return
        if record["key"] in self.replies:
            self.reposts += 1
        else:
            self.replies[record["key"]] = record["answers"]


@contextmanager
def model_server() -> Iterator[str]:
    """A deterministic model behind real HTTP; its base URL."""
    command = [sys.executable, "-m", "bot.testing.fake_openai", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip().split()[-1]
    finally:
        server.terminate()
        server.communicate()


def start(home: Path, url: str) -> "subprocess.Popen[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "REVERIE_HOME": str(home),
        "REVERIE_LLM_BASE_URL": url,
        "REVERIE_LLM_MODEL": "fake",
        "REVERIE_LLM_MODE": "native",
        "REVERIE_LLM_WINDOW": "200000",  # when a window moves depends on what usage taught so far
        "REVERIE_EMBEDDING": "off",  # so that a search does not depend on how far the queue is
        "REVERIE_TIMEZONE": "UTC",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "chat", "--agent", AGENT, "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT, env=environment,
    )  # fmt: skip


def live(
    home: Path, url: str, lines: Sequence[dict[str, str]], seen: Seen, death: "Death | None"
) -> bool:
    """One life of the program; whether it came to its end by itself."""
    program = start(home, url)
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    feeder = threading.Thread(target=_feed, args=(program, lines), daemon=True)
    feeder.start()
    watchdog = threading.Timer(STUCK, program.kill)
    watchdog.start()
    if death is not None:
        death.begin(program)
    for line in program.stdout:
        seen.take(line)
        if death is not None:
            death.heard()
    complaint = program.stderr.read()
    program.wait()
    watchdog.cancel()
    if "Traceback" in complaint:
        seen.errors.append(complaint)
    feeder.join()
    program.stdout.close()
    program.stderr.close()
    return program.returncode == 0


def _feed(program: "subprocess.Popen[str]", lines: Sequence[dict[str, str]]) -> None:
    assert program.stdin is not None
    try:
        for line in lines:
            program.stdin.write(json.dumps(line, ensure_ascii=False) + "\n")
        program.stdin.close()
    except OSError:  # it was killed
        pass


class Death:
    """Kills at a random moment: while it starts, or shortly after one of its first lines."""

    def __init__(self, rng: random.Random) -> None:
        self._lines = rng.choice((0, 1, 2, 3, 5, 8, 13))
        self._delay = rng.uniform(0.0, 2.0) if self._lines == 0 else rng.uniform(0.0, 0.03)
        self._program: subprocess.Popen[str] | None = None
        self._timer: threading.Timer | None = None
        self.happened = False

    def begin(self, program: "subprocess.Popen[str]") -> None:
        self._program = program
        if self._lines == 0:
            self._strike_soon()

    def heard(self) -> None:
        self._lines -= 1
        if self._lines == 0 and self._timer is None:
            self._strike_soon()

    def _strike_soon(self) -> None:
        self._timer = threading.Timer(self._delay, self._strike)
        self._timer.start()

    def _strike(self) -> None:
        if self._program is not None and self._program.poll() is None:
            self._program.send_signal(signal.SIGKILL)
            self.happened = True

    def over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


def contents(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows that must be equal. Raises sqlite3.DatabaseError for a broken file."""
    connection = sqlite3.connect(home / "reverie.db")
    try:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        return {
            table: [
                tuple(TIME.sub("[time]", cell) if isinstance(cell, str) else cell for cell in row)
                for row in connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2")
            ]
            for table, columns in TABLES.items()
        }
    finally:
        connection.close()


@dataclass(frozen=True, kw_only=True)
class Report:
    messages: int
    kills: int
    lives: int
    answered: int
    lost: int
    doubled: int
    disordered: int
    reposts: int
    differing: tuple[str, ...]
    rows: int
    errors: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not (
            self.lost or self.doubled or self.disordered or self.differing or self.errors
        )  # fmt: skip


def campaign(kills: int, messages: int, seed: int, folder: Path) -> Report:
    rng = random.Random(seed)
    lines = script(messages, rng)
    began = time.monotonic()
    calm, seen, lives, killed = Seen(), Seen(), 0, 0
    for name in ("calm", "killed"):
        (folder / name).mkdir()
    with model_server() as url:
        if not live(folder / "calm", url, lines, calm, None):
            raise SystemExit(f"the uninterrupted run failed: {calm.errors}")
        while True:
            answered = set(seen.answered)
            rest = [line for line in lines if line["id"] not in answered]
            death = Death(rng) if killed < kills else None
            ended = live(folder / "killed", url, rest, seen, death)
            lives += 1
            if death is not None:
                death.over()
                killed += death.happened
            if ended and not [line for line in lines if line["id"] not in set(seen.answered)]:
                break
            if death is None and not ended:
                raise SystemExit(f"the program ended by itself: {seen.errors[-3:]}")
    return _report(lines, killed, lives, seen, folder, time.monotonic() - began)


def _report(
    lines: list[dict[str, str]], kills: int, lives: int, seen: Seen, folder: Path, seconds: float
) -> Report:
    wanted = [line["id"] for line in lines]
    answered = seen.answered
    before, after = contents(folder / "calm"), contents(folder / "killed")
    return Report(
        messages=len(wanted),
        kills=kills,
        lives=lives,
        answered=len(set(answered)),
        lost=len(set(wanted) - set(answered)),
        doubled=len(answered) - len(set(answered)),
        disordered=sum(one > other for one, other in pairwise(answered)),
        reposts=seen.reposts,
        differing=tuple(table for table in TABLES if before[table] != after[table]),
        rows=sum(len(rows) for rows in after.values()),
        errors=tuple(seen.errors),
        seconds=seconds,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = campaign(chosen.kills, chosen.messages, chosen.seed, Path(folder))
    for name in report.__dataclass_fields__:
        print(f"{name:12} {getattr(report, name)}")
    print("PASSED" if report.passed else "FAILED")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
