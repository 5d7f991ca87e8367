"""Turns: what a message costs beside its model, how many there may be, how soon it is on disk."""

import argparse
import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from openai import AsyncOpenAI

from benchmarks.common import (
    WORDS,
    Cell,
    Platform,
    event,
    fsyncs,
    machine,
    median,
    model_server,
    percentile,
    profiled,
    scratch,
    show,
)
from bot.app import App, build_embedder
from bot.config import Settings
from bot.intake import route
from bot.llm import wire
from bot.llm.openai import Endpoint, OpenAIModel
from bot.types import Completion, Prompt
from memory.database.sqlite import GROUP, SqliteConnection, SqliteDatabase, _Job
from memory.draft import Draft
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Message, Origin, Reply, now

AGENTS = 200  # that talk at once, at most
ALONE = 1  # commits in a group: each call pays for its own


class Noting(OpenAIModel):
    """Keeps the last prompt, so that the same request can be sent once more without us."""

    prompt: Prompt | None = None

    async def complete(self, prompt: Prompt) -> Completion:
        self.prompt = prompt
        return await super().complete(prompt)

    @property
    def body(self) -> wire.Body:
        assert self.prompt is not None
        messages, tools = wire.chat(self.prompt, self.tz), wire.tools(self.prompt.tools)
        return {"model": self.endpoint.model, "messages": messages, "tools": tools}


class SlowDisk(SqliteDatabase):
    """A disk whose durable commits take longer than this one's, by so many seconds."""

    delay = 0.0

    def _commit_group(
        self, raw: sqlite3.Connection, connection: SqliteConnection, jobs: list[_Job]
    ) -> None:
        if self.delay and not all(job.early for job in jobs):
            time.sleep(self.delay)
        super()._commit_group(raw, connection, jobs)


@dataclass(slots=True, kw_only=True)
class Rig:
    """One program under test: its own home, database and connections."""

    app: App
    model: Noting
    platform: Platform
    rates: list[float] = field(default_factory=list)  # turns/s, one for each slice


def settings_in(folder: Path, url: str, embedding: str) -> Settings:
    """Settings of a new home."""
    folder.mkdir(parents=True)
    return Settings.model_validate(
        {"home": folder, "llm_model": "fake", "llm_base_url": url, "embedding": embedding}
    )


@asynccontextmanager
async def rig(
    folder: Path, url: str, *, group: int = GROUP, window: int = 8192,
    embedding: str = "off", run: bool = True,
) -> AsyncIterator[Rig]:  # fmt: skip
    """The app as `bot.app.opened` puts it together, with a database of our choice.

    run: whether it works; else there is only its store.
    """
    settings = settings_in(folder, url, embedding)
    async with AsyncExitStack() as stack:
        database = SlowDisk(settings.database_path, group=group)
        stack.push_async_callback(database.close)
        database.start(MIGRATIONS)
        embedder = build_embedder(settings)
        search = Search(database, embedder, folder / "index")
        stack.push_async_callback(search.close)
        model = Noting(Endpoint(model="fake", base_url=settings.llm_base_url, window=window))
        stack.push_async_callback(model.close)
        app, platform = App(settings, Store(database), search, model), Platform()
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        if run:
            tasks.create_task(app.run([platform]), name="app")
            stack.callback(app.stop)
        yield Rig(app=app, model=model, platform=platform)


# --- a: own time of one message -----------------------------------------------------------------


async def own_time(url: str, home: Path, given: argparse.Namespace) -> None:
    rows: list[list[Cell]] = []
    settings = [(8192, 0, "off"), (8192, 0, "local"), (8192, 1, "off"), (32768, 1, "off")]
    for number, (window, full, embedding) in enumerate(settings):
        name = f"{'full window' if full else 'new talk'} of {window:,} tokens"
        name += f", embedder {embedding}"
        async with rig(home / f"own{number}", url, window=window, embedding=embedding) as one:
            if full:
                await fill(one.app.store, window)
            rows.append([name, *await own_times(one, url, home, given.messages)])
    show(
        "a. Own time of one message, ms (one agent; total less the bare round trip after it)",
        ["", "total p50", "bare p50", "own p50", "own p99", "two fsyncs"],
        rows,
        "bare: the same request body through the same client library. Of the own time, two fsyncs"
        " are the disk's:\nthe message's and the answer's; what they took beside each message."
        " aim: own p50 under 10 ms",
    )


async def own_times(one: Rig, url: str, home: Path, messages: int) -> Sequence[float]:
    """Each message is followed by its bare round trip, so that both meet the same machine."""
    totals, bares, disks = [], [], []
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        for number in range(messages + 5):
            await asyncio.sleep(0.02)  # a person reads the answer before writing again
            total = await one.platform.ask("ana")
            body = one.model.body
            began = time.perf_counter()
            await client.post("/chat/completions", cast_to=str, body=body)
            if number >= 5:  # the first ones open connections
                totals.append(total * 1000)
                bares.append((time.perf_counter() - began) * 1000)
                disks.append(sum(fsyncs(home, 2)) + 2 * SlowDisk.delay * 1000)
    own = [total - bare for total, bare in zip(totals, bares, strict=True)]
    return [median(totals), median(bares), median(own), percentile(own, 0.99), median(disks)]


async def fill(store: Store, window: int) -> None:
    """A conversation that takes two thirds of the window already."""
    asked = event("ana", -1)
    birth, identity = route(asked)
    agent, _ = await store.ensure(birth, identity)
    draft = Draft.of(agent, await store.blocks(agent.id))
    origin = Origin(room=asked.address.room, person=agent.person)
    for turn in range(window // 90):
        for role, text in (("user", WORDS), ("assistant", "Noted.")):
            message = Message(
                seq=draft.seq(), role="user" if role == "user" else "assistant", text=text,
                at=now(), origin=origin, speaker="ana" * (role == "user"), turn=-1 - turn,
            )  # fmt: skip
            draft.messages.append(message)
    await store.commit(draft.change())


# --- b: turns a second ----------------------------------------------------------------------------

Turn = Callable[[Rig, str], Awaitable[float]]


async def throughput(url: str, home: Path, given: argparse.Namespace) -> None:
    for name, turn in (("whole turns", whole), ("the durable part of a turn alone", durable)):
        rows: list[Sequence[Cell]] = []
        for agents, times in ((1, 60), (16, 10), (AGENTS, 3)):
            folder = home / f"{turn.__name__}{agents}"
            rows.append(await compared(url, folder, turn, agents, times, given.rounds))
        show(
            f"b. Turns/s, {name}: commits in groups against one commit for each call",
            ["agents", "turns", "grouped", "alone", "ratio", "inbox p50 ms", "p99", "alone p99"],
            rows,
            NOTES[turn.__name__],
        )


async def compared(
    url: str, folder: Path, turn: Turn, agents: int, times: int, rounds: int
) -> Sequence[float | int]:
    """Slices of both kinds take turns, since the machine is not ours alone."""
    users = [f"person{number}" for number in range(agents)]
    async with AsyncExitStack() as stack:
        pair = [
            await stack.enter_async_context(
                rig(folder / str(group), url, group=group, run=turn is whole)
            )
            for group in (GROUP, ALONE)
        ]
        for one in pair:  # agents are born before the clock runs
            await asyncio.gather(*(turn(one, user) for user in users))
            one.platform.arrivals.clear()
        for _ in range(rounds):
            for one in pair:
                began = time.perf_counter()
                await asyncio.gather(*(talk(turn, one, user, times) for user in users))
                one.rates.append(agents * times / (time.perf_counter() - began))
        grouped, alone = pair
        ratio = median([a / b for a, b in zip(grouped.rates, alone.rates, strict=True)])
        inbox = [second * 1000 for second in grouped.platform.arrivals]
        slow = [second * 1000 for second in alone.platform.arrivals]
        rates = [median(grouped.rates), median(alone.rates), ratio]
        waits = [median(inbox), percentile(inbox, 0.99), percentile(slow, 0.99)]
        return [agents, agents * times * rounds, *rates, *waits]


async def talk(turn: Turn, one: Rig, user: str, times: int) -> None:
    for _ in range(times):
        await turn(one, user)


async def whole(one: Rig, user: str) -> float:
    """Arrival, context, HTTP, commit, sending: all of it."""
    return await one.platform.ask(user)


async def durable(one: Rig, user: str) -> float:
    """What a turn asks of the disk: receive, claim, view, commit, sent. No model, no prompt."""
    store, asked = one.app.store, event(user, time.perf_counter_ns())
    room = asked.address.room
    birth, identity = route(asked)
    payload = {"text": asked.text, "speaker": user, "address": asked.address.plain()}
    began = time.perf_counter()
    await store.receive(birth, identity, dedup=asked.id, room=room, payload=payload, at=asked.at)
    one.platform.arrivals.append(time.perf_counter() - began)
    claim = await store.claim(birth.id, now())
    assert claim is not None
    view = await store.view(birth.id, room)
    draft = Draft.of(view.agent, view.blocks)
    origin = Origin(room=room, person=view.agent.person)
    draft.messages += [
        Message(seq=draft.seq(), role="user", text=asked.text, at=draft.at, origin=origin),
        Message(seq=draft.seq(), role="assistant", text="Noted.", at=draft.at, origin=origin),
    ]
    target = {"address": asked.address.plain()}
    draft.replies.append(Reply(key=str(claim.turn), target=target, text="Noted."))
    await store.commit(draft.change(claim=claim, done=True))
    for reply in await store.unsent(birth.id):
        await store.sent(reply, "receipt")
    return time.perf_counter() - began


NOTES = {
    "whole": "HTTP and Python included, so the ratio is bounded by the CPU.\n"
    "inbox: from arrival to committed. Nobody pauses here: the CPU is always full",
    "durable": "receive, claim, view, commit, sent. aim at 200 agents: ratio of at least 8",
}


# --- c: from arrival to inbox ---------------------------------------------------------------------


async def inbox(url: str, home: Path, given: argparse.Namespace) -> None:
    """People who pause: together they write so many messages a second, at random moments."""
    rows: list[list[Cell]] = []
    for rate in given.rates:
        async with rig(home / f"rate{rate}", url) as one:
            users = [f"person{number}" for number in range(AGENTS)]
            await asyncio.gather(*(whole(one, user) for user in users))
            one.platform.arrivals.clear()
            began = time.perf_counter()
            talks = [paced(one, user, AGENTS / rate, began + given.seconds) for user in users]
            answers = [second * 1000 for said in await asyncio.gather(*talks) for second in said]
            took = time.perf_counter() - began
            waits = [second * 1000 for second in one.platform.arrivals]
            row: list[Cell] = [f"{len(waits) / took:.0f}", len(waits)]
            row += [median(waits), percentile(waits, 0.99)]
            rows.append([*row, median(answers), percentile(answers, 0.99)])
    show(
        f"c. From arrival to committed in the inbox, ms, while {AGENTS} agents talk",
        ["messages/s", "messages", "inbox p50", "inbox p99", "answer p50", "answer p99"],
        rows,
        "aim: inbox p99 under 100 ms",
    )


async def paced(one: Rig, user: str, pause: float, end: float) -> list[float]:
    """Write now and then until the end; seconds that each answer took."""
    chance = random.Random(user)
    answers = []
    while (wait := chance.expovariate(1 / pause)) < end - time.perf_counter():
        await asyncio.sleep(wait)
        answers.append(await one.platform.ask(user))
    return answers


async def main(given: argparse.Namespace) -> None:
    SlowDisk.delay = given.disk / 1000
    with scratch(given.folder) as home, model_server() as url:
        slower = f", {given.disk:g} ms added to each commit" if given.disk else ""
        print(machine(home) + slower, flush=True)
        with profiled(given.profile):
            if "a" in given.parts:
                await own_time(url, home, given)
            if "b" in given.parts:
                await throughput(url, home, given)
            if "c" in given.parts:
                await inbox(url, home, given)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="abc", help="a: own time; b: turns/s; c: inbox")
    parser.add_argument("--messages", type=int, default=80, help="of each row of part a")
    parser.add_argument("--rounds", type=int, default=2, help="slices of each kind in part b")
    parser.add_argument("--rates", type=int, nargs="+", default=[20, 60], help="msg/s of part c")
    parser.add_argument("--seconds", type=float, default=6, help="of each row of part c")
    parser.add_argument("--disk", type=float, default=0, help="ms that a commit takes more")
    parser.add_argument("--folder", type=Path, help="where homes are made; a real disk")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asyncio.run(main(parser.parse_args()))
