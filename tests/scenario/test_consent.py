"""What people are told when they are first heard, and what a pause leaves behind."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Address, Event, SendFailed, Shown
from bot.consent import Consent
from bot.intake import room_id, route
from bot.testing.fakes import FakeAdapter
from memory import policy
from memory.database.sqlite import SqliteDatabase
from memory.policy import Rules
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Identity, now
from tests.scenario.consent_world import (
    ANA,
    DM,
    HALL,
    found,
    heard,
    obey,
    slack,
    texts,
)
from tests.scenario.world import World, says, world

PAUSED_SAID = ["the launch code is Zanzibar", "发布代号是桑给巴尔岛"]


@pytest.mark.parametrize(
    ("text", "told"), [("hello", "you alone can see"), ("你好", "只有你能看到")]
)
async def test_who_is_heard_first_is_told_once(tmp_path: Path, text: str, told: str) -> None:
    async with slack(tmp_path) as w:
        await heard(w, text)
        await heard(w, text)
        [(user, shown)] = w.adapter.whispers
        assert user == "ana"
        assert told in shown.plain()
        assert not shown.buttons
        for word in ("/memory", "/memory pause", "/forgetme"):
            assert f"`{word}`" in shown.plain()
        await heard(w, text, user="ben", channel="hall", room="public", mentioned=True)
        assert [user for user, _ in w.adapter.whispers] == ["ana", "ben"]
        await heard(w, text, channel="hall", room="public", mentioned=True)
        assert len(w.adapter.whispers) == 2
    async with slack(tmp_path) as w:
        await heard(w, text)
        assert w.adapter.whispers == []


async def test_what_is_not_taken_tells_nobody(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await heard(w, "hello all", channel="hall", room="public")
        assert w.adapter.whispers == []


async def test_a_notice_that_was_not_shown_is_shown_after_a_restart(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        w.app.asks.tell = _nothing  # type: ignore[method-assign]
        await heard(w, "hello")
        assert w.adapter.whispers == []
    async with slack(tmp_path) as w:
        assert [user for user, _ in await w.adapter.whispered(1)] == ["ana"]


async def _nothing() -> None:
    """Dies before it told anybody."""


@pytest.mark.parametrize("final", [True, False])
async def test_what_can_never_be_shown_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    tried: list[str] = []

    async def refuse(self: FakeAdapter, address: Address, user: str, shown: Shown) -> None:
        tried.append(user)
        raise SendFailed("closed", final=final)

    monkeypatch.setattr(FakeAdapter, "whisper", refuse)
    async with slack(tmp_path) as w:
        await heard(w, "hello")
        await w.app.asks.tell()
    assert (len(tried) == 1) == final


async def test_who_was_forgotten_is_told_again(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await heard(w, "hello")
        await obey(w, "/forgetme yes")
        assert len(w.adapter.whispers) == 1
        await heard(w, "hello again")
        assert [user for user, _ in w.adapter.whispers] == ["ana", "ana"]


async def test_a_notice_may_be_off_and_a_terminal_has_none(tmp_path: Path) -> None:
    async with slack(tmp_path / "off", notice=False) as w:
        await heard(w, "hello")
        assert w.adapter.whispers == []
    async with world(tmp_path / "on", [says("hi")]) as w:
        await heard(w, "hello")
        assert w.adapter.whispers == []


# --- a pause --------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", PAUSED_SAID)
async def test_what_is_said_during_a_pause_serves_the_conversation_and_goes(
    tmp_path: Path, secret: str
) -> None:
    async with slack(tmp_path) as w:
        await heard(w, "I like tea")
        assert "a day" in (await obey(w, "/memory pause")).plain()
        await heard(w, secret)
        await heard(w, "and?")
        shown = w.llm.shown
        assert secret in [row.text for row in shown[-1].messages]
        assert secret not in await found(w, secret)
        assert secret not in (await obey(w, "/memory search")).plain()
        assert "removed" in (await obey(w, "/memory resume")).plain()
        assert await texts(w) == ["I like tea"]
        await heard(w, "what did I say?")
        assert secret not in str(shown[-1].messages)
        assert "I like tea" in await found(w, "tea")
        assert "what did I say" in await found(w, "say")


async def test_a_pause_that_is_not_ended_keeps_a_day(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await obey(w, "/memory pause")
        await heard(w, PAUSED_SAID[0])
        await heard(w, PAUSED_SAID[1])
        at = now()
        w.app.schedule._clock = lambda: at + timedelta(hours=23)
        assert await w.app.schedule.tidy() == 0
        w.app.schedule._clock = lambda: at + timedelta(hours=25)
        assert await w.app.schedule.tidy() == 4
        assert await w.recall(ANA) == []
        posts = await w.app.store.replies_of(ANA, 1)
        assert [post.text for post in posts] == [""]


async def test_a_room_pauses_for_itself(tmp_path: Path) -> None:
    hall = room_id(HALL)
    async with slack(tmp_path) as w:
        await obey(w, "/memory pause", address=HALL, room="public")
        for text in PAUSED_SAID:
            await heard(w, text, channel="hall", room="public", mentioned=True)
        await heard(w, "in private")
        assert await texts(w, hall) == PAUSED_SAID
        await obey(w, "/memory resume", address=HALL, room="public")
        assert await texts(w, hall) == []
        assert await texts(w) == ["in private"]


async def test_an_edit_during_a_pause_is_not_searched_either(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await obey(w, "/memory pause")
        await w.adapter.say("我喜欢茶", event="m1")
        await w.settled()
        await w.adapter.change("m1", "我喜欢咖啡")
        await w.settled()
        assert await texts(w) == ["我喜欢咖啡"]
        assert "咖啡" not in await found(w, "咖啡")
        await obey(w, "/memory resume")
        assert await w.recall(ANA) == []


# --- nobody is learned from who did not agree -----------------------------------------------------


async def in_hall(w: World, text: str, user: str = "ana") -> int:
    """How many posts followed."""
    had = len(w.adapter.posts)
    await heard(w, text, user=user, channel="hall", room="public", mentioned=True)
    return len(w.adapter.posts) - had


async def kept(w: World) -> str:
    """All that any agent keeps of anybody."""
    rows = [await w.recall(agent.id) for agent in await w.app.store.agents()]
    return str(rows)


@pytest.mark.parametrize("text", PAUSED_SAID)
async def test_in_rooms_only_who_agreed_is_heard(tmp_path: Path, text: str) -> None:
    async with slack(tmp_path, opt_in=True) as w:
        assert await in_hall(w, text) == 0
        assert await in_hall(w, text) == 0
        [(user, shown)] = w.adapter.whispers
        assert user == "ana"
        assert "`/memory resume`" in shown.plain()
        assert text not in await kept(w)
        await obey(w, "/memory resume")
        assert await in_hall(w, text) == 1
        assert text in await kept(w)
        assert await in_hall(w, text, user="ben") == 0
    async with slack(tmp_path, opt_in=True) as w:
        assert await in_hall(w, text) == 1


@pytest.mark.parametrize("text", PAUSED_SAID)
async def test_who_did_not_agree_is_answered_in_private_and_not_learned_from(
    tmp_path: Path, text: str
) -> None:
    async with slack(tmp_path, opt_in=True) as w:
        await heard(w, text)
        assert [post.text for post in w.adapter.posts] == ["ok"]
        assert "core_memory_append" not in [tool.name for tool in w.llm.shown[0].tools]
        assert text not in await found(w, text)
        await obey(w, "/memory resume")
        assert await texts(w) == []
        await heard(w, text)
        assert "core_memory_append" in [tool.name for tool in w.llm.shown[-1].tools]
        assert text in await found(w, text)


async def test_who_was_learned_from_before_is_asked_too(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await heard(w, "I like tea")
    async with slack(tmp_path, opt_in=True) as w:
        await heard(w, PAUSED_SAID[0])
        assert PAUSED_SAID[0] not in await found(w, PAUSED_SAID[0])
        assert "I like tea" in await found(w, "tea")


async def test_a_pause_takes_no_agreement_back_and_forgetting_does(tmp_path: Path) -> None:
    async with slack(tmp_path, opt_in=True) as w:
        await obey(w, "/memory resume")
        await obey(w, "/memory pause")
        assert await in_hall(w, "hello") == 1
        await obey(w, "/forgetme yes")
        assert await in_hall(w, "你好") == 0
        assert [user for user, _ in w.adapter.whispers] == ["ana"]


async def test_only_resume_agrees(tmp_path: Path) -> None:
    async with slack(tmp_path, opt_in=True) as w:
        assert await in_hall(w, "hello") == 0
        assert "not for you" in (await obey(w, f"/answer {ANA} 0 save")).plain()
        await obey(w, "/memory add I like tea")
        assert await in_hall(w, "hello") == 0


async def test_what_one_account_agreed_to_holds_for_the_other(tmp_path: Path) -> None:
    async with slack(tmp_path, opt_in=True) as w:
        await obey(w, "/memory resume")
        code = re.search(r"\*\*([0-9A-Z-]+)\*\*", (await obey(w, "/link")).plain())
        assert code
        asked = await obey(w, f"/link {code[1]}", user="ben")
        join = next(one for one in asked.buttons if one.label == "Join them")
        await obey(w, join.line, user="ben")
        assert await in_hall(w, "hello", user="ben") == 1


async def agreed_in(w: World, workspace: str, value: int | None) -> None:
    await w.app.store.database.write(
        lambda conn: policy.choose(conn, workspace, "opt_in", value, now())
    )


async def test_who_was_told_before_is_asked_once_people_have_to_agree(tmp_path: Path) -> None:
    """nothing -> told -> asked -> agreed: each said once, whichever way the rule goes."""
    async with slack(tmp_path) as w:
        assert await in_hall(w, "hello") == 1
        assert "`/memory resume`" not in w.adapter.whispers[0][1].plain()
        await agreed_in(w, "slack/local", 1)
        assert await in_hall(w, "你好") == 0
        assert await in_hall(w, "hello?") == 0
        [_, (user, shown)] = w.adapter.whispers
        assert (user, "`/memory resume`" in shown.plain()) == ("ana", True)
        assert "只有你能看到" not in shown.plain()  # that was told before
        await agreed_in(w, "slack/local", None)
        assert await in_hall(w, "hello") == 1
        await agreed_in(w, "slack/local", 1)
        assert await in_hall(w, "hello") == 0
        await obey(w, "/memory resume")
        assert await in_hall(w, "hello") == 1
        assert len(w.adapter.whispers) == 2


async def test_each_workspace_has_its_rule(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await agreed_in(w, "slack/elsewhere", 1)
        assert await in_hall(w, "hello") == 1
    async with slack(tmp_path, opt_in=True) as w:
        assert await in_hall(w, "hello") == 0
        await agreed_in(w, "slack/local", 0)
        assert await in_hall(w, "hello") == 1


@pytest.mark.parametrize("text", PAUSED_SAID)
async def test_without_the_rule_one_is_learned_from_again_and_nothing_of_before_is_left(
    tmp_path: Path, text: str
) -> None:
    async with slack(tmp_path, notice=False) as w:
        await agreed_in(w, "slack/local", 1)
        await heard(w, text)
        [(_, shown)] = w.adapter.whispers  # who has to agree is told how, notice or not
        assert "`/memory resume`" in shown.plain()
        labels = [button.label for button in (await obey(w, "/memory")).buttons]
        assert labels[-1] == "Resume"
        await agreed_in(w, "slack/local", 0)
        await heard(w, "I like tea 我喜欢茶")
        assert "core_memory_append" in [tool.name for tool in w.llm.shown[-1].tools]
        labels = [button.label for button in (await obey(w, "/memory")).buttons]
        assert labels[-1] == "Pause"
        at = now()
        w.app.schedule._clock = lambda: at + timedelta(hours=25)
        await w.app.schedule.tidy()
        assert await texts(w) == ["I like tea 我喜欢茶"]


async def test_taking_back_is_not_offered_for_a_pause(tmp_path: Path) -> None:
    """There is a button for the last change of memory, and a pause is none."""
    async with slack(tmp_path) as w:
        await obey(w, "/memory add I like tea")
        for line, told in (("pause", "已暂停"), ("resume", "继续学习")):
            shown = await obey(w, f"/memory {line}")
            assert told in shown.plain()
            assert not shown.buttons


# --- as a state machine ---------------------------------------------------------------------------

STEPS = ("dm", "hall", "agree", "forget", "ask", "no longer", "restart")


@given(steps=st.lists(st.sampled_from(STEPS), max_size=14), notice=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_way_through_it(steps: list[str], notice: bool) -> None:
    """nothing -> told -> asked -> agreed, while the rule comes and goes."""
    with TemporaryDirectory() as folder:
        asyncio.run(_walk(Path(folder), steps, notice=notice))


async def _walk(folder: Path, steps: list[str], *, notice: bool) -> None:
    database = SqliteDatabase(folder / "r.db")
    database.start(MIGRATIONS)
    store, calls = Store(database), list[int]()
    identity = Identity(platform="slack", space="local", user="ana", name="Ana")
    told: set[str] = set()
    agreed = asked = False
    consent = Consent(store, lambda: calls.append(1), Rules(), notice=notice)
    for step in steps:
        if step in ("dm", "hall"):
            event = Event(
                id="1", address=DM if step == "dm" else HALL, user="ana", name="Ana", text="你好",
                at=now(), room_kind="dm" if step == "dm" else "public",
            )  # fmt: skip
            calls.clear()
            verdict = await consent.met(event, identity, route(event)[0])
            withheld = asked and not agreed
            expected = ("fleeting" if step == "dm" else "drop") if withheld else "keep"
            due = {"notice"} if notice or withheld else set()
            due |= {"opt_in"} if withheld else set()
            assert (verdict, bool(calls)) == (expected, bool(due - told))
            told |= due
        elif step == "agree":
            await consent.agreed(identity)
            agreed, told = True, told | {"notice"}  # who agrees knows
        elif step == "forget":
            await store.forget_person(ANA, at=now())
            agreed, told = False, set()
        elif step == "restart":
            consent = Consent(store, lambda: calls.append(1), Rules(), notice=notice)
        else:
            asked = step == "ask"
            value = 1 if asked else None
            await database.write(
                lambda conn, value=value: policy.choose(conn, "slack/local", "opt_in", value, now())  # type: ignore[misc]
            )
    await database.close()
