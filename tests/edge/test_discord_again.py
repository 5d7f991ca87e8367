"""A reply on Discord that may have gone out before a kill: it is looked for, not repeated.

The fake forgets a nonce at once here, as Discord does after some minutes.
"""

from dataclasses import replace

import pytest

from adapters.base import Post
from bot.testing.discord import Channel, FakeDiscord, Permission
from tests.edge.discord_adapter import SEND, Listener, listening, post, silent

LONG = {"en": "a few words " * 350, "zh": "一句话。" * 1000}


@pytest.fixture(autouse=True)
def _forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.testing.discord.posts.NONCE_SECONDS", -1)


def mine(sim: FakeDiscord, where: Channel) -> list[str]:
    return [m.content for m in sim.messages(where) if m.author is sim.bot]


def again(reply: Post) -> Post:
    return replace(reply, again=True)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("place", ["dm", "room", "thread", "hidden"])
async def test_each_part_is_posted_once(sim: FakeDiscord, place: str, language: str) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        where = ana.dms if place == "dm" else sim.general
        if place in ("thread", "hidden"):
            where = await ana.thread(where, "trip", private=place == "hidden")
        await ana.say(where, "<@bot> q")
        [event] = await sim.until(lambda: listener.events)
        reply = post(event, LONG[language])
        first = await discord.send(reply)
        parts = mine(sim, where)
        assert await discord.send(again(reply)) == first
        assert mine(sim, where) == parts
        gone = next(m for m in sim.messages(where) if m.content == parts[-1])
        del where.messages[gone.id]  # as if only the first parts had gone out
        await discord.send(again(reply))
        assert mine(sim, where) == parts
        await discord.send(reply)
        assert len(mine(sim, where)) == 2 * len(parts) > 2


async def test_parts_of_the_same_words_are_counted(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        await ana.dm("q")
        [event] = await sim.until(lambda: listener.events)
        reply = post(event, "\n\n".join(["x" * 1990] * 3))
        await discord.send(reply)
        del ana.dms.messages[next(reversed(ana.dms.messages))]
        await discord.send(again(reply))
    assert mine(sim, ana.dms) == ["x" * 1990] * 3


async def test_a_long_one_with_its_file_is_posted_once(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        await ana.dm("q")
        [event] = await sim.until(lambda: listener.events)
        reply = post(event, "words " * 3000)
        ids = {await discord.send(one) for one in (reply, again(reply), again(reply))}
    assert len(ids) == len(mine(sim, ana.dms)) == 1


async def test_the_same_words_to_another_question_or_of_another_are_not_it(
    sim: FakeDiscord,
) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        for text in ("one", "two"):
            await ana.say(sim.general, f"<@bot> {text}")
        await ana.say(sim.general, "好的")
        one, two, _ = await sim.until(lambda: listener.events[2:] and listener.events)
        await discord.send(post(two, "好的"))
        await discord.send(again(post(one, "好的")))
    assert mine(sim, sim.general) == ["好的", "好的"]


async def test_where_it_cannot_look_it_sends(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        await ana.say(sim.general, "<@bot> q")
        [event] = await sim.until(lambda: listener.events)
        sim.fail("GET /channels/{}/messages", code=50001, status=403)
        await discord.send(again(post(event, "rather twice than never")))
        sim.deny(sim.general, Permission.READ_MESSAGE_HISTORY)
        await discord.send(again(post(event, "rather twice than never")))
    assert len(sim.requested(SEND)) == len(mine(sim, sim.general)) == 2


async def test_two_replies_of_the_same_words_are_two(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        await ana.dm("q")
        [event] = await sim.until(lambda: listener.events)
        one = again(post(event, "好的"))
        await discord.send(one)
        await discord.send(replace(one, key=f"{one.key} and another"))
    assert mine(sim, ana.dms) == ["好的", "好的"]
