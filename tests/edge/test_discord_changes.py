"""What becomes of messages on Discord: edited, deleted, waited for; their files; long answers."""

import asyncio

import pytest

from adapters.base import Address, Attachment, Changed, Event, FetchFailed
from adapters.discord import Discord, sentences
from bot.testing.discord import FakeDiscord, Message, Permission
from tests.edge.discord_adapter import SEND, Listener, adapter, listening, post, silent

REACT = "PUT /channels/{}/messages/{}/reactions/{}/@me"
EYES = "👀"


def told(changes: list[Changed]) -> list[tuple[str, str, str | None]]:
    return [(change.event, change.user, change.text) for change in changes]


# ---- edits and deletions


@pytest.mark.parametrize("place", ["dm", "room", "thread"])
async def test_edits_and_deletions_are_told_in_order(sim: FakeDiscord, place: str) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener):
        where = ana.dms if place == "dm" else sim.general
        where = await ana.thread(where, "trip") if place == "thread" else where
        said = await ana.say(where, "I like tea")
        await ana.edit(said, "<@bot> 我喜欢咖啡 <@Ana>")
        await ana.delete(said)
        await sim.until(lambda: len(listener.changes) == 2)
    assert told(listener.changes) == [
        (said.id, ana.id, "我喜欢咖啡 @Ana"),
        (said.id, "", None),
    ]
    [event] = listener.events
    for change in listener.changes:
        assert (change.address, change.room_kind) == (event.address, event.room_kind)
        assert change.realm == event.realm == "dm"
        assert change.at >= event.at


async def test_several_that_are_deleted_at_once(sim: FakeDiscord) -> None:
    ana, chief, listener = sim.human("Ana"), sim.human("Chief", admin=True), Listener(silent)
    async with listening(sim, listener):
        said = [await ana.say(sim.general, f"n{number}") for number in range(3)]
        await chief.delete(*reversed(said))
        await sim.until(lambda: len(listener.changes) == 3)
    assert told(listener.changes) == [(message.id, "", None) for message in said]
    assert {change.address for change in listener.changes} == {
        Address(platform="discord", space=sim.guild.id, channel=sim.general.id)
    }


async def test_what_is_no_edit_of_a_person_is_not_told(sim: FakeDiscord) -> None:
    ana, bleep, listener = sim.human("Ana"), sim.human("Bleep", bot=True), Listener(silent)
    async with listening(sim, listener):
        said = await ana.say(sim.general, "see https://example.org")
        sim.unfurl(said, {"type": "link", "title": "Example"})
        machine = await bleep.say(sim.general, "beep")
        await bleep.edit(machine, "boop")
        await ana.react(said, "🎉")
        await ana.unreact(said, "🎉")
        await ana.edit(said, "last")
        await sim.until(lambda: listener.changes)
    assert told(listener.changes) == [(said.id, ana.id, "last")]


async def test_a_deletion_comes_behind_what_it_deletes(sim: FakeDiscord) -> None:
    order: list[str] = []

    class Slow(Listener):
        async def deliver(self, event: Event) -> bool:
            await let_go.wait()
            order.append(event.text)
            return await super().deliver(event)

        async def changed(self, changed: Changed) -> bool:
            order.append("deleted")
            return await super().changed(changed)

    let_go = asyncio.Event()
    ana, listener = sim.human("Ana"), Slow(silent)
    async with listening(sim, listener):
        await ana.delete(await ana.say(sim.general, "秘密"))
        await ana.dm("meanwhile")
        let_go.set()
        await sim.until(lambda: len(order) == 3)
    assert order.index("秘密") < order.index("deleted")


async def test_a_deletion_that_cannot_be_stored_is_told_again(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener):
        said = await ana.dm("tea")
        await sim.until(lambda: listener.events)
        listener.failures = [OSError("no space left on device")]
        await ana.delete(said)
        await sim.until(lambda: listener.changes)
    assert told(listener.changes) == [(said.id, "", None)]


async def test_a_deletion_in_a_thread_of_which_discord_did_not_tell(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    discord = adapter(sim)
    async with discord.client(listener) as client:
        await client.login(sim.token)
        connection = client.loop.create_task(client.connect())
        await sim.until(lambda: sim.connected)
        thread = await ana.thread(sim.general, "trip")
        said = [await ana.say(thread, text) for text in ("one", "two")]
        await sim.until(lambda: len(listener.events) == 2)
        client.guilds[0]._threads.clear()
        await ana.delete(said[0])
        await sim.until(lambda: listener.changes)
        sim.fail("GET /channels/{}", code=10003)
        await ana.delete(said[1])
        await sim.until(lambda: len(listener.changes) == 2)
        await client.close()
        await connection
    first, second = listener.changes
    assert (first.address.thread, first.room_kind) == (thread.id, "public")
    assert (second.address.channel, second.address.thread) == (thread.id, None)
    assert second.event == said[1].id


# ---- files


async def test_files_are_events_and_can_be_fetched(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        await ana.upload(ana.dms, "清单.txt", "茶\n".encode())
        await ana.upload(sim.general, "cat.png", b"\x89PNG" * 1000, "<@bot> look")
        await sim.until(lambda: len(listener.events) == 2)
        notes, cat = sorted(listener.events, key=lambda event: event.text)
        assert (notes.text, cat.text) == ("", "look")
        [file], [picture] = notes.files, cat.files
        assert (file.name, file.kind, file.size) == ("清单.txt", "text/plain", 4)
        assert (picture.name, picture.kind, picture.size) == ("cat.png", "image/png", 4000)
        assert await discord.fetch(file, 4) == "茶\n".encode()
        with pytest.raises(FetchFailed, match="larger than 3,999 bytes"):
            await discord.fetch(picture, 3999)
        lying = Attachment(name="cat.png", kind="", size=0, ref=picture.ref)
        with pytest.raises(FetchFailed, match="larger than 3,999 bytes"):
            await discord.fetch(lying, 3999)
        gone = Attachment(name="a", kind="", size=1, ref=file.ref.replace("attachments/", "gone/"))
        with pytest.raises(FetchFailed, match="posted again"):
            await discord.fetch(gone, 10)
        async with sim.away():
            with pytest.raises(FetchFailed, match="Try again later"):
                await discord.fetch(file, 10)


@pytest.mark.parametrize(
    "ref",
    [
        "https://evil.example/attachments/1/2/a.txt",
        "http://cdn.discordapp.com/attachments/1/2/a.txt",
        "https://cdn.discordapp.com.evil.example/a.txt",
        "https://cdn.discordapp.com@evil.example/a.txt",
        "https://cdn.discordapp.com:8443/a.txt",
        "file:///etc/passwd",
        "/etc/passwd",
        "",
    ],
)
async def test_files_are_fetched_from_discord_only(sim: FakeDiscord, ref: str) -> None:
    with pytest.raises(FetchFailed, match="does not lie at Discord"):
        await adapter(sim).fetch(Attachment(name="a", kind="", size=1, ref=ref), 10)


async def test_without_a_simulator_this_machine_is_no_place_for_files(sim: FakeDiscord) -> None:
    url = f"{sim.api_url.removesuffix('/api/v10')}/attachments/1/2/a.txt"
    with pytest.raises(FetchFailed, match="does not lie at Discord"):
        await Discord("token").fetch(Attachment(name="a", kind="", size=1, ref=url), 10)


async def test_messages_have_links(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    async with listening(sim, listener) as discord:
        said = await ana.say(sim.general, "here")
        await sim.until(lambda: listener.events)
        [event] = listener.events
        link = discord.link(event.address, event.id)
    assert link == f"https://discord.com/channels/{sim.guild.id}/{sim.general.id}/{said.id}"


# ---- while an answer is being made


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.discord.waiting.LONG", 0.03)


async def _asked(sim: FakeDiscord, listener: Listener, place: str) -> tuple[Message, Event]:
    ana = sim.human("Ana")
    if place == "thread":
        thread = await ana.thread(sim.general, "trip")
        said = await ana.say(thread, "<@bot> 怎么走?")
    else:
        said = await ana.say(ana.dms if place == "dm" else sim.general, "<@bot> 怎么走?")
    await sim.until(lambda: listener.events)
    return said, listener.events[-1]


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("place", ["dm", "room", "thread", "own thread"])
async def test_who_waits_long_sees_that_the_message_was_taken(sim: FakeDiscord, place: str) -> None:
    listener = Listener(silent)
    made = adapter(sim, auto_thread=place == "own thread")
    async with listening(sim, listener, made=made) as discord:
        said, event = await _asked(sim, listener, place)
        await discord.working(event.address, begun=True)
        await sim.until(lambda: said.reactions.get(EYES) == [sim.bot])
        await discord.working(event.address, begun=False)
        await sim.until(lambda: not said.reactions)
    assert len(sim.requested(REACT)) == 1


async def test_a_quick_answer_leaves_no_mark(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ana.dm("hi")
        await ana.sees(1)
    assert sim.requested(REACT) == []


@pytest.mark.usefixtures("_quick")
async def test_where_it_may_not_react_it_does_not_mind(
    sim: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    sim.deny(sim.general, Permission.ADD_REACTIONS)
    listener = Listener(silent)
    async with listening(sim, listener) as discord:
        said, event = await _asked(sim, listener, "room")
        await discord.working(event.address, begun=True)
        await sim.until(lambda: [request.status for request in sim.requested(REACT)] == [403])
        await discord.working(event.address, begun=False)
        await discord.send(post(event, "左转"))
        await sim.human("Ana").sees("左转")
    assert said.reactions == {}
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("_quick")
async def test_no_mark_outlives_the_program(sim: FakeDiscord) -> None:
    listener = Listener(silent)
    async with listening(sim, listener) as discord:
        said, event = await _asked(sim, listener, "room")
        await discord.working(event.address, begun=True)
        await sim.until(lambda: said.reactions)
    assert said.reactions == {}


# ---- long answers


@pytest.mark.parametrize("sentence", ["A sentence that goes on. ", "很长的一句话，说个没完。"])
async def test_an_endless_answer_is_a_beginning_and_a_file(sim: FakeDiscord, sentence: str) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    code = "print(1)\n" * 300
    text = f"```python\n{code}```\n{sentence * 1000}end"
    async with listening(sim, listener) as discord:
        question = await ana.say(sim.general, "<@bot> go")
        await sim.until(lambda: listener.events)
        ids = {await discord.send(post(listener.events[0], text)) for _ in range(2)}
        [answer] = await ana.sees(1)
    [file] = answer.attachments
    assert ids == {answer.id}
    assert answer.reply_to == question.id
    assert answer.content.endswith(sentences.WHOLE_IN_FILE)
    assert answer.content.count("```") == 2
    assert (file.name, file.data.decode()) == ("answer.md", text)
    assert len([m for m in sim.messages(sim.general) if m.author is sim.bot]) == 1


async def test_where_files_are_not_allowed_all_of_it_is_said(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(silent)
    sim.deny(sim.general, Permission.ATTACH_FILES)
    async with listening(sim, listener) as discord:
        await ana.say(sim.general, "<@bot> go")
        await sim.until(lambda: listener.events)
        for _ in range(2):
            await discord.send(post(listener.events[0], "字" * 11_000))
        answers = await ana.sees(6)
    assert sum(message.content.count("字") for message in answers) == 11_000
    assert len([m for m in sim.messages(sim.general) if m.author is sim.bot]) == 6
    assert {request.status for request in sim.requested(SEND)} == {200, 403}
