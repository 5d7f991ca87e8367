"""Private threads on Discord: each a room of its own, since its channel's people cannot read it."""

import pytest

from adapters.base import Address, Event
from bot.testing.discord import FakeDiscord, Message
from tests.edge.discord_adapter import HISTORY, TYPING, Listener, listening


def called(event: Event) -> str | None:
    return f"echo {event.text}" if event.mentioned else None


def echoes(sim: FakeDiscord) -> list[Message]:
    return [m for m in sim.messages() if m.author is sim.bot and m.content.startswith("echo")]


def room(sim: FakeDiscord, id_: str, thread: str | None = None) -> Address:
    return Address(platform="discord", space=sim.guild.id, channel=id_, thread=thread)


@pytest.mark.parametrize("text", ["psst", "这是秘密"])
async def test_what_is_said_there_stays_there(sim: FakeDiscord, text: str) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener) as discord:
        hidden = await ana.thread(sim.general, "secret", private=True)
        said = await ana.say(sim.general, f"<@bot> {text}", thread=hidden)
        answer = await ana.sees(f"echo {text}")
        await ana.edit(said, "<@bot> less")
        await ana.delete(said)
        await sim.until(lambda: len(listener.changes) == 2)
        await ana.say(sim.general, "!memory show", thread=hidden)
        await sim.until(lambda: listener.lines)
        await ana.command("memory", "show", where=hidden)
        await ana.say(sim.general, f"<@bot> {text}")
        await sim.until(lambda: len(echoes(sim)) == 2)
    event, open_one = listener.events
    assert answer.channel is hidden
    assert event.address == room(sim, hidden.id)
    assert (event.room_kind, event.room_name) == ("private", "secret")
    for change in listener.changes:
        assert (change.address, change.room_kind) == (event.address, "private")
    for line in listener.lines:
        assert (line.address, line.room_kind) == (event.address, "private")
    assert (len(listener.changes), len(listener.lines)) == (2, 2)
    assert (open_one.address, open_one.room_kind) == (room(sim, sim.general.id), "public")
    assert discord.link(event.address, event.id).endswith(f"/{sim.guild.id}/{hidden.id}/{said.id}")
    assert {request.path.split("/")[2] for request in sim.requested(TYPING)} == {
        hidden.id, sim.general.id,
    }  # fmt: skip


async def test_other_threads_are_parts_of_their_channel(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    den = sim.channel("den", only=[ana])
    async with listening(sim, listener):
        for place in (sim.general, den):
            thread = await ana.thread(place, "trip")
            await ana.say(place, "<@bot> where?", thread=thread)
            await sim.until(lambda: listener.events)
            event = listener.events.pop()
            assert event.address == room(sim, place.id, thread.id)
            assert event.room_kind == ("public" if place is sim.general else "private")


async def test_what_was_missed_there_is_caught_up_with_there(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        hidden = await ana.thread(sim.general, "secret", private=True)
        await ana.say(sim.general, "<@bot> one", thread=hidden)
        await ana.sees("echo one")
        await ana.say(sim.general, "<@bot> open one")
        await ana.sees("echo open one")
    await ana.say(sim.general, "<@bot> 离线", thread=hidden)
    await ana.say(sim.general, "<@bot> offline")
    read = len(sim.requested(HISTORY))
    async with listening(sim, listener):
        await sim.until(lambda: len(echoes(sim)) == 4)
    asked = [request.path.split("/")[2] for request in sim.requested(HISTORY)[read:]]
    assert {answer.content: answer.channel for answer in echoes(sim)} == {
        "echo one": hidden,
        "echo open one": sim.general,
        "echo 离线": hidden,
        "echo offline": sim.general,
    }
    assert {event.text: event.address for event in listener.events} == {
        "one": room(sim, hidden.id),
        "open one": room(sim, sim.general.id),
        "离线": room(sim, hidden.id),
        "offline": room(sim, sim.general.id),
    }
    assert len(listener.events) == 4
    assert sorted(asked) == sorted([hidden.id, sim.general.id])  # each once
