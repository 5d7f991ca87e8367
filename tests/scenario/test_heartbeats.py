"""Heartbeats: when they come, what they do and cost, and that people always go first."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import ModelUnavailable
from bot.heartbeat import SYSTEM, Pace
from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt, Usage
from memory.types import Spending, now
from tests.scenario.heart_house import DAY, NOTHING
from tests.scenario.world import ANA, World, calls, says, world

OTHERS = ("I own a boat", "我养了一只猫")  # of four facts, one may leave
SOON = {"heartbeat_hours": 1e-9, "heartbeat_idle": 0, "llm_model": "scripted"}


def keeper(muse: Callable[[Prompt], Completion]) -> Callable[[Prompt], Completion]:
    """A model that saves whatever is said, word for word."""

    def script(prompt: Prompt) -> Completion:
        if prompt.system == SYSTEM:
            return muse(prompt)
        if prompt.messages[-1].role == "user":
            text = prompt.messages[-1].text
            return calls(
                wish("core_memory_append", section="human", content=text),
                wish("send_message", message="ok"),
            )
        return says("ok")

    return script


def mused(llm: ScriptedLLM) -> int:
    """How often a heartbeat asked the model."""
    return sum(prompt.system == SYSTEM for prompt in llm.shown)


async def beat(w: World) -> int:
    """A sweep, and what it leads to."""
    count = await w.app.schedule.sweep()
    await w.settled()
    return count


# --- through the whole program -------------------------------------------------------------------


async def test_a_heartbeat_tidies_once_and_undo_brings_everything_back(tmp_path: Path) -> None:
    async with world(tmp_path, keeper(lambda prompt: NOTHING), settings=SOON) as w:
        for text in ("I like tea", "likes tea.", "我住在北京", "我现在住在上海了"):
            await w.ask(text)
        before = await w.app.store.blocks(ANA)
        assert await beat(w) == 1
        assert await w.human() == "I like tea\n我住在北京\n我现在住在上海了"  # one in four
        entry = (await w.app.store.history(ANA, 0, 1))[0]
        assert (entry.actor, entry.action) == ("heartbeat", "consolidate")
        assert await w.settled() == ["ok"] * 4  # it tells nobody
        undone = await w.app.store.undo(ANA, None, actor="person")
        assert undone.seq == entry.seq
        assert await w.app.store.blocks(ANA) == before
        await beat(w)
        assert await w.human() == "I like tea\nlikes tea.\n我现在住在上海了"  # hands off the tea
        assert mused(w.llm) == 1


async def test_what_nobody_saved_is_learned(tmp_path: Path) -> None:
    def propose(prompt: Prompt) -> Completion:
        number = prompt.messages[0].text.partition("# What was said\n")[2].partition(":")[0]
        fact = {"message": int(number), "quote": "我对花生过敏"}
        return says(json.dumps({"lines": [], "facts": [fact]}))

    def script(prompt: Prompt) -> Completion:
        return propose(prompt) if prompt.system == SYSTEM else says("ok")

    async with world(tmp_path, script, settings=SOON) as w:
        await w.ask("你好,我对花生过敏")
        assert await w.human() == ""
        await beat(w)
        assert await w.human() == "我对花生过敏"
        (fact,) = (await w.app.store.blocks(ANA))[1].facts
        assert fact.origin.source == (await w.recall())[0].seq


async def test_turns_and_heartbeats_are_in_the_ledger(tmp_path: Path) -> None:
    counted = replace(NOTHING, usage=Usage(prompt=100, completion=10))
    prices = {"llm_price_prompt": 0.5, "llm_price_completion": 2}
    async with world(tmp_path, keeper(lambda prompt: counted), settings={**SOON, **prices}) as w:
        await w.ask("I like tea")
        await beat(w)
        heart, turn = [day.spending for day in await w.app.store.usage(ANA, now() - DAY)]
        assert heart == Spending(kind="heartbeat", calls=1, prompt=100, completion=10, money=70)
        assert (turn.kind, turn.calls) == ("turn", 1)
        assert turn.money == round(turn.prompt * 0.5 + turn.completion * 2) > 0
        assert len(await w.app.store.usage(None, now() - DAY)) == 2
        assert await w.app.store.usage(ANA, now() + DAY) == []


async def test_summaries_are_in_the_ledger_too(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda _: says("hi"), window=6_000)
    async with world(tmp_path, llm=llm) as w:
        for n in range(12):
            await w.ask(f"第{n}句 " + "very long words " * 80)
        assert len(llm.summarised) > 1
        [day] = await w.app.store.usage(ANA, now() - DAY)
        assert day.spending.kind == "turn"
        assert day.spending.calls == len(llm.shown) + len(llm.summarised)
        words = sum(llm.count(row.text) for _, rows in llm.summarised for row in rows)
        asked = sum(
            llm.count(p.system) + sum(llm.count(m.text) for m in p.messages) for p in llm.shown
        )
        assert day.spending.prompt >= asked + words


async def test_with_the_model_away_the_policy_stands_and_nobody_is_told(tmp_path: Path) -> None:
    def away(prompt: Prompt) -> Completion:
        raise ModelUnavailable("away")

    async with world(tmp_path, keeper(away), settings=SOON) as w:
        for text in (*OTHERS, "I like tea", "likes tea."):
            await w.ask(text)
        await beat(w)
        assert await w.human() == "\n".join((*OTHERS, "I like tea"))
        assert await w.settled() == ["ok"] * 4
        assert await w.app.store.open_count(ANA) == 0


async def test_without_a_model_there_is_the_policy(tmp_path: Path) -> None:
    offline = {**SOON, "llm_model": None}
    async with world(tmp_path, keeper(lambda prompt: NOTHING), settings=offline) as w:
        for text in (*OTHERS, "I like tea", "likes tea."):
            await w.ask(text)
        await beat(w)
        assert await w.human() == "\n".join((*OTHERS, "I like tea"))
        assert mused(w.llm) == 0


class Slow(ScriptedLLM):
    """Thinks about a heartbeat for as long as it is let."""

    def __init__(self) -> None:
        super().__init__(keeper(lambda prompt: NOTHING))
        self.begun = asyncio.Event()
        self.cancelled = 0

    async def complete(self, prompt: Prompt) -> Completion:
        if prompt.system == SYSTEM and not self.begun.is_set():
            self.begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return await super().complete(prompt)


async def test_a_message_ends_a_heartbeat_that_thinks(tmp_path: Path) -> None:
    llm = Slow()
    async with world(tmp_path, llm=llm, settings=SOON) as w:
        await w.ask("I like tea")
        assert await w.app.schedule.sweep() == 1
        await llm.begun.wait()
        assert await w.ask("我喜欢茶") == "ok"
        await w.settled()
        assert llm.cancelled == 1
        assert mused(llm) == 1  # it was put back, and had its turn afterwards
        assert await w.app.store.open_count(ANA) == 0


async def test_after_a_message_a_heartbeat_waits_for_silence(tmp_path: Path) -> None:
    llm = Slow()
    async with world(tmp_path, llm=llm, settings=SOON) as w:
        for text in (*OTHERS, "I like tea"):
            await w.ask(text)
        assert await w.app.schedule.sweep() == 1
        await llm.begun.wait()
        w.app.schedule._pace = heart_pace(w, silence=timedelta(minutes=30))
        await w.ask("likes tea.")
        await w.settled()
        assert mused(llm) == 0
        assert await w.human() == "\n".join((*OTHERS, "I like tea", "likes tea."))
        assert await w.app.store.open_count(ANA) == 0  # the sweep comes again
        assert await beat(w) == 0


def heart_pace(w: World, **changed: timedelta) -> Pace:
    heart = w.app.worker._turns.heart
    heart.pace = replace(heart.pace, **changed)  # type: ignore[arg-type]
    return heart.pace


@pytest.mark.parametrize(("hours", "beats"), [(1e-9, 1), (0.0, 0)])
async def test_the_program_runs_the_clock(tmp_path: Path, hours: float, beats: int) -> None:
    quick = {**SOON, "heartbeat_hours": hours}
    async with world(tmp_path, lambda _: says("hi"), settings=quick) as w:
        await w.ask("hello")
        await w.settled()
        running = [task for task in asyncio.all_tasks() if task.get_name() == "heartbeats"]
        assert running
        assert await w.app.schedule.sweep() == beats
