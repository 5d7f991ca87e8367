"""Digests: off until asked for, once, at a good hour, of what is new; each fact to be looked at."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.base import Address, Invocation, Post, RoomKind, Shown
from bot import schedule
from bot.digest import NOT_HERE, UNHEARD, Digests
from bot.heartbeat import Pace
from bot.schedule import Schedule
from bot.testing.fakes import wish
from bot.types import Completion, Prompt
from memory import digests, queue
from memory.agents import identity_id
from memory.database.sqlite import SqliteDatabase
from memory.errors import StorageFault
from memory.ports import Connection
from memory.store import Store
from memory.types import Fact
from tests.scenario.world import ANA, World, calls, says, world

T = TypeVar("T")
DAY = timedelta(days=1)
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
HERE = Address(platform="terminal", space="local", channel="dm")
SLOW = {"heartbeat_hours": 0}  # no heartbeats: digests are not theirs


def keeper(prompt: Prompt) -> Completion:
    """A model that saves whatever is said, word for word."""
    last = prompt.messages[-1]
    if last.role != "user":
        return says("ok")
    section = "persona" if last.text.startswith("Be ") else "human"
    return calls(
        wish("core_memory_append", section=section, content=last.text),
        wish("send_message", message="ok"),
    )


async def give(
    w: World, line: str, *, user: str = "ana", address: Address = HERE, room: RoomKind = "dm",
    own: bool = False,
) -> Shown:  # fmt: skip
    """A command, as the platform hands it over."""
    invocation = Invocation(
        address=address, user=user, name=user.title(), line=line, room_kind=room, own=own
    )
    return await w.app.desk.command(invocation)


async def sweep(w: World, at: datetime) -> list[Post]:
    """What a sweep at that time sends."""
    had = len(w.adapter.posts)
    w.app.digests.clock = lambda: at
    await w.app.digests.sweep()
    await w.settled()
    return w.adapter.posts[had:]


async def begun(w: World, *texts: str, every: str = "daily") -> None:
    """Digests since noon, and things learned since then."""
    await w.ask("hello 你好")
    w.app.digests.clock = lambda: NOON
    assert "once a " in (await give(w, f"/memory digest {every}")).text
    for text in texts:
        await w.ask(text)


async def facts(w: World) -> dict[str, Fact]:
    blocks = await w.app.store.blocks(ANA)
    return {fact.text: fact for block in blocks if block.label == "human" for fact in block.facts}


# --- when, and of what ---------------------------------------------------------------------------


async def test_nobody_gets_one_who_did_not_ask_for_it(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.ask("I like tea")
        assert "no digests" in (await give(w, "/memory digest")).text
        assert await sweep(w, NOON + 30 * DAY) == []
        await give(w, "/memory digest weekly")
        assert "once a week" in (await give(w, "/记忆 摘要")).text
        assert "no digests" in (await give(w, "/memory digest off")).text
        await w.ask("我喜欢围棋")
        assert await sweep(w, NOON + 30 * DAY) == []


@pytest.mark.parametrize(("every", "days"), [("daily", 1), ("weekly", 7)])
async def test_once_in_its_time_what_is_new_and_without_a_model(
    tmp_path: Path, every: str, days: int
) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.ask("I own a boat")  # before
        await begun(w, "I like tea", "我喜欢围棋", every=every)
        asked = len(w.llm.shown)
        assert await sweep(w, NOON + days * DAY - timedelta(seconds=1)) == []
        [post] = await sweep(w, NOON + days * DAY)
        assert ("boat" in post.text, "tea" in post.text, "围棋" in post.text) == (False, True, True)
        assert "`/memory keep N`" in post.text
        assert post.address == HERE
        assert await sweep(w, NOON + days * DAY + timedelta(hours=1)) == []
        assert await sweep(w, NOON + 2 * days * DAY) == []  # nothing is new
        assert len(w.llm.shown) == asked
        await w.ask("I sail")
        assert await sweep(w, NOON + 3 * days * DAY - timedelta(seconds=1)) == []
        [post] = await sweep(w, NOON + 5 * days * DAY + timedelta(hours=5))  # it was switched off
        assert ("tea" in post.text, "I sail" in post.text) == (False, True)
        assert "这是" not in post.text
        timer = await w.app.store.database.read(lambda conn: digests.timer(conn, ANA))
        assert timer is not None
        assert timer.due_at == NOON + 6 * days * DAY  # at noon still


async def test_what_is_gone_or_was_typed_by_hand_is_not_told(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea", "I like jazz", "我住在北京", "I sail")
        await give(w, "/memory add I wrote this")
        await give(w, "/memory forget I like tea")
        known = await facts(w)
        await give(w, f"/memory edit {known['I like jazz'].seq} I love jazz")
        await w.ask("Be brief 简短一点")
        await w.app.store.undo(ANA, (await w.app.store.history(ANA, 4, 1))[0].seq, actor="person")
        assert "I sail" not in await facts(w)
        [post] = await sweep(w, NOON + DAY)
        assert [line for line in post.text.splitlines() if line.startswith("- ")] == [
            f"- #{known['我住在北京'].seq} · 我住在北京"
        ]
        assert "对吗" in post.text


async def test_what_is_forgotten_before_it_is_sent_is_not_told(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")
        await w.settled()
        w.app.outbox.stop()  # nothing goes out
        assert await sweep(w, NOON + DAY) == []
        rows = await w.app.store.unsent(ANA)
        assert [row.text for row in rows] == [""]  # its words are kept nowhere
        await give(w, "/memory forget I like tea")
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.adapter.say("thanks", event="after")
        assert [post.text for post in await w.adapter.sent(1)] == ["ok"]
        await w.settled()
        assert await w.app.store.unsent(ANA) == []


async def test_a_joined_line_is_new_if_a_part_of_it_is(tmp_path: Path) -> None:
    joined = {"old": "likes tea, coffee", "new": "likes jazz, 围棋"}

    def script(prompt: Prompt) -> Completion:
        if "# What is known" not in prompt.messages[0].text:
            return keeper(prompt)
        rows = [line.partition(": ") for line in prompt.messages[0].text.splitlines()]
        seqs = {text: number for number, _, text in rows if number.isdigit()}
        pairs = [
            f'{{"text": "{text}", "from": [{seqs["likes " + one]}, {seqs["likes " + two]}]}}'
            for text in joined.values()
            for one, two in [text.removeprefix("likes ").split(", ")]
        ]
        return says(f'{{"lines": [{", ".join(pairs)}], "facts": []}}')

    soon = {"heartbeat_hours": 1e-9, "heartbeat_idle": 0, "llm_model": "scripted"}
    async with world(tmp_path, script, settings=soon) as w:
        for n in range(14):
            await w.ask(f"topic {n}")
        for text in ("likes tea", "likes coffee", "likes jazz"):
            await w.ask(text)
        await begun(w, "likes 围棋")
        assert await w.app.schedule.sweep() == 1
        await w.settled()
        assert {*joined.values()} <= (await facts(w)).keys()
        [post] = await sweep(w, NOON + DAY)
        assert ("likes jazz, 围棋" in post.text, "coffee" in post.text) == (True, False)


# --- a good hour ---------------------------------------------------------------------------------


async def test_it_waits_for_the_end_of_quiet_hours_where_the_person_lives(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings={**SLOW, "heartbeat_quiet": "11:30-13"}) as w:
        await begun(w, "I like tea")
        assert "11:30 and 13 (UTC)" in (await give(w, "/memory quiet")).text
        assert await sweep(w, NOON + DAY) == []
        told = await give(w, "/memory quiet 19:30-22 Asia/Shanghai")
        assert "19:30 and 22:00 (Asia/Shanghai)" in told.text
        assert await sweep(w, NOON + DAY) == []  # 20:00 there
        assert "at no time" in (await give(w, "/记忆 免打扰 关")).text
        assert len(await sweep(w, NOON + DAY)) == 1


async def test_it_keeps_its_hour_when_the_clocks_change(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.ask("hello")
        await give(w, "/memory quiet 22:00-07:00 Europe/Berlin")
        await begun(w, every="weekly")
        days = []
        for week in range(1, 6):
            await w.ask(f"I saw film {week}")
            at = NOON + week * 7 * DAY
            days.append([len(await sweep(w, at - timedelta(hours=1))), len(await sweep(w, at))])
        assert days == [[0, 1]] * 3 + [[1, 0]] * 2  # from 28 March on, noon in Berlin is earlier


# --- once ----------------------------------------------------------------------------------------


async def test_it_is_sent_after_a_kill_and_only_once(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")
        await w.settled()
        w.app.outbox.stop()
        await sweep(w, NOON + DAY)
        w.app.outbox.stop()
    for expected in (1, 0):
        async with world(tmp_path, keeper, settings=SLOW) as w:
            await sweep(w, NOON + DAY)  # it is written down already
            await w.adapter.say("thanks", event=f"after {expected}")
            *digest, answer = await w.adapter.sent(expected + 1)
            assert [("I like tea" in post.text, bool(post.shown)) for post in digest] == [
                (True, True)
            ] * expected
            assert answer.text == "ok"


async def test_it_is_written_down_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")

        def full(*_: object) -> None:
            raise StorageFault("The disk is full.")

        with monkeypatch.context() as broken:
            broken.setattr(queue, "put_replies", full)
            with pytest.raises(StorageFault):
                await sweep(w, NOON + DAY)
        assert len(await sweep(w, NOON + DAY)) == 1


async def test_a_choice_of_the_same_moment_is_not_undone(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")
        [(timer, _)] = await w.app.store.database.read(lambda c: digests.due(c, NOON + DAY))
        await give(w, "/memory digest off")

        def late(conn: Connection) -> bool:
            return digests.put(conn, timer, NOON, NOON)

        assert not await w.app.store.database.write(late)
        assert await w.app.store.database.read(lambda conn: digests.timer(conn, ANA)) is None


async def test_a_sweep_is_one_query_while_nothing_is_due(database: SqliteDatabase) -> None:
    class Counting:
        asked = 0

        async def read(self, work: Callable[[Connection], T]) -> T:
            self.asked += 1
            return await database.read(work)

    counting = Counting()
    store = Store(counting)  # type: ignore[arg-type]
    assert await Digests(store, UTC, None, lambda _: None).sweep() == 0
    assert counting.asked == 1
    plan = await database.read(
        lambda conn: conn.all(f"EXPLAIN QUERY PLAN {digests.DUE}", now=0, name="digest")
    )
    assert "INDEX timers_due" in str(plan[0]["detail"])


async def test_the_clock_of_the_house_sends_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "EVERY", 0.01)
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")
        w.app.digests.clock = lambda: NOON + DAY
        off = Pace(interval=timedelta(0))
        clock = Schedule(w.app.store, off, UTC, lambda _: None, digests=w.app.digests)
        running = asyncio.ensure_future(clock.run())
        assert "I like tea" in (await w.adapter.sent(3))[2].text
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# --- where, and to whom --------------------------------------------------------------------------


async def test_it_is_for_a_direct_message_in_which_the_person_wrote(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        assert (await give(w, "/memory digest daily")).text == UNHEARD
        await w.ask("hello")
        other = Address(platform="terminal", space="local", channel="lobby")
        assert (await give(w, "/memory digest daily", address=other)).text == UNHEARD
        for line in ("/memory digest daily", "/memory learned", "/memory quiet 22-7"):
            assert (await give(w, line, address=other, room="public")).text == NOT_HERE
        asked = await give(w, "/memory digest daily", address=HERE, room="public", own=True)
        assert asked.text == NOT_HERE  # others read along
        quiet = await give(w, "/memory quiet 22-7", address=other, room="public", own=True)
        assert "22:00 and 07:00" in quiet.text
        assert await w.app.store.database.read(lambda conn: digests.timer(conn, ANA)) is None


@pytest.mark.parametrize("late", [False, True])
async def test_a_parted_account_is_told_nothing_more(tmp_path: Path, late: bool) -> None:
    phone = Address(platform="terminal", space="local", channel="phone")
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.ask("I own a boat")
        code = (await give(w, "/link")).text.split("`/link ")[1].split("`")[0]
        await give(w, f"/link {code} yes", user="ana2", address=phone)
        assert await w.adapter.say("I like tea", event="x", user="ana2", channel="phone")
        await w.settled()
        w.app.digests.clock = lambda: NOON
        told = await give(w, "/memory digest daily", user="ana2", address=phone)
        assert "once a day" in told.text
        await w.ask("我的秘密")
        if late:  # it waits to be sent
            w.app.digests.clock, w.app.digests.wake = lambda: NOON + DAY, lambda _: None
            assert await w.app.digests.sweep() == 1
        await give(w, "/unlink", user="ana2", address=phone)
        w.app.outbox.wake(ANA)
        assert await sweep(w, NOON + 2 * DAY) == []
        assert await w.app.store.unsent(ANA) == []
        account = identity_id("terminal", "local", "ana2")
        timer = await w.app.store.database.read(lambda conn: digests.timer(conn, ANA))
        assert timer is not None
        assert timer.person == account


async def test_forgetme_ends_it(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, "I like tea")
        await give(w, "/forgetme yes")
        assert await sweep(w, NOON + DAY) == []
        rows = await w.app.store.database.read(lambda conn: conn.all("SELECT * FROM timers"))
        assert rows == []


# --- to keep, to mend ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [("I like tea", ("Keep", "Fix", "Forget")), ("我喜欢围棋", ("保留", "更正", "忘记"))],
)
async def test_each_fact_is_kept_mended_or_forgotten(
    tmp_path: Path, text: str, labels: tuple[str, str, str]
) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await begun(w, text)
        [post] = await sweep(w, NOON + DAY)
        assert post.shown is not None
        [line] = post.shown.parts[0].lines
        keep, fix, forget = line.buttons
        assert tuple(button.label for button in line.buttons) == labels
        assert (forget.danger, fix.form and fix.form.value) == (True, text)
        before = (await facts(w))[text]
        assert f"#{before.seq} is right" in (await give(w, keep.line)).plain()
        after = (await facts(w))[text]
        assert (after.seq, after.confirmed_at > before.confirmed_at) == (before.seq, True)
        again = await give(w, post.line)  # what a button looks up
        assert [one.buttons for one in again.parts[0].lines] == [line.buttons]
        assert "✓" in again.parts[0].lines[0].text
        await give(w, f"{fix.line} mended 改好了")
        assert list(await facts(w)) == ["hello 你好", "mended 改好了"]
        await give(w, "/memory undo")
        await give(w, forget.line)
        assert list(await facts(w)) == ["hello 你好"]
        assert "Nothing new" in (await give(w, post.line)).text


async def test_it_can_be_asked_for(tmp_path: Path) -> None:
    async with world(tmp_path, keeper, settings=SLOW) as w:
        await w.ask("I like tea")
        assert "I like tea" in (await give(w, "/memory learned")).plain()
        await begun(w)
        assert "tea" not in (await give(w, "/记忆 学到")).plain()
        assert "no fact #99" in (await give(w, "/memory keep 99")).text
