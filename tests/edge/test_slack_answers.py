"""The real Slack adapter against the fake Slack: what it hears, sends and answers."""

import asyncio
import logging

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Shown
from adapters.commands import COMMANDS
from adapters.slack import Slack, build_app, build_client, manifest
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import Listener, adapter, online, reply


async def test_the_status_of_a_session(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        said = await ana.say("#general", "<@bot> think")
        asked = await ana.dm("and here")
        first, second = await listener.hears(2)
        await slack.working(first.address, begun=True)
        await slack.working(second.address, begun=True)
        assert fake.status(said)["status"] == fake.status(asked)["status"] == "processing"
        await ana.dm("one more thing")
        await listener.hears(3)
        await slack.working(first.address, begun=False)
        await slack.working(second.address, begun=False)
    assert fake.status(said)["status"] == fake.status(asked)["status"] == "active"


async def test_the_status_line_of_an_older_app(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        fake.app.agent_view = False
        asked = await ana.dm("hi")
        [event] = await listener.hears()
        await slack.working(event.address, begun=True)
        assert fake.status(asked)["text"] == "is thinking…"
        await slack.working(event.address, begun=False)
        assert not fake.status(asked).get("text")
    assert len([row for row in fake.requests if row.method == "agents.sessions.setStatus"]) == 1


# ---- commands ----------------------------------------------------------------------------------


async def test_a_slash_command_is_answered_to_the_person_alone(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        seen = await ana.command("/memory", "search tea & 茶 <@Ana>", where="#general")
        await seen.sees()
    [invocation] = listener.invocations
    assert invocation.line == "/memory search tea & 茶 @Ana"
    assert (invocation.user, invocation.name, invocation.room_kind) == (ana.id, "Ana", "public")
    assert invocation.room_name == "general"
    assert invocation.address.channel == fake.channel("general").id
    assert seen.shown[0]["text"] == "*Known*: you like tea &amp; 茶"
    assert seen.shown[0]["to"] == ana.id
    assert fake.messages("#general") == []
    assert (seen.error, fake.acks[-1].answer) == ("", {})


async def test_a_slash_command_in_direct_messages(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        seen = await ana.command("/help")
        await seen.sees()
    [invocation] = listener.invocations
    assert (invocation.line, invocation.room_kind, invocation.address.thread) == (
        "/help",
        "dm",
        None,
    )


async def test_a_slash_command_is_acknowledged_though_its_answer_takes_long(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, go = fake.human("Ana"), asyncio.Event()

    class Slow(Listener):
        async def command(self, invocation: object) -> Shown:
            await go.wait()
            return Shown(text="at last")

    async with online(fake, Slow(fake)):
        seen = await ana.command("/memory", expect=0)  # returns once it is acknowledged
        assert (seen.error, seen.shown) == ("", [])
        go.set()
        [shown] = await seen.sees()
    assert shown["text"] == "at last"


async def test_a_typed_command_in_a_thread(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await bo.say("#general", "chatter")
        await ana.say("#general", "<@bot> !memory undo", thread=root)
        [shown] = await ana.sees("Known")
        await fake.settled()
    assert (shown["to"], shown["thread_ts"]) == (ana.id, root["ts"])
    assert [(row.line, row.address.thread) for row in listener.invocations] == [
        ("!memory undo", root["ts"])
    ]
    assert listener.texts == ["chatter"]
    assert fake.calls("chat.postMessage") == []


async def test_a_typed_command_in_direct_messages(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    fake.duplicates = 3
    async with online(fake, listener):
        await ana.dm("！记忆 显示")
        [shown] = await ana.sees("Known")
        await fake.settled()
    assert "to" not in shown
    assert len(listener.invocations) == 1
    assert listener.offered == []


async def test_help_that_is_for_another_bot_stays_a_message(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        await ana.say("#general", "!help")
        await ana.say("#general", "!memory show")
        await ana.sees("Known")
    assert (listener.texts, len(listener.invocations)) == (["!help"], 1)


async def test_a_long_answer_of_a_command(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    listener.answer = Shown(text="- 一条事实，写得很长很长。\n" * 3000)
    async with online(fake, listener):
        seen = await ana.command("/memory", "show")
        shown = await seen.sees(5)
        await fake.settled()
    assert [len(row["text"]) <= 3900 for row in shown] == [True] * 5
    assert "export" in shown[-1]["text"]


async def test_a_document_goes_to_the_persons_direct_messages(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    listener.answer = Shown(text="All of it.", file_name="memory.json", file_text='{"茶": 1}')
    async with online(fake, listener):
        seen = await ana.command("/memory", "export", where="#general")
        [shown] = await seen.sees()
        [row] = await ana.sees(lambda row: bool(row.get("files")))
    assert "direct message" in shown["text"]
    assert row["channel"] == fake.workspace.im(ana.id).id
    [file] = fake.workspace.contents.values()
    assert file == '{"茶": 1}'.encode()
    assert row not in bo.screen


# ---- what a harness uses -----------------------------------------------------------------------


async def test_the_app_can_be_driven_without_the_adapter_running(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    said = await ana.dm("from a harness 你好")
    slack = adapter(fake)
    app = slack.app(listener)
    event = {**said, "channel_type": "im"}
    body = {"type": "event_callback", "event": event, "event_id": "Ev1"}
    answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    assert answer.status == 200
    assert listener.texts == ["from a harness 你好"]
    assert await slack.send(reply(listener.events[0], "back"))
    assert await ana.sees("back")


async def test_an_app_of_ones_own(fake: FakeSlack) -> None:
    taken: list[object] = []

    async def take(body: dict[str, object]) -> None:
        taken.append(body["type"])

    client = build_client(fake.app.bot_token, api_base=fake.api_url)
    assert isinstance(client, AsyncWebClient)
    app = build_app(client, take)
    request = AsyncBoltRequest(mode="socket_mode", body={"type": "block_actions"})
    assert (await app.async_dispatch(request)).status == 200
    assert taken == ["block_actions"]


def test_tokens_go_to_slack_or_to_this_machine_only() -> None:
    with pytest.raises(ValueError, match="only a simulator on this machine"):
        Slack("xoxb-1", api_base="https://slack.example.com/api/")
    assert build_client("xoxb-1").base_url == "https://slack.com/api/"


def test_proxies_are_left_out_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert build_client("xoxb-1").proxy == "http://proxy.example:3128"
    assert build_client("xoxb-1", api_base="http://127.0.0.1:1/api").proxy is None


async def test_the_manifest_is_enough_and_no_more(fake: FakeSlack, listener: Listener) -> None:
    asked = manifest()
    scopes = set(asked["oauth_config"]["scopes"]["bot"])
    assert "reactions:read" not in scopes
    assert asked["settings"]["socket_mode_enabled"]
    commands = {row["command"] for row in asked["features"]["slash_commands"]}
    assert commands == {f"/{name}" for name in COMMANDS}
    [shortcut] = asked["features"]["shortcuts"]
    assert len(shortcut["name"]) <= 24  # as Slack has it
    url = "https://bot.example/slack/events"
    by_http = manifest(url)
    assert not by_http["settings"]["socket_mode_enabled"]
    assert by_http["features"]["slash_commands"][0]["url"] == url
    assert by_http["settings"]["interactivity"] == {"is_enabled": True, "request_url": url}
    async with online(fake, listener):  # installs it
        ana = fake.human("Ana")
        await ana.dm("hi")
        await listener.hears()
        await fake.settled()
    assert not [row for row in fake.requests if row.error]


async def test_texts_and_tokens_are_not_logged(
    fake: FakeSlack, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    ana = fake.human("Ana")
    with caplog.at_level(logging.INFO):
        async with online(fake, listener) as slack:
            await ana.dm("a secret 秘密")
            [event] = await listener.hears()
            listener.faults = [OSError("the disk is full")]
            await ana.dm("another secret 秘密")
            await listener.hears(2)
            await slack.send(reply(event, "my secret 秘密"))
            fake.drop_sockets()
            await fake.until(lambda: fake.sockets.opened == 2)
    assert "秘密" not in caplog.text
    assert "xoxb" not in caplog.text
    assert "xapp" not in caplog.text
    assert "ticket" not in caplog.text
    assert "the disk is full" in caplog.text or "OSError" in caplog.text
