"""When a heartbeat is due, what it may cost, and that it is done whole or not at all."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bot import schedule
from bot.errors import ModelRejected, ModelUnavailable
from bot.heartbeat import Pace, read
from bot.hours import quiet
from bot.schedule import Schedule, waits
from bot.testing.fakes import Crash, CrashAt, DyingStore
from bot.types import Completion, Prices, Prompt, Usage
from memory import heartbeats
from memory.consolidate import Line
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.errors import StorageFault
from memory.heartbeats import Due
from memory.store import Store
from memory.types import Identity, Spending, now
from tests.scenario.heart_house import BIRTH, DAY, NOTHING, House, human_of
from tests.scenario.world import says

OTHERS = ("I own a boat", "我养了一只猫")  # of four facts, one may leave

# --- due or not ----------------------------------------------------------------------------------


async def test_only_what_changed_is_due_and_once_in_an_interval(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea")
    assert await house.beat() == 1
    house.at += 60 * DAY
    assert await house.beat() == 0  # nothing was said
    await house.tell("我喜欢茶")
    assert await house.beat() == 1
    house.at += DAY / 2
    await house.tell("I like coffee")
    assert await house.beat() == 0  # not yet
    house.at += DAY
    assert await house.beat() == 1
    assert len(house.llm.shown) == 3


async def test_stale_facts_are_put_away_without_a_model(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea", "我喜欢茶", "I own a boat", "我养了一只猫", "sails")
    await house.beat()
    left = []
    for _ in range(200):
        house.at += DAY
        await house.beat()
        left.append(len((await house.human()).facts))
    assert (left.index(4), left.index(3)) == (89, 91)  # at 90 days, and a day and a bit later
    assert left[-1] == 3  # of three none may leave
    assert len(house.llm.shown) == 1
    assert await store.usage("ana", house.at) == []
    assert await store.due(house.at, DAY, DAY) == []  # and nobody is woken for them


async def test_a_sweep_reads_no_agent_that_has_nothing_to_do(store: Store) -> None:
    plan = await store.database.read(
        lambda conn: conn.all(f"EXPLAIN QUERY PLAN {heartbeats.DUE}", now=0, before=0, silent=0)
    )
    steps = [str(row["detail"]) for row in plan]
    assert any("USING INDEX agents_changed" in step for step in steps)
    assert any("USING INDEX agents_stale" in step for step in steps)
    whole = [step for step in steps if step.startswith("SCAN")]
    assert whole == ["SCAN inbox USING INDEX inbox_open"]  # it holds what is open, no more


async def test_there_is_one_row_for_a_day_and_a_state_of_memory(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea")
    assert await house.schedule.sweep() == 1
    assert await house.schedule.sweep() == 0
    found = await store.due(house.at, DAY, DAY)
    assert found == []
    known = Due(agent="ana", last_seq=4, mused_at=house.at, settings={})
    again = [replace(known, last_seq=(await store.agent("ana")).last_seq)]
    assert await store.put_heartbeats(again, house.at, 9) == []
    assert house.woken == ["ana"]


async def test_the_clock_sweeps_and_survives_a_fault(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "EVERY", 0.01)
    house = House(store)
    await house.tell("I like tea")
    due, asked, woken = store.due, 0, asyncio.Event()

    async def sometimes(at: datetime, interval: timedelta, silence: timedelta) -> list[Due]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise StorageFault("The disk is full.")
        return await due(at, interval, silence)

    monkeypatch.setattr(store, "due", sometimes)
    clock = Schedule(store, house.pace, UTC, lambda _: woken.set(), clock=lambda: house.at)
    running = asyncio.ensure_future(clock.run())
    async with asyncio.timeout(20):
        await woken.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert asked > 1
    assert (await house.claimed()).items[0].kind == "heartbeat"


async def test_so_many_at_a_time(store: Store) -> None:
    for name in "abc":
        await store.ensure(replace(BIRTH, id=name, name=name))
    woken: list[str] = []
    sweeper = Schedule(store, Pace(), UTC, woken.append, most=2, clock=lambda: now() + 2 * DAY)
    assert await sweeper.sweep() == 2
    assert await sweeper.sweep() == 0
    assert len(woken) == 2


async def test_a_heartbeat_is_taken_when_nothing_else_is_open(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea")
    await house.schedule.sweep()
    person = Identity(platform="a", space="b", user="ana", name="Ana")
    await store.receive(BIRTH, person, dedup="1", room="a/b/c", payload={"text": "hi"}, at=house.at)
    first = await house.claimed()
    assert first.items[0].kind == "message"
    draft = Draft.of(await store.agent("ana"), await store.blocks("ana"), at=house.at)
    await store.commit(draft.change(claim=first, done=True))
    assert (await house.claimed()).items[0].kind == "heartbeat"


async def test_not_while_somebody_writes_or_in_quiet_hours(store: Store) -> None:
    house = House(store, quiet="11-13")
    await house.tell("I like tea")
    assert await house.schedule.sweep() == 0
    await store.configure("ana", {"timezone": "Asia/Shanghai"})
    assert await house.schedule.sweep() == 1


@pytest.mark.parametrize("written", ["22-7", "22:00-07:00", "22:00 – 7:00", "22：00～07：00"])
def test_quiet_hours_are_those_of_the_agent(written: str) -> None:
    noon = datetime(2027, 1, 1, 12, tzinfo=UTC)
    there = {"timezone": "Asia/Shanghai"}  # 20 h
    own = {**there, "quiet": "19:30-20:30"}
    assert [quiet(one, written, UTC, noon) for one in ({}, there, own)] == [False, False, True]
    minute = timedelta(minutes=1)
    for ends, inside in (
        (10 * 60, False),
        (10 * 60 + 1, True),
        (19 * 60, True),
        (19 * 60 + 1, False),
    ):
        assert quiet({}, written, UTC, noon + ends * minute - minute) is inside
    assert not quiet({}, None, UTC, noon)
    assert not quiet({"quiet": ""}, "0-23", UTC, noon)
    imported = {"timezone": "Moon/Base", "quiet": "11-13"}
    assert quiet(imported, None, UTC, noon)  # there is no such zone
    assert not quiet({"quiet": "always"}, "0-23", UTC, noon)  # nor such hours


def test_agents_do_not_come_all_at_once() -> None:
    times = {waits(f"agent {n}", DAY) for n in range(50)}
    assert len(times) > 40
    assert waits("a", DAY) == waits("a", DAY)
    assert all(DAY <= time <= 1.1 * DAY for time in times)


# --- what it costs -------------------------------------------------------------------------------


async def test_a_budget_that_is_spent_asks_no_more(store: Store) -> None:
    used = Usage(prompt=19_000, completion=0)
    house = House(store, lambda prompt: replace(NOTHING, usage=used), interval=timedelta(hours=1))
    for _ in range(3):
        await house.tell("I like tea", "likes tea.")
        assert await house.beat() == 1
        house.at += timedelta(hours=2)
    assert len(house.llm.shown) == 1
    house.at += DAY
    for agent in ("ana", "bob"):  # what talk costs, and others' heartbeats, is not counted here
        await store.ensure(replace(BIRTH, id=agent, name=agent))
        draft = Draft.of(await store.agent(agent), await store.blocks(agent), at=house.at)
        kind: Literal["turn", "heartbeat"] = "turn" if agent == "ana" else "heartbeat"
        draft.usage = Spending(kind=kind, calls=1, prompt=99_000)
        await store.commit(draft.change())
    await house.tell("我喜欢茶")
    assert await house.beat() == 2  # Bob's waits
    assert len(house.llm.shown) == 2


@pytest.mark.parametrize("why", ["away", "spent", "refused"])
async def test_what_the_model_could_not_read_today_it_reads_tomorrow(
    store: Store, why: str
) -> None:
    """For good it is left only where the model would refuse it again."""

    def script(prompt: Prompt) -> Completion:
        first = len(house.llm.shown) == 1
        if first and why != "spent":
            raise ModelUnavailable("away") if why == "away" else ModelRejected("no")
        number = prompt.messages[0].text.rpartition("\n")[2].partition(":")[0]
        fact = {"message": int(number), "quote": "我对花生过敏"}
        answer = says(json.dumps({"facts": [] if first else [fact]}))
        return replace(answer, usage=Usage(prompt=19_500, completion=9))

    house = House(store, script, interval=timedelta(hours=1))
    if why == "spent":
        await house.tell("I like tea", save=False)
        assert await house.beat() == 1
        house.at += timedelta(hours=2)
    await house.tell("我对花生过敏", save=False)
    assert await house.beat() == 1
    assert (len(house.llm.shown), await human_of(store)) == (1, [])
    house.at += DAY
    assert await house.beat() == (why != "refused")
    assert await human_of(store) == ["我对花生过敏"] * (why != "refused")
    house.at += DAY
    await house.beat()
    house.at += DAY
    assert await house.beat() == 0
    assert len(house.llm.shown) == 1 + (why != "refused")


async def test_no_budget_and_a_pause_ask_nothing(store: Store) -> None:
    house = House(store, tokens=0)
    await house.tell("I like tea")
    assert await house.beat() == 1
    assert house.llm.shown == []
    house.heart.pace = Pace()
    await store.configure("ana", {"paused": True})
    house.at += 2 * DAY
    await house.tell("我喜欢茶")
    assert await house.beat() == 1
    assert house.llm.shown == []


async def test_a_long_history_is_shown_as_far_as_the_budget_goes(store: Store) -> None:
    house = House(store, tokens=3000)
    await house.tell(*(f"number {n} " + "很长" * 100 for n in range(99)), save=False)
    await house.beat()
    (prompt,) = house.llm.shown
    shown = prompt.system + prompt.messages[0].text
    assert house.llm.count(shown) <= 2000
    assert "number 98 " in shown
    assert "number 60 " not in shown


def test_prices_are_for_a_million_tokens() -> None:
    used = Usage(prompt=2_000_000, completion=500_000)
    assert Prices(prompt=0.15, completion=0.6).of(used) == 600_000  # millionths


@pytest.mark.parametrize(
    "text",
    ["", "no", "{}", '{"lines": 3, "facts": {"a": 1}}', '{"lines": [1, {"text": 5, "from": [1]}]}',
     '{"lines": [{"text": "a", "from": 7}], "facts": [{"message": "x", "quote": "y"}, null]}'],
)  # fmt: skip
def test_an_answer_of_another_form_is_nothing(text: str) -> None:
    answer = read(text)
    assert (answer.lines, answer.quotes) == ((), ())


def test_an_answer_is_read_in_any_wrapping() -> None:
    answer = read(
        'Sure:\n```json\n{"lines": [{"text": " 茶, tea ", "from": [1, 2]}],'
        ' "facts": [{"message": 3, "quote": "q"}]}\n```'
    )
    assert answer.lines == (Line(text="茶, tea", of=(1, 2)),)
    assert answer.quotes == ((3, "q"),)


# --- whole or nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize("hop", ["commit", "committed"])
async def test_a_crash_leaves_all_of_it_or_nothing(database: SqliteDatabase, hop: str) -> None:
    store = Store(database)
    house = House(store)
    await house.tell("I like tea", "likes tea.", *OTHERS)
    await house.schedule.sweep()
    claim = await house.claimed()
    house.heart.store = DyingStore(database, CrashAt(hop))
    with pytest.raises(Crash):
        await house.heart.run(claim)
    lines = len((await house.human()).facts)
    entries = [entry for entry in await store.history("ana", 0, 99) if entry.actor == "heartbeat"]
    assert (lines, len(entries)) == ((4, 0) if hop == "commit" else (3, 1))
    await store.recover()
    house.heart.store = store
    again = await store.claim("ana", house.at)
    assert (again is None) == (hop == "committed")
    if again is not None:
        await house.heart.run(again)
    assert len((await house.human()).facts) == 3


async def test_one_that_fails_too_often_is_let_go(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea")
    await house.schedule.sweep()
    await house.heart.give_up(await house.claimed())
    assert await store.open_count("ana") == 0
    assert await store.unsent("ana") == []
    house.at += 2 * DAY
    assert await house.schedule.sweep() == 0


async def test_memory_that_changes_meanwhile_is_looked_at_again(store: Store) -> None:
    house = House(store)
    await house.tell("I like tea", "likes tea.", *OTHERS)
    commit, times = store.commit, 0

    async def late(change: object) -> None:
        nonlocal times
        times += 1
        if times == 1:
            await store.edit("ana", lambda draft: draft.append("human", "我喜欢茶"), actor="person")
        await commit(change)  # type: ignore[arg-type]

    store.commit = late  # type: ignore[method-assign]
    await house.beat()
    assert (times, len(house.llm.shown)) == (2, 1)  # and the model is not asked again
    assert (await human_of(store)) == ["I like tea", *OTHERS, "我喜欢茶"]
