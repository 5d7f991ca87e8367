"""Commands on Discord: registered once, acknowledged at once, and seen by one person."""

from collections.abc import AsyncIterator

import pytest

from adapters.base import Event, Shown
from bot.testing.discord import FakeDiscord, Request
from tests.edge.discord_adapter import QUICK, Listener, listening


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=QUICK, a_second=1000).running() as fake:
        yield fake


def called(event: Event) -> str | None:
    return f"echo {event.text}" if event.mentioned or event.room_kind == "dm" else None


async def ready(sim: FakeDiscord) -> None:
    await sim.until(lambda: len(sim.commands) == 2)


async def test_commands_are_registered_once(sim: FakeDiscord) -> None:
    put = "PUT /applications/{}/commands"
    for times in (1, 2):
        async with listening(sim, Listener()):
            await sim.until(lambda: len(_answered(sim)) == times)  # noqa: B023 (waited for here)
            await ready(sim)
            await sim.human("Ana").dm("hi")
            await sim.human("Ana").sees(1)
    assert len(sim.requested(put)) == 1
    assert {command["name"] for command in sim.commands} == {"memory", "help"}
    for command in sim.commands:
        assert (sorted(command["integration_types"]), sorted(command["contexts"])) == (
            [0, 1],
            [0, 1, 2],
        )
    sim.commands[0]["description"] = "old"
    async with listening(sim, Listener()):
        await sim.until(lambda: len(sim.requested(put)) == 2)


def _answered(sim: FakeDiscord) -> list[Request]:
    return [r for r in sim.requested("GET /applications/{}/commands") if r.status == 200]


@pytest.mark.parametrize("place", ["dm", "room", "thread"])
async def test_a_command_is_for_one_persons_eyes(sim: FakeDiscord, place: str) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener()
    where = {"dm": ana.dms, "room": sim.general}.get(place)
    async with listening(sim, listener):
        await ready(sim)
        where = where or await ana.thread(sim.general, "trip")
        shown = await ana.command("memory", what="search 茶", where=where)
    assert (shown.text, shown.ephemeral) == ("I remember tea.", True)
    assert shown.acknowledged_after is not None
    assert ben.seen == ()
    [invocation] = listener.lines
    assert (invocation.line, invocation.user, invocation.name) == (
        "/memory search 茶",
        ana.id,
        "Ana",
    )
    expected = {
        "dm": ("dm", ana.dms.id, None),
        "room": (sim.guild.id, sim.general.id, None),
        "thread": (sim.guild.id, sim.general.id, where.id),
    }[place]
    address = invocation.address
    assert (address.space, address.channel, address.thread) == expected
    assert invocation.room_kind == ("dm" if place == "dm" else "public")
    assert listener.events == []


async def test_where_the_bot_is_no_member_a_command_is_about_the_person(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    away = sim.add_guild("Away")
    hall = sim.channel("hall", guild=away)
    async with listening(sim, listener):
        await ready(sim)
        sim.leave(away)
        await ana.command("memory", what="show", where=hall)
        await ana.command("memory", what="show", where=sim.between(ana, sim.human("Ben")))
    assert [(i.room_kind, i.address.space) for i in listener.lines] == [("dm", "dm")] * 2


async def test_memory_alone_shows_and_help_helps(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ready(sim)
        await ana.command("memory")
        await ana.command("help")
    assert [invocation.line for invocation in listener.lines] == ["/memory show", "/help"]


async def test_a_long_answer_and_a_document_go_along(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    listener.shown = Shown(
        text="记住 @everyone。\n" * 500, file_name="memory.json", file_text='{"茶": 1}'
    )
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", what="export", where=sim.general)
        await sim.until(lambda: shown.text.count("记住") == 500)
    assert shown.ephemeral
    assert len(shown.messages) > 2
    for request in sim.requested("POST /webhooks/{}/{}"):
        assert isinstance(request.body, dict)
        assert request.body["allowed_mentions"]["parse"] == []
    files = [file for message in shown.messages for file in message.attachments]
    assert [(file.name, file.data.decode()) for file in files] == [("memory.json", '{"茶": 1}')]


async def test_a_command_that_came_too_late_has_no_effect() -> None:
    listener = Listener()
    async with FakeDiscord(ack_within=0.3).running() as sim, listening(sim, listener):
        await ready(sim)
        sim.fail("POST /interactions/{}/{}/callback", code=10062)
        shown = await sim.human("Ana").command("memory", what="clear human")
        assert shown.failed
        await sim.human("Ana").command("memory", what="show")
    assert [invocation.line for invocation in listener.lines] == ["/memory show"]


async def test_a_typed_command_is_answered_where_only_the_asker_reads(sim: FakeDiscord) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener(called)
    async with listening(sim, listener):
        await ana.dm("!memory show")
        [direct] = await ana.sees(1)
        await ana.say(sim.general, "！记忆")
        [private] = await ana.sees(1)
        await ana.say(sim.general, "<@bot> !help")
        [helped] = await ana.sees(1)
        await ana.say(sim.general, "!help")  # for another bot
        await sim.until(lambda: "!help" in listener.texts)
    assert {m.channel.id for m in (direct, private, helped)} == {ana.dms.id}
    assert direct.content == "I remember tea."
    assert ben.seen == ()
    assert [i.line for i in listener.lines] == ["!memory show", "！记忆", "!help"]
    assert [i.room_kind for i in listener.lines] == ["dm", "public", "public"]
    assert listener.texts == ["!help"]


async def test_who_takes_no_dms_is_told_of_the_other_way(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    ana.user.closed = True
    async with listening(sim, listener):
        await ana.say(sim.general, "!memory show")
        [told] = await ana.sees(1)
    assert told.channel is sim.general
    assert "Use /memory" in told.content
    assert "tea" not in told.content
