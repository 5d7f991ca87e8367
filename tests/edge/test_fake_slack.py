"""The fake Slack and the real slack-bolt: what people do, and what the app hears of it."""

import pytest

from bot.testing.slack import FakeSlack, Json, Refused
from tests.edge.slack_bot import Bot, bot_of


async def heard(slack: FakeSlack, bot: Bot, kind: str, count: int = 1) -> list[Json]:
    """The events of that kind, once everything is delivered."""
    await slack.settled()
    found = bot.of(kind)
    assert len(found) == count, bot.events
    return found


async def test_a_direct_message_and_its_answer(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    question = await ana.dm("你好, what is < 3 & > 2?")
    [event] = await heard(slack, bot, "message")
    assert event["text"] == "你好, what is &lt; 3 &amp; &gt; 2?"
    assert (event["channel_type"], event["user"], event["ts"]) == ("im", ana.id, question["ts"])
    assert event["channel"].startswith("D")
    assert event["blocks"][0]["elements"][0]["elements"][0]["text"] == "你好, what is < 3 & > 2?"
    await bot.client.chat_postMessage(
        channel=event["channel"], text="42", thread_ts=event["ts"], unfurl_links=False
    )
    [answer] = await ana.sees("42", thread=question)
    assert answer["bot_id"] == slack.app.bot
    assert question["reply_count"] == 1


async def test_a_mention_comes_twice_with_one_ts_and_two_event_ids(
    slack: FakeSlack, bot: Bot
) -> None:
    ana = slack.human("Ana")
    message = await ana.say("#general", "<@bot> hi")
    await slack.settled()
    assert sorted(event["type"] for event in bot.events) == ["app_mention", "message"]
    assert {event["ts"] for event in bot.events} == {message["ts"]}
    assert len(set(bot.ids)) == 2
    assert bot.events[0]["text"] == f"<@{slack.app.user}> hi"


async def test_people_mention_each_other_by_name(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("小波")
    await ana.say("#general", "<@小波> look at <#random>")
    [event] = await heard(slack, bot, "message")
    random = slack.channel("random")
    assert event["text"] == f"<@{bo.id}> look at <#{random.id}|random>"


async def test_a_thread_of_several(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    root = await ana.say("#general", "lunch?")
    reply = await bo.say("#general", "noodles 面条", thread=root)
    again = await ana.say("#general", "yes", thread=reply)
    events = await heard(slack, bot, "message", 3)
    assert [event.get("thread_ts") for event in sorted(events, key=lambda e: str(e["ts"]))] == [
        None,
        root["ts"],
        root["ts"],
    ]
    assert again["parent_user_id"] == ana.id
    told = await bot.client.conversations_replies(channel=root["channel"], ts=root["ts"])
    assert [row["text"] for row in told["messages"]] == ["lunch?", "noodles 面条", "yes"]
    history = await bot.client.conversations_history(channel=root["channel"])
    assert [row["text"] for row in history["messages"]] == ["lunch?"]


async def test_an_edit_and_a_preview_look_alike_but_for_the_editor(
    slack: FakeSlack, bot: Bot
) -> None:
    ana = slack.human("Ana")
    message = await ana.say("#general", "my dog is Rex")
    await ana.edit(message, "my dog is Max")
    slack.unfurl(message, "Dogs")
    edit, preview = sorted(
        await heard(slack, bot, "message_changed", 2), key=lambda e: str(e["ts"])
    )
    assert (edit["message"]["text"], edit["previous_message"]["text"]) == (
        "my dog is Max",
        "my dog is Rex",
    )
    assert edit["hidden"] is True
    assert edit["message"]["edited"]["user"] == ana.id
    assert "edited" not in edit["previous_message"]
    assert preview["message"]["text"] == preview["previous_message"]["text"]
    assert preview["message"]["attachments"][0]["title"] == "Dogs"


async def test_deleting(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    alone, root = await ana.say("#general", "secret"), await ana.say("#general", "root")
    await ana.say("#general", "reply", thread=root)
    await ana.delete(alone)
    await ana.delete(root)
    [gone] = await heard(slack, bot, "message_deleted")
    assert (gone["deleted_ts"], gone["previous_message"]["text"]) == (alone["ts"], "secret")
    [tombstone] = await heard(slack, bot, "message_changed")
    assert tombstone["message"]["subtype"] == "tombstone"
    assert tombstone["previous_message"]["text"] == "root"
    assert [row["text"] for row in slack.messages("#general")][-1] == "reply"


async def test_only_own_messages_are_edited(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    message = await ana.say("#general", "mine")
    with pytest.raises(PermissionError, match="not Bo's"):
        await bo.edit(message, "ours")
    with pytest.raises(PermissionError, match="not Bo's"):
        await bo.delete(message)


async def test_reactions(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    message = await ana.say("#general", "good?")
    await ana.react(message, "thumbsup")
    with pytest.raises(Refused, match="already_reacted"):
        await ana.react(message, "thumbsup")
    await bot.client.reactions_add(
        channel=message["channel"], timestamp=message["ts"], name="thumbsup"
    )
    assert message["reactions"] == [
        {"name": "thumbsup", "users": [ana.id, slack.app.user], "count": 2}
    ]
    await ana.unreact(message, "thumbsup")
    added = await heard(slack, bot, "reaction_added", 2)
    assert {event["user"] for event in added} == {ana.id, slack.app.user}
    [removed] = await heard(slack, bot, "reaction_removed")
    assert removed["item"] == {
        "type": "message",
        "channel": message["channel"],
        "ts": message["ts"],
    }
    await bot.client.reactions_remove(
        channel=message["channel"], timestamp=message["ts"], name="thumbsup"
    )
    told = await bot.client.reactions_get(channel=message["channel"], timestamp=message["ts"])
    assert told["message"]["reactions"] == []


async def test_files_are_downloaded_with_the_token(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    text = "记得买茶 — remember tea".encode()
    await ana.upload("#general", "list.txt", text, "<@bot> read this")
    [message] = await heard(slack, bot, "file_share")
    [mention] = bot.of("app_mention")
    assert "files" not in mention
    [shared] = bot.of("file_shared")
    file = message["files"][0]
    assert (shared["file_id"], file["mimetype"], file["size"]) == (
        file["id"],
        "text/plain",
        len(text),
    )
    session, bearer = bot.client.session, {"Authorization": f"Bearer {slack.app.bot_token}"}
    assert session is not None
    async with session.get(file["url_private_download"], headers=bearer) as got:
        assert await got.read() == text
    slack.app.scopes.discard("files:read")
    async with session.get(file["url_private"], headers=bearer) as got:
        assert (got.status, got.content_type) == (200, "text/html")


async def test_coming_and_going(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    slack.channel("team", members=[ana], bot=False)
    await ana.say("#team", "the bot is not here")
    await slack.settled()
    assert bot.events == []
    await ana.invite_bot("#team")
    await bo.join("#team")
    joined = await heard(slack, bot, "member_joined_channel", 2)
    assert {(event["user"], event.get("inviter")) for event in joined} == {
        (slack.app.user, ana.id),
        (bo.id, None),
    }
    assert len(bot.of("channel_join")) == 2
    await bo.leave("#team")
    await ana.remove_bot("#team")
    [left] = await heard(slack, bot, "member_left_channel")
    assert left["user"] == bo.id
    assert len(bot.of("channel_left")) == 1
    with pytest.raises(PermissionError, match="join it first"):
        await bo.say("#team", "hello?")


async def test_every_kind_of_room_has_its_type(slack: FakeSlack, bot: Bot) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    slack.channel("inner", private=True, members=[ana])
    await ana.say("#general", "1")
    await ana.say("#inner", "2")
    await ana.dm("3")
    await ana.group_dm([bo], "4")
    events = await heard(slack, bot, "message", 4)
    assert {event["text"]: event["channel_type"] for event in events} == {
        "1": "channel",
        "2": "group",
        "3": "im",
        "4": "mpim",
    }


async def test_own_and_other_bots_are_marked(slack: FakeSlack, bot: Bot) -> None:
    weather = slack.other_bot("Weather")
    await weather.say("#general", "rain 下雨")
    await bot.client.chat_postMessage(channel="#general", text="I know")
    events = await heard(slack, bot, "message", 2)
    bots = {event["text"]: event["bot_id"] for event in events}
    assert bots["I know"] == slack.app.bot
    assert bots["rain 下雨"] not in ("", slack.app.bot)


async def test_what_is_not_subscribed_or_not_granted_is_not_sent(
    slack: FakeSlack, bot: Bot
) -> None:
    ana = slack.human("Ana")
    slack.app.events.discard("message.im")
    slack.app.scopes.discard("channels:history")
    await ana.dm("no subscription")
    await ana.say("#general", "no scope")
    await slack.settled()
    assert bot.events == []


async def test_the_home_tab_and_the_surfaces_of_an_agent(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    bot.keep("app_home_opened", "app_context_changed", "assistant_thread_started")
    await ana.open_home("messages")
    await ana.look_at("#general")
    root = await ana.open_assistant()
    [opened] = await heard(slack, bot, "app_home_opened")
    assert opened["tab"] == "messages"
    [changed] = bot.of("app_context_changed")
    assert changed["context"]["entities"][0]["value"] == slack.channel("general").id
    [started] = bot.of("assistant_thread_started")
    assert started["assistant_thread"]["thread_ts"] == root["ts"]


async def test_rooms_that_end(slack: FakeSlack, bot: Bot) -> None:
    ana = slack.human("Ana")
    old, gone = slack.channel("old", members=[ana]), slack.channel("gone", members=[ana])
    slack.workspace.archive(old, by=ana.id)
    slack.workspace.remove(gone)
    assert (await heard(slack, bot, "channel_archive"))[0]["channel"] == old.id
    assert (await heard(slack, bot, "channel_deleted"))[0]["channel"] == gone.id
    with pytest.raises(PermissionError, match="archived"):
        await ana.say(old, "still there?")
    with pytest.raises(Refused, match="channel_not_found"):
        await ana.say("#gone", "hello?")


async def test_waiting_in_vain_says_what_is_there(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with bot_of(slack) as bot:
        await bot.client.chat_postMessage(channel="#general", text="good morning")
    with pytest.raises(TimeoutError, match=r"Ana does not see '晚安' .* \['good morning'\]"):
        await ana.sees("晚安", within=0.01)


async def test_seeing_by_place_person_and_time(slack: FakeSlack) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    said = await bo.say("#general", "first")
    async with bot_of(slack) as bot:
        await bot.client.chat_postMessage(channel="#general", text="second")
        await bot.client.chat_postMessage(channel="#general", text="third", thread_ts=said["ts"])
        await bot.client.chat_postEphemeral(channel="#general", user=ana.id, text="psst")
    assert await ana.sees(by=bo) == [said]
    texts = [row["text"] for row in await ana.sees(count=3, where="#general", after=said)]
    assert texts == ["second", "third", "psst"]
    assert [row["text"] for row in await ana.sees(lambda row: row["text"][0] == "s")] == ["second"]
    assert [row["text"] for row in await ana.sees(thread=said)] == ["third"]
    assert "psst" not in [row["text"] for row in bo.screen]
