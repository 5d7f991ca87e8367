"""Kills the real program while people talk to it on Slack and Discord: nothing lost, nothing twice.

    python tests/crash/platforms.py --messages 200 --people 10 --rooms 3 --kills 20 --drops 20

The program is `reverie run` against the simulators. Each question has a word of its own, and the
model, a script behind real HTTP, answers with the words of all questions of a turn: so a burst that
is answered once answers each of its questions. Every word must be said once, where it was asked,
and in the order in which it was asked there.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.testing.fake_openai import FakeOpenAI, Message, Request
from tests.crash.judge import Asked, Verdict, judge
from tests.crash.sides import SIDES, STUCK, WORD, Kind, Line, Side

ROOT = Path(__file__).parents[2]
PIECES = (
    "what about {word}?",
    "Hello there, please look at {word} for me.",
    "{word}是什么意思?",
    "你好,请问{word}怎么样?",
    "My name is Ana and I like {word}.",
    "我喜欢{word},记住了吗?",
    "On 5 May we decided to buy {word} 🙂",
)

# --- a model that says what it is asked about -----------------------------------------------------


RECALLED = re.compile(r"<recalled>.*?</recalled>", re.DOTALL)  # is not asked now


def echo(request: Request) -> Message:
    """All words since the last answer; for every fourth, something is remembered before."""
    messages = request["messages"]
    assert isinstance(messages, list)
    words: list[str] = []
    for message in reversed(messages):
        if message["role"] == "user":
            words[:0] = WORD.findall(RECALLED.sub("", str(message["content"])))
        elif words:
            break
    if messages[-1]["role"] == "user" and words and int(words[-1][1:-1]) % 4 == 0:
        arguments = f'{{"section": "human", "content": "{words[-1]}", "request_heartbeat": true}}'
        function = {"name": "core_memory_append", "arguments": arguments}
        call = {"id": f"call-{words[-1]}", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": f"About {', '.join(words)} — 好的"}


# --- the program ----------------------------------------------------------------------------------


class Program:
    """`reverie run`, or another command of Python's, started again and again on one home."""

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        command: Sequence[str] = ("-m", "bot", "run"),
    ) -> None:
        self.home, self.lives = home, 0
        self._environment = environment
        self._command = command
        self._log = (home / "log").open("wb")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.lives += 1
        self._process = subprocess.Popen(
            [sys.executable, *self._command], cwd=self.home, env=dict(self._environment),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log,
        )  # fmt: skip

    async def end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            await asyncio.to_thread(self._process.wait, STUCK)
            self._hang_up(self._process)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._hang_up(self._process)
        self._log.close()

    @staticmethod
    def _hang_up(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:  # until then it may wait for more
            process.stdin.close()

    @property
    def errors(self) -> int:
        return (self.home / "log").read_bytes().count(b"Traceback")

    @property
    def left(self) -> int:
        """Rows that are still to be worked on, or to be sent."""
        connection = sqlite3.connect(self.home / "reverie" / "reverie.db")
        try:
            (count,) = connection.execute(
                "SELECT (SELECT count(*) FROM inbox WHERE state IN ('ready', 'running'))"
                " + (SELECT count(*) FROM outbox WHERE state <> 'sent')"
            ).fetchone()
        finally:
            connection.close()
        return int(count)


# --- the campaign ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    messages: int = 200
    people: int = 10
    rooms: int = 3
    kills: int = 20
    drops: int = 20
    seed: int = 1
    platform: str = "both"

    @property
    def platforms(self) -> Sequence[str]:
        return list(SIDES) if self.platform == "both" else [self.platform]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    messages: int
    kills: int
    drops: int
    lives: int
    answered: int
    lost: int
    doubled: int
    wordless: int
    disordered: Mapping[str, int]
    redeliveries: int
    left: int
    errors: int
    seconds: float

    @property
    def passed(self) -> bool:
        wrong = self.lost + self.doubled + self.wordless + self.left + self.errors
        return not (wrong or self.disordered)


@dataclass(slots=True, kw_only=True)
class Campaign:
    """What happens, drawn from the seed alone: who says what and where, and what breaks when."""

    wanted: Wanted
    sides: Sequence[Side]
    program: Program
    rng: random.Random
    asked: list[tuple[Side, Asked]] = field(default_factory=list)
    kills: int = 0
    drops: int = 0

    async def run(self) -> None:
        """Raises TimeoutError where an answer does not come."""
        greetings = min(self.wanted.people * len(self.sides), self.wanted.messages)
        self.program.start()
        await self._online()
        for number in range(greetings):  # Discord tells nobody of a first message that was missed
            side, person = number % len(self.sides), number // len(self.sides)
            await self.say(self.sides[side], self._line("dm", person))
        await self.answered()
        faults = self._faults(range(greetings, self.wanted.messages))
        for number in range(greetings, self.wanted.messages):
            kind: Kind = self.rng.choice(("dm", "room", "room", "thread", "thread"))
            line = self._line(kind, self.rng.randrange(self.wanted.people))
            broken = faults.get(number, ())
            if broken and self.rng.random() < 0.5:
                await self._online()  # so that it strikes amid the work
            await self.say(self.rng.choice(self.sides), line)
            for fault in broken:
                await asyncio.sleep(self.rng.uniform(0.0, 0.3))
                await fault()
            if self.rng.random() < 0.1:
                await self.answered()
        await self.answered()

    def _faults(self, moments: Sequence[int]) -> Mapping[int, list[Callable[[], Awaitable[None]]]]:
        found: dict[int, list[Callable[[], Awaitable[None]]]] = defaultdict(list)
        for fault, count in ((self._kill, self.wanted.kills), (self._drop, self.wanted.drops)):
            for _ in range(count):
                found[self.rng.choice(moments)].append(fault)
        return found

    def _line(self, kind: Kind, person: int) -> Line:
        rng, word = self.rng, f"q{len(self.asked):04}x"
        return Line(
            kind=kind, person=person, room=rng.randrange(self.wanted.rooms),
            text=rng.choice(PIECES).format(word=word), thread=rng.randrange(1000),
            mentioned=rng.random() < 0.5,
        )  # fmt: skip

    async def say(self, side: Side, line: Line) -> None:
        [word] = WORD.findall(line.text)
        self.asked.append((side, Asked(word=word, place=await side.say(line))))

    async def _kill(self) -> None:
        await self.program.end(signal.SIGKILL)
        for side in self.sides:
            await side.online(False)
        self.kills += 1
        self.program.start()

    async def _drop(self) -> None:
        await self.rng.choice(self.sides).drop(self.rng)
        self.drops += 1

    async def _online(self) -> None:
        for side in self.sides:
            await side.online(True)

    async def answered(self) -> None:
        """Waits until everything that was asked so far is answered."""
        for side in self.sides:
            await side.until(partial(self._complete, side))

    def _complete(self, side: Side) -> bool:
        return not self.verdict(side).lost

    def verdict(self, *sides: Side) -> Verdict:
        """On what was asked and said on these platforms, or on all."""
        sides = sides or tuple(self.sides)
        asked = [question for side, question in self.asked if side in sides]
        return judge(asked, [message for side in sides for message in side.said()])


@asynccontextmanager
async def prepared(wanted: Wanted, home: Path) -> AsyncIterator[Campaign]:
    sides = [SIDES[name](wanted.people, wanted.rooms) for name in wanted.platforms]
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(FakeOpenAI(echo, latency=0.02).running())
        for side in sides:
            await stack.enter_async_context(side.running())
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "REVERIE_HOME": str(home / "reverie"),
            "REVERIE_NOTICE": "off",  # only answers are counted
            "REVERIE_LLM_BASE_URL": model.url,
            "REVERIE_LLM_MODEL": "fake",
            "REVERIE_LLM_MODE": "native",
            "REVERIE_LLM_WINDOW": "200000",
            "REVERIE_EMBEDDING": "off",
            **{key: value for side in sides for key, value in side.environment().items()},
        }
        program = Program(home, environment)
        stack.callback(program.close)
        rng = random.Random(wanted.seed)
        yield Campaign(wanted=wanted, sides=sides, program=program, rng=rng)


async def campaign(wanted: Wanted, home: Path) -> Report:
    began = time.monotonic()
    async with prepared(wanted, home) as run:
        redeliveries = 0
        try:
            await run.run()
            redeliveries = sum([await side.settled() for side in run.sides])
        except TimeoutError:
            print("stuck: an answer did not come", file=sys.stderr)
        await run.program.end(signal.SIGTERM)
        verdict = run.verdict()
        return Report(
            messages=len(run.asked),
            kills=run.kills,
            drops=run.drops,
            lives=run.program.lives,
            answered=verdict.answered,
            lost=verdict.lost,
            doubled=verdict.doubled,
            wordless=verdict.wordless,
            disordered=verdict.disordered,
            redeliveries=redeliveries,
            left=run.program.left,
            errors=run.program.errors,
            seconds=round(time.monotonic() - began, 1),
        )


def main() -> int:
    defaults = Wanted()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("messages", "people", "rooms", "kills", "drops", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    parser.add_argument("--platform", choices=(*SIDES, "both"), default=defaults.platform)
    wanted = Wanted(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(campaign(wanted, Path(folder)))
    for name in Report.__dataclass_fields__:
        print(f"{name:12} {getattr(report, name)}")
    print("PASSED" if report.passed else "FAILED")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
