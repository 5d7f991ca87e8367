"""The real Slack adapter against the fake Slack: what it hears, sends and answers."""

import pytest

from adapters.base import Address, Post
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import TEAM, Listener, online, reply

# ---- hearing -----------------------------------------------------------------------------------


async def test_a_direct_message(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana 安娜")
    async with online(fake, listener):
        said = await ana.dm("hello 你好 <b> & co")
        [event] = await listener.hears()
        await fake.settled()
    assert event.id == f"{said['channel']}:{said['ts']}"
    assert event.address == Address(platform="slack", space=TEAM, channel=said["channel"])
    assert (event.user, event.name, event.text) == (ana.id, "Ana 安娜", "hello 你好 <b> & co")
    assert (event.room_kind, event.mentioned, event.elsewhere) == ("dm", False, False)
    assert abs(event.at.timestamp() - float(said["ts"])) < 0.001
    assert fake.deliveries[0].acked


async def test_a_direct_message_in_a_thread_is_answered_there(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        root = await ana.dm("one")
        await ana.dm("two", thread=root)
        first, second = await listener.hears(2)
        await slack.send(reply(first, "to one"))
        await slack.send(reply(second, "to two", key="2"))
        [in_thread] = await ana.sees("to two", thread=root)
        [below] = await ana.sees("to one")
    assert (first.address.thread, second.address.thread) == (None, root["ts"])
    assert "thread_ts" not in below
    assert in_thread["thread_ts"] == root["ts"]


async def test_a_mention_is_delivered_once_and_answered_in_its_thread(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        said = await ana.say("#general", "<@bot>, what about <@Ana> in <#random>?")
        [event] = await listener.hears()
        await fake.settled()
        await slack.send(reply(event, "an answer"))
        await ana.sees("an answer", thread=said)
    assert sorted(row.event["type"] for row in fake.deliveries[:2]) == ["app_mention", "message"]
    assert listener.offered == [event.id] * 2
    assert event.text == "what about @Ana in #random?"
    assert (event.room_kind, event.room_name, event.mentioned) == ("public", "general", True)
    assert event.address.thread == said["ts"]


async def test_a_channel_where_only_mentions_are_told(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    fake.channel("secret", private=True, members=[ana])
    async with online(fake, listener):
        fake.app.events -= {"message.groups"}
        await ana.say("#secret", "unheard")
        await ana.say("#secret", "<@bot> 你好")
        [event] = await listener.hears()
    assert (event.text, event.room_kind, event.room_name) == ("你好", "private", "secret")
    assert event.mentioned


async def test_a_thread_and_who_is_spoken_to(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await ana.say("#general", "first")
        await bo.say("#general", "<@Ana> yes?", thread=root)
        await bo.say("#general", "<@Ana> or <@bot>?", thread=root)
        first, second, third = await listener.hears(3)
    assert {event.address.thread for event in (first, second, third)} == {root["ts"]}
    assert [event.elsewhere for event in (first, second, third)] == [False, True, True]
    assert [event.mentioned for event in (first, second, third)] == [False, False, True]
    assert (second.text, third.text) == ("@Ana yes?", "@Ana or?")


async def test_a_reply_to_the_bot_is_for_it(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    place = Address(platform="slack", space=TEAM, channel=fake.channel("general").id)
    async with online(fake, listener) as slack:
        ts = await slack.send(Post(key="r", address=place, text="A reminder 提醒"))
        await ana.say("#general", "thanks", thread=ts)
        await ana.say("#general", "<@Ana> look", thread=ts)
        thanks, look = await listener.hears(2)
    assert (thanks.mentioned, look.mentioned) == (True, False)


async def test_a_group_conversation(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        said = await ana.group_dm([bo], "all of us")
        [event] = await listener.hears()
    assert (event.room_kind, event.address.thread) == ("group", said["ts"])


async def test_what_is_no_message_of_a_person_is_not_delivered(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, other = fake.human("Ana"), fake.other_bot("Other")
    async with online(fake, listener) as slack:
        said = await ana.say("#general", "kept")
        [event] = await listener.hears()
        await slack.send(reply(event, "own words"))
        await other.say("#general", "<@bot> beep")
        await ana.edit(said, "edited")
        await ana.delete(await ana.say("#general", "kept too"))
        await ana.join("#general")
        await fake.human("Cy").join(fake.channel("other", bot=True))
        await fake.settled()
    assert listener.texts == ["kept", "kept too"]
    assert all(row.acked for row in fake.deliveries)
    assert len(fake.deliveries) > 6


async def test_users_that_are_bots_are_not_heard(fake: FakeSlack, listener: Listener) -> None:
    """Files that apps and workflows share come without a bot_id."""
    ana, app, flow = fake.human("Ana"), fake.human("App"), fake.human("流程")
    fake.workspace.users[app.id]["is_bot"] = True
    fake.workspace.users[flow.id]["is_workflow_bot"] = True
    async with online(fake, listener):
        await app.upload("#general", "report.txt", b"1", "<@bot> report")
        await flow.say("#general", "<@bot> !memory show")
        await ana.say("#general", "<@bot> 你好")
        await fake.settled()
    assert listener.texts == ["你好"]
    assert listener.invocations == []
    assert all(row.acked for row in fake.deliveries)


async def test_a_file_with_words_and_a_broadcast_are_messages(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        root = await ana.dm("root")
        await ana.upload(None, "a.txt", b"x", "look at this 看")
        await ana.say("#general", "<@bot> hi")
        await ana.say(None, "for all", thread=root, broadcast=True)
        events = await listener.hears(4)
    assert [event.text for event in events if event.room_kind == "dm"] == [
        "root",
        "look at this 看",
        "for all",
    ]


async def test_order_is_kept_in_a_conversation(fake: FakeSlack, listener: Listener) -> None:
    people = [fake.human(f"P{number}") for number in range(10)]
    async with online(fake, listener):
        for number in range(100):
            await people[number % 10].say("#general", f"{number}")
        await listener.hears(100)
    assert listener.texts == [f"{number}" for number in range(100)]
    assert len(fake.calls("users.info")) == 10


# ---- sending -----------------------------------------------------------------------------------


async def test_a_reply_in_slacks_dialect_that_pings_nobody(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        ts = await slack.send(reply(event, "**Bold** <!channel> @here [x](https://a.b) 1 < 2"))
        [shown] = await ana.sees("Bold")
    assert shown["ts"] == ts
    assert shown["text"] == "*Bold* &lt;!channel&gt; @\u200bhere <https://a.b|x> 1 &lt; 2"
    assert shown["metadata"]["event_payload"] == {"key": "1", "part": 0}


@pytest.mark.parametrize("text", ["A sentence of words. " * 600, "这是一个很长的回答。" * 1200])
async def test_long_answers_are_split_in_order(
    fake: FakeSlack, listener: Listener, text: str
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("tell me all")
        [event] = await listener.hears()
        ts = await slack.send(reply(event, text))
        shown = await ana.sees(count=4)
    assert ts == shown[0]["ts"]
    assert all(len(row["text"]) <= 4000 for row in shown)
    assert "".join(row["text"] for row in shown).replace(" ", "") == text.replace(" ", "")


async def test_nothing_to_say_posts_nothing(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.dm("hi")
        [event] = await listener.hears()
        assert await slack.send(reply(event, "\n \n")) == ""
    assert fake.calls("chat.postMessage") == []


@pytest.mark.parametrize("where", ["dm", "thread"])
async def test_a_reply_that_may_have_gone_out_is_looked_for(
    fake: FakeSlack, listener: Listener, where: str
) -> None:
    ana = fake.human("Ana")
    text = "一句话。" * 1500
    async with online(fake, listener) as slack:
        said = await ana.say(*(("#general", "<@bot> q") if where == "thread" else (None, "q")))
        [event] = await listener.hears()
        for number in range(30):  # the thread goes on meanwhile
            await ana.say(said, f"{number}", thread=said if where == "thread" else None)
        first = await slack.send(reply(event, text))
        [_, second] = await ana.sees(count=2)
        fake.workspace.delete(second)  # as if only the first part had gone out
        again = await slack.send(reply(event, text, again=True))
        other = await slack.send(reply(event, "another", key="2", again=True))
        shown = await ana.sees(count=3)
    assert again == first
    assert other == shown[-1]["ts"]
    parts = [row["metadata"]["event_payload"] for row in shown]
    assert parts == [{"key": "1", "part": 0}, {"key": "1", "part": 1}, {"key": "2", "part": 0}]
