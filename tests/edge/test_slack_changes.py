"""Edits, deletions, links and status of the real Slack adapter, against the fake."""

import pytest

from adapters.base import Changed
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import Listener, adapter, online, reply

# ---- edits and deletions


async def changes(fake: FakeSlack, listener: Listener, count: int) -> list[Changed]:
    await fake.until(lambda: len(listener.changes) >= count)
    await fake.settled()
    return listener.changes


@pytest.mark.parametrize("http", [False, True])
async def test_an_edit(fake: FakeSlack, listener: Listener, http: bool) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=http):
        said = await ana.say("#general", "I live in <#random>")
        await ana.edit(said, "<@bot> I live in <#general> & 上海 with <@Ana>")
        dm = await ana.dm("once")
        await ana.edit(dm, "twice 两次")
        second, first = sorted(
            await changes(fake, listener, 2), key=lambda changed: changed.room_kind
        )
        events = {event.id: event for event in listener.events}
    assert (first.text, first.user, first.room_kind) == (
        "I live in #general & 上海 with @Ana",
        ana.id,
        "public",
    )
    assert (second.text, second.room_kind, second.realm) == ("twice 两次", "dm", None)
    for changed in (first, second):
        assert changed.address == events[changed.event].address
        assert changed.at > events[changed.event].at
    assert len(listener.events) == 2


async def test_a_deletion(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await ana.say("#general", "a thread")
        answer = await bo.say("#general", "an answer", thread=root)
        root_id = f"{root['channel']}:{root['ts']}"
        await bo.delete(answer)
        await bo.say("#general", "another", thread=root)
        await ana.delete(root)  # leaves a tombstone
        gone, tombstone = await changes(fake, listener, 2)
    assert (gone.text, gone.user, gone.address.thread) == (None, bo.id, root["ts"])
    assert (tombstone.event, tombstone.text, tombstone.user) == (root_id, None, ana.id)
    assert tombstone.address.thread == root["ts"]


async def test_changes_that_nobody_made(fake: FakeSlack, listener: Listener) -> None:
    ana, other = fake.human("Ana"), fake.other_bot("Other")
    async with online(fake, listener) as slack:
        said = await ana.say("#general", "<@bot> see https://example.com")
        [event] = await listener.hears()
        fake.unfurl(said, "Example")
        await slack.send(reply(event, "seen"))
        [sent] = await ana.sees("seen")
        await slack._client.chat_update(channel=sent["channel"], ts=sent["ts"], text="edited")
        await slack._client.chat_delete(channel=sent["channel"], ts=sent["ts"])
        noise = await other.say("#general", "beep")
        await other.edit(noise, "boop")
        await other.delete(noise)
        await ana.edit(said, "real")
        [real] = await changes(fake, listener, 1)
    assert real.text == "real"
    assert len(listener.events) == 1


async def test_whose_it_was_is_not_always_told(fake: FakeSlack, listener: Listener) -> None:
    channel = fake.channel("general").id
    async with online(fake, listener):
        told = {"channel": channel, "channel_type": "channel", "ts": "9.1", "event_ts": "9.1"}
        gone = {"type": "message", "subtype": "message_deleted", "deleted_ts": "8.1"}
        fake.send_event({**gone, **told})
        [changed] = await changes(fake, listener, 1)
    assert (changed.event, changed.user, changed.text) == (f"{channel}:8.1", "", None)


async def test_a_change_is_stored_before_it_is_acknowledged(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        said = await ana.dm("before")
        await listener.hears()
        await fake.settled()
        listener.faults = [OSError("full"), OSError("full")]
        await ana.edit(said, "after 之后")
        await changes(fake, listener, 1)
    assert fake.deliveries[-1].attempts == 3
    assert [changed.text for changed in listener.changes] == ["after 之后"]


async def test_edits_that_were_missed(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        old = await ana.dm("old")
        live = await ana.dm("live")
        await ana.edit(live, "heard")
        await changes(fake, listener, 1)
    fake.app.events.clear()
    await ana.edit(old, "edited meanwhile 期间修改")
    await ana.dm("new")
    async with online(fake, listener):
        await listener.hears(3)
        await fake.until(lambda: len(listener.changes) >= 2)
        fake.drop_sockets()
        await fake.until(lambda: fake.sockets.opened == 3)
        await ana.dm("newer")
        await listener.hears(4)
    assert (f"{old['channel']}:{old['ts']}", "edited meanwhile 期间修改") in [
        (changed.event, changed.text) for changed in listener.changes
    ]
    assert len(listener.changes) <= 3  # what was heard in an earlier life may come once more
    assert listener.texts == ["old", "live", "new", "newer"]


# ---- where a message can be read


async def test_links(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        root = await ana.say("#general", "hi")
        answer = await ana.say("#general", "again", thread=root)
        first, second = await listener.hears(2)
        links = [slack.link(event.address, event.id) for event in (first, second)]
    channel = root["channel"]
    page = f"https://fake.slack.com/archives/{channel}/p"
    assert links[0] == page + root["ts"].replace(".", "")
    thread = f"?thread_ts={root['ts']}&cid={channel}"
    assert links[1] == page + answer["ts"].replace(".", "") + thread
    assert adapter(fake).link(first.address, first.id) == ""


# ---- at work


async def test_eyes_where_there_is_no_status(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        fake.app.agent_view = False
        fake.app.scopes -= {"assistant:write"}
        said = await ana.say("#general", "<@bot> think")
        dm = await ana.dm("想一想")
        events = await listener.hears(2)
        for row, event in zip((said, dm), events, strict=True):
            await slack.working(event.address, begun=True)
            assert [one["name"] for one in row["reactions"]] == ["eyes"]
            await slack.working(event.address, begun=True)  # it is there already
            await slack.working(event.address, begun=False)
            assert row["reactions"] == []
            await slack.working(event.address, begun=False)
        await ana.react(said, "tada")
        await ana.unreact(said, "tada")
        await fake.settled()
    assert len(fake.calls("assistant.threads.setStatus")) == 0


async def test_a_place_without_a_status_has_eyes_and_others_have_the_status(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        said = await ana.say("#general", "<@bot> think")
        dm = await ana.dm("想一想")
        first, second = await listener.hears(2)
        fake.fail("agents.sessions.setStatus", error="invalid_channel_type")
        fake.fail("assistant.threads.setStatus", error="invalid_channel_type")
        await slack.working(first.address, begun=True)
        await slack.working(second.address, begun=True)
        assert [one["name"] for one in said["reactions"]] == ["eyes"]
        assert fake.status(dm) == {"status": "processing", "title": "想一想"}
        await slack.working(first.address, begun=False)
        await slack.working(second.address, begun=False)
    assert said["reactions"] == []
    assert fake.status(dm)["status"] == "active"


async def test_a_thread_of_an_older_app_is_called_by_its_first_words(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        fake.app.agent_view = False
        root = await ana.open_assistant()
        said = await ana.say("#general", "<@bot> no title in rooms")
        for number, text in enumerate(("茶 please, and a cake", "and milk 牛奶"), 1):
            await ana.dm(text, thread=root)
            *_, event = await listener.hears(number + 1)
            await slack.working(event.address, begun=True)
            await slack.working(event.address, begun=False)
        in_room = next(event for event in listener.events if event.room_kind == "public")
        await slack.working(in_room.address, begun=True)
        fake.fail("assistant.threads.setTitle", error="unknown_method")
        other = await ana.dm("a title that is refused")
        *_, event = await listener.hears(4)
        await slack.working(event.address, begun=True)
    assert fake.status(root)["title"] == "茶 please, and a cake"
    assert "title" not in fake.status(said)
    assert fake.status(other)["text"] == fake.status(said)["text"] == "is thinking…"
    assert not any("reactions" in row for row in (said, other))
