"""A digest where platforms have buttons: posted once, pressed whenever, after a restart as well."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.base import Event, Post, Shown
from bot.digest import panel
from bot.testing.discord import FakeDiscord
from bot.testing.slack import FakeSlack, Timing
from bot.testing.slack.blocks import text_of
from memory.types import Fact, Origin
from tests.edge import discord_adapter, slack_world
from tests.edge.discord_adapter import QUICK, listening
from tests.edge.slack_world import online

AT = datetime(2027, 1, 1, tzinfo=UTC)
LINE = "/memory learned 3-99"
TEXTS = ("likes tea", "喜欢围棋")
HURRY = Timing(ack=0.5, retries=(0.01, 0.02, 0.03), trigger=0.5)


def told(*texts: str) -> Shown:
    return panel(
        [
            Fact(
                seq=number, label="human", position=number, text=text, origin=Origin(),
                learned_at=AT, confirmed_at=AT, used_at=AT, valid_from=AT,
            )
            for number, text in enumerate(texts, start=12)
        ]
    )  # fmt: skip


def digest(event: Event, *texts: str) -> Post:
    shown = told(*texts)
    return Post(key="digest:99", address=event.address, text=shown.plain(), shown=shown, line=LINE)


@pytest.mark.parametrize("restarted", [False, True])
async def test_on_slack(restarted: bool) -> None:
    async with FakeSlack(timing=HURRY).running() as fake:
        ana, listener = fake.human("Ana"), slack_world.Listener(fake)
        listener.answers = {LINE: told(*TEXTS), "/memory": Shown(text="好的")}
        async with online(fake, listener) as slack:
            await ana.dm("hi")
            [event] = await listener.hears()
            assert await slack.send(digest(event, *TEXTS))
            again = replace(digest(event, *TEXTS), again=True)
            await slack.send(again)
            [shown] = await ana.sees("likes tea")  # one, and not two
            assert "`/memory keep N`" in text_of(shown)
            if not restarted:
                await ana.press(shown, "保留", beside="#12")
                await listener.obeys(2)
        async with online(fake, listener):
            view = await (await ana.press(shown, "更正", beside="#13")).modal()
            assert view["blocks"][0]["element"]["initial_value"] == "喜欢围棋"
            await ana.submit(view, {"text": "喜欢象棋"})
            await fake.until(lambda: "/memory edit 13 喜欢象棋" in listener.lines)
            asked = await (await ana.press(shown, "忘记", beside="#12")).modal()
            await ana.submit(asked, {})
            await fake.until(lambda: "/memory forget 12" in listener.lines)
        assert ("/memory keep 12" in listener.lines) is not restarted


@pytest.mark.parametrize("restarted", [False, True])
async def test_on_discord(restarted: bool) -> None:
    async with FakeDiscord(limits=QUICK, a_second=1000).running() as sim:
        ana, listener = sim.human("Ana"), discord_adapter.Listener(lambda _: None)
        listener.shows[LINE] = told(*TEXTS)
        async with listening(sim, listener) as discord:
            await ana.dm("hi")
            [event] = await sim.until(lambda: listener.events)
            ids = {await discord.send(digest(event, *TEXTS))}
            ids.add(await discord.send(replace(digest(event, *TEXTS), again=True)))
            assert len(ids) == 1
            shown = next(m for m in ana.dms.messages.values() if "喜欢围棋" in m.content)
            if not restarted:
                await ana.click(shown, "① 保留")
                assert listener.lines[-1].line == "/memory keep 12"
        async with listening(sim, listener):
            opened = await ana.click(shown, "② 更正")
            assert opened.form is not None
            assert opened.form["components"][0]["component"]["value"] == "喜欢围棋"
            await ana.submit(opened, {"text": "喜欢象棋"})
            await sim.until(lambda: listener.lines[-1].line == "/memory edit 13 喜欢象棋")
        assert listener.lines[-1].room_kind == "dm"


async def test_more_than_discord_has_room_for_is_chosen_from_a_menu() -> None:
    texts = [f"likes thing {number}" for number in range(40)]
    async with FakeDiscord(limits=QUICK, a_second=1000).running() as sim:
        ana, listener = sim.human("Ana"), discord_adapter.Listener(lambda _: None)
        listener.shows[LINE] = told(*texts)
        async with listening(sim, listener) as discord:
            await ana.dm("hi")
            [event] = await sim.until(lambda: listener.events)
            await discord.send(digest(event, *texts))
            shown = [m for m in ana.dms.messages.values() if m.components][-1]
            [menu] = shown.components[1]["components"]
            chosen = await ana.click(shown, menu["custom_id"], "#45 · likes thing 33")
            await ana.click(chosen.messages[-1], "Keep")
    assert [invocation.line for invocation in listener.lines] == [LINE, "/memory keep 45"]
