"""When the model is away or refuses, when many come at once, when memory moves under a turn."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.base import SendFailed
from bot import phrases
from bot.errors import ContextTooLong, ModelMisconfigured, ModelRejected, ModelUnavailable
from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt
from memory.agents import identity_id
from memory.draft import Draft
from memory.errors import StorageFault
from memory.store import Store
from memory.types import Outgoing
from tests.scenario.world import ANA, World, calls, in_turn, says, world

# --- the model's end -----------------------------------------------------------------------------


async def test_an_outage_delays_and_is_told_once(tmp_path: Path) -> None:
    away = [ModelUnavailable("gone")] * 4
    async with world(tmp_path, in_turn(*away, says("one"), says("two"))) as w:
        assert await w.ask("first") == phrases.SENTENCES["delayed"][0]
        await w.adapter.sent(2)
        await w.ask("second")
        assert await w.settled() == [phrases.SENTENCES["delayed"][0], "one", "two"]
        assert [row.text for row in await w.recall()] == ["first", "one", "second", "two"]


async def test_what_comes_during_an_outage_keeps_its_order(tmp_path: Path) -> None:
    back = asyncio.Event()

    def script(prompt: Prompt) -> Completion:
        if not back.is_set():
            raise ModelUnavailable("gone")
        return says("我回来了")

    async with world(tmp_path, script) as w:
        assert await w.ask("第一") == phrases.SENTENCES["delayed"][1]
        for text in ("第二", "第三"):
            await w.say(text)
        back.set()
        assert (await w.settled())[1:] == ["我回来了"]
        texts = [row.text for row in await w.recall()]
        assert texts == ["第一", "第二", "第三", "我回来了"]
        assert w.adapter.posts[-1].answers == ("1", "2", "3")


async def test_wrong_settings_say_what_to_do_and_wait(tmp_path: Path) -> None:
    script = in_turn(ModelMisconfigured("Set REVERIE_LLM_API_KEY {x}."), says("Hi."))
    async with world(tmp_path, script) as w:
        told = await w.ask("hello")
        assert "does not accept my settings" in told
        assert told.endswith("Set REVERIE_LLM_API_KEY {x}.")
        assert (await w.settled())[1:] == ["Hi."]


async def test_an_outage_of_days_is_survived(tmp_path: Path) -> None:
    async with world(tmp_path, in_turn(ModelUnavailable("gone"), says("back"))) as w:
        w.app.worker._waits[ANA] = 5000  # times in a row that the model was away
        assert await w.ask("hello") == phrases.SENTENCES["delayed"][0]
        while w.app.worker._busy:
            await asyncio.wait(w.app.worker._busy.values())
        ((agent, due),) = await w.app.store.waiting()
        claim = await w.app.store.claim(agent, due - timedelta(seconds=50))
        assert claim is None  # it waits for its minute


@pytest.mark.parametrize("name", ["rejected", "too_long"])
@pytest.mark.parametrize(("text", "language"), [("hello", 0), ("你好", 1)])
async def test_what_the_model_refuses_ends_with_a_sentence(
    tmp_path: Path, name: str, text: str, language: int
) -> None:
    error = ModelRejected if name == "rejected" else ContextTooLong
    refusals = [error("no")] * (1 if name == "rejected" else 3)
    async with world(tmp_path, in_turn(*refusals, says("fine"))) as w:
        assert await w.ask(text) == phrases.SENTENCES[name][language]
        assert await w.ask("next") == "fine"
        assert len(await w.settled()) == 2


async def test_what_is_too_long_is_made_shorter_first(tmp_path: Path) -> None:
    script = in_turn(says("ok"), ContextTooLong("no"), says("now it fits"))
    async with world(tmp_path, llm=ScriptedLLM(script, window=4000)) as w:
        await w.ask("x" * 3000)
        assert await w.ask("y" * 3000) == "now it fits"
        assert len(w.llm.shown[2].messages[-1].text) <= len(w.llm.shown[1].messages[-1].text)


async def test_a_surprise_is_retried_and_told_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.GIVE_UP", 2)
    script = in_turn(RuntimeError("a bug"), RuntimeError("a bug"), says("fine"))
    async with world(tmp_path, script) as w:
        assert await w.ask("hello") == phrases.SENTENCES["failed"][0]
        assert await w.ask("again") == "fine"
        assert len(w.llm.shown) == 3
        assert [row.text for row in await w.recall()][::2] == ["hello", "again"]


# --- the disk -------------------------------------------------------------------------------------


async def limit(w: World, pages: int) -> None:
    """As a disk that has no more room than this."""
    await w.app.store.database.write(lambda conn: conn.one(f"PRAGMA max_page_count={pages}"))


async def test_a_full_disk_refuses_a_message_and_takes_the_next(tmp_path: Path) -> None:
    async with world(tmp_path, [says("one"), says("two")]) as w:
        await w.ask("first")
        await limit(w, 1)
        with pytest.raises(StorageFault, match="disk has room"):
            await w.say("太大" * 100_000)
        await limit(w, 100_000)
        assert await w.ask("second") == "two"
        assert [row.text for row in await w.recall()] == ["first", "one", "second", "two"]


async def test_a_full_disk_in_the_middle_of_a_turn_loses_nothing(tmp_path: Path) -> None:
    class Filling(ScriptedLLM):
        async def complete(self, prompt: Prompt) -> Completion:
            await limit(w, 1 if not self.shown else 100_000)
            return await super().complete(prompt)

    long = "长" * 100_000
    async with world(tmp_path, llm=Filling([says(long), says(long)])) as w:
        assert await w.ask("tell me all") == long
        assert await w.settled() == [long]
        assert [row.text for row in await w.recall()] == ["tell me all", long]


# --- sending --------------------------------------------------------------------------------------


async def test_what_the_platform_does_not_take_is_sent_again_in_order(tmp_path: Path) -> None:
    both = calls(wish("send_message", 1, message="一"), wish("send_message", 2, message="二"))
    async with world(tmp_path, [both]) as w:
        w.adapter.failures = [SendFailed("busy", retry_after=0.001) for _ in range(3)]
        await w.say("count")
        await w.adapter.sent(2)
        assert await w.settled() == ["一", "二"]


async def test_what_can_never_be_sent_does_not_hold_up_the_next(tmp_path: Path) -> None:
    async with world(tmp_path, [says("one"), says("two")]) as w:
        w.adapter.failures = [SendFailed("no such channel", final=True)]
        await w.say("first")
        await w.settled()
        assert await w.ask("second") == "two"
        assert await w.settled() == ["two"]


async def test_an_outbox_that_cannot_be_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Frail(Store):
        faults = 2

        async def unsent(self, agent_id: str) -> list[Outgoing]:
            if self.faults:
                self.faults -= 1
                raise StorageFault("disk I/O error")
            return await super().unsent(agent_id)

    monkeypatch.setattr("bot.outbox.LONGEST_WAIT", 0.01)
    async with world(tmp_path, [says("one")], store=Frail) as w:
        assert await w.ask("first") == "one"
        assert await w.settled() == ["one"]


# --- many at once --------------------------------------------------------------------------------


async def test_a_burst_is_answered_once(tmp_path: Path) -> None:
    async with world(tmp_path, [says("first"), says("all of it")]) as w:
        w.app.worker._slots = gate = asyncio.Semaphore(0)
        for n in range(5):
            await w.say(f"part {n}")
        gate.release()
        await w.adapter.sent(1)
        rows = await w.recall()
        assert [row.text for row in rows] == [*(f"part {n}" for n in range(5)), "first"]
        assert len({row.seq for row in rows}) == 6
        assert {row.turn for row in rows} == {1}
        assert w.adapter.posts[0].answers == tuple(f"{n}" for n in range(1, 6))
        assert not await w.adapter.say("part 0", event="1")  # the platform says it again
        assert await w.settled() == ["first"]


async def test_a_hundred_agents_at_once(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        return says(f"echo {prompt.messages[-1].text}")

    async with world(tmp_path, script) as w:
        users = [f"user{n}" for n in range(100)]
        for _ in range(2):
            await asyncio.gather(*(w.say(user, user=user) for user in users))
        assert sorted(set(await w.settled())) == sorted(f"echo {user}" for user in users)
        for user in users[::10]:
            texts = [row.text for row in await w.recall(identity_id("terminal", "local", user))]
            assert set(texts) == {user, f"echo {user}"}
            assert texts.count(user) == 2


async def test_one_agent_does_not_wait_for_another(tmp_path: Path) -> None:
    away = ModelUnavailable("gone", retry_after=3000)
    async with world(tmp_path, in_turn(away, says("Hi Bo"), says("Hi Cy"))) as w:
        assert await w.ask("hello") == phrases.SENTENCES["delayed"][0]
        await w.say("hello", user="bo")
        assert (await w.adapter.sent(2))[1].text == "Hi Bo"
        await w.say("hello", user="cy", agent="MyAssistant")
        assert (await w.adapter.sent(3))[2].text == "Hi Cy"


# --- memory beside a turn ------------------------------------------------------------------------


async def test_a_change_by_hand_in_the_middle_of_a_turn_is_kept(tmp_path: Path) -> None:
    thinking, go_on = asyncio.Event(), asyncio.Event()
    keep = calls(
        wish("core_memory_append", section="human", content="I like tea"),
        wish("send_message", message="Noted."),
    )

    class Slow(ScriptedLLM):
        async def complete(self, prompt: Prompt) -> Completion:
            thinking.set()
            await go_on.wait()
            return await super().complete(prompt)

    async with world(tmp_path, llm=Slow([keep, keep])) as w:
        await w.say("I like tea")
        await thinking.wait()

        def by_hand(draft: Draft) -> str:
            return draft.append("human", "住在上海")

        await w.app.store.edit(ANA, by_hand, actor="person")
        go_on.set()
        assert await w.settled() == ["Noted."]
        assert await w.human() == "住在上海\nI like tea"
        assert len(w.llm.shown) == 2
        assert "住在上海" in w.llm.shown[1].system
        assert [row.role for row in await w.recall()] == ["user", "assistant", "tool", "tool"]


async def test_what_falls_out_of_the_window_is_summarised_and_stays(tmp_path: Path) -> None:
    asked = [f"{n} 问题 " + "很长" * 300 for n in range(12)]

    def script(prompt: Prompt) -> Completion:
        if "find" in prompt.messages[-1].text:
            return calls(wish("conversation_search", query="0 问题"))
        return says(prompt.messages[-1].text[:40])

    async with world(tmp_path, llm=ScriptedLLM(script, window=4000)) as w:
        for text in asked:
            await w.ask(text)
        assert 1 <= len(w.llm.summarised) < 8
        assert w.llm.summarised[0][0] == ""
        assert w.llm.summarised[1][0].startswith("[")  # the summary before goes on
        summed = [row.seq for _, rows in w.llm.summarised for row in rows]
        assert summed == sorted(set(summed))  # each message once, in order
        assert "<summary>" in w.llm.shown[-1].system
        assert [row.text for row in await w.recall() if row.role == "user"] == asked
        before = len(w.llm.shown)
        await w.ask("find the beginning")
        assert "0 问题" in w.told(before + 1)
