"""What was said while the real Slack adapter was away, and what comes by HTTP."""

import pytest

from adapters.base import Unusable
from adapters.slack import Slack, manifest
from bot.testing.slack import FakeSlack, Human
from tests.edge.slack_world import Listener, online, reply

# ---- what was missed ---------------------------------------------------------------------------


async def unheard(fake: FakeSlack, listener: Listener, person: Human) -> None:
    """From now on nobody is told of anything; what the person says here was heard before."""
    fake.app.events.clear()
    said = await person.dm("before")
    listener.marks[said["channel"]] = f"{said['channel']}:{said['ts']}"


async def test_what_was_said_while_the_bot_was_off(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await ana.say("#general", "<@bot> before")
        await ana.dm("before")
        await listener.hears(2)
        await fake.settled()
    fake.app.events.clear()  # nobody is told
    await ana.dm("missed 错过")
    await bo.dm("a new conversation")
    await bo.say("#general", "<@bot> missed in a room")
    await bo.say("#general", "in a thread", thread=root)
    await ana.dm("!memory undo")
    fake.other_bot("Other")
    async with online(fake, listener):
        await listener.hears(6)
        await ana.dm("and after")
        await listener.hears(7)
    assert sorted(listener.texts[2:6]) == [
        "a new conversation",
        "in a thread",
        "missed in a room",
        "missed 错过",
    ]
    assert listener.texts[6] == "and after"
    thread = next(event for event in listener.events if event.text == "in a thread")
    assert (thread.address.thread, thread.room_kind) == (root["ts"], "public")
    room = next(event for event in listener.events if event.text == "missed in a room")
    assert room.mentioned
    assert listener.invocations == []  # an old command may have been obeyed


async def test_threads_that_are_old_and_many(fake: FakeSlack, listener: Listener) -> None:
    """A thread is found though it began days ago; one that began weeks ago is not."""
    ana = fake.human("Ana")
    roots = [await ana.say("#general", f"root {number}") for number in range(32)]
    rows = fake.workspace.messages[roots[0]["channel"]]
    rows.clear()
    for root, days in zip(roots, [9, 6, *[3] * 30], strict=True):
        root["ts"] = f"{float(root['ts']) - days * 86400:.6f}"
        rows[root["ts"]] = root
    await unheard(fake, listener, ana)
    last = await ana.say("#general", "before")
    listener.marks[last["channel"]] = f"{last['channel']}:{last['ts']}"
    for number, root in enumerate(roots):
        await ana.say("#general", f"answer {number}", thread=root)
    async with online(fake, listener):
        await listener.hears(31)
        await ana.dm("after")
        await listener.hears(32)
    assert listener.texts[:31] == [f"answer {number}" for number in range(1, 32)]


async def test_what_was_missed_comes_before_what_is_new(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    await unheard(fake, listener, ana)
    for number in range(250):
        await ana.dm(f"{number}")
    async with online(fake, listener):
        await ana.dm("new")
        await listener.hears(200)
        await fake.settled()
    assert listener.texts[-1] == "new"
    old = listener.texts[:-1]
    assert old in ([f"{number}" for number in range(first, 250)] for first in (50, 51))


async def test_a_new_message_does_not_hide_what_was_missed_elsewhere(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        await ana.dm("before")
        await listener.hears()
        fake.app.events.clear()
        await bo.dm("missed")  # in a conversation that the bot has never heard of
        fake.install(manifest())
        fake.fail("users.conversations", status=502)  # so that it is told of it late
        fake.drop_sockets()
        await ana.dm("new")
        await listener.hears(3)
    assert listener.texts == ["before", "new", "missed"]


async def test_a_fresh_installation_reads_nothing_old(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    fake.app.events.clear()
    await ana.dm("from before the bot")
    async with online(fake, listener):
        await ana.dm("hello")
        await listener.hears()
        await fake.settled()
    assert listener.texts == ["hello"]
    assert fake.calls("conversations.history") == []


async def test_a_history_that_fails_is_asked_for_again(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    await unheard(fake, listener, ana)
    await ana.dm("missed")
    fake.fail("conversations.history", status=502, times=2)
    listener.faults = [OSError("full")]
    async with online(fake, listener):
        await listener.hears()
    assert listener.texts == ["missed"]


async def test_a_history_that_may_not_be_read(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    await unheard(fake, listener, ana)
    async with online(fake, listener):
        fake.app.scopes -= {"channels:history", "mpim:read", "channels:read"}
        fake.drop_sockets()
        await fake.until(lambda: fake.sockets.opened == 2)
        await ana.dm("still here")
        await listener.hears()
    assert listener.texts == ["still here"]


# ---- by HTTP -----------------------------------------------------------------------------------


async def test_http(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=True) as slack:  # it echoed the challenge
        listener.faults = [OSError("full")]
        said = await ana.say("#general", "<@bot> 你好")
        [event] = await listener.hears()
        await fake.settled()
        await slack.send(reply(event, "hello"))
        await ana.sees("hello", thread=said)
        seen = await ana.command("/memory", "show")
        await seen.sees()
        answer = await fake.knock(
            f"http://127.0.0.1:{slack.port}/slack/events", {"type": "block_actions"},
            kind="interactive",
        )  # fmt: skip
    assert listener.texts == ["你好"]
    assert "Known" in seen.text
    assert answer == (200, "")


async def test_http_missed(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    await unheard(fake, listener, ana)
    await ana.dm("missed")
    async with online(fake, listener, http=True):
        await listener.hears()
    assert listener.texts == ["missed"]


async def test_signatures_are_checked(fake: FakeSlack, listener: Listener) -> None:
    event = {"type": "message", "channel": "D1", "user": "U1", "ts": "1.1", "channel_type": "im"}
    body = {"type": "event_callback", "event": {**event, "text": "forged"}, "event_id": "Ev1"}
    async with online(fake, listener, http=True) as slack:
        url = f"http://127.0.0.1:{slack.port}/slack/events"
        wrong, _ = await fake.knock(url, body, secret="somebody else's")
        old, _ = await fake.knock(url, body, age=400)
        command, _ = await fake.knock(
            url, {"command": "/memory", "text": "clear"}, kind="slash_commands", secret="no"
        )
        right, _ = await fake.knock(url, body)
    assert (wrong, old, command, right) == (401, 401, 401, 200)
    assert listener.texts == ["forged"]
    assert listener.invocations == []


async def test_a_port_that_is_taken(fake: FakeSlack, listener: Listener) -> None:
    async with online(fake, listener, http=True) as slack:
        token, taken = fake.app.bot_token, slack.port
        other = Slack(token, None, "secret", api_base=fake.api_url, port=taken)
        with pytest.raises(Unusable, match="Choose another port"):
            await other.run(listener)
