"""The fake Slack's Web API under the real slack-sdk: what it refuses, limits and breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.testing.slack import FakeSlack, Json
from tests.edge.slack_bot import bot_of, by_socket


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    async with bot_of(slack) as bot:
        yield bot.client


async def refused(asked: Awaitable[AsyncSlackResponse]) -> Json:
    with pytest.raises(SlackApiError) as error:
        await asked
    data = error.value.response.data
    assert isinstance(data, dict)
    return data


async def test_who_the_bot_is(slack: FakeSlack, client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["bot_id"]) == (slack.app.user, slack.app.bot)
    assert "chat:write" in str(me.headers["X-OAuth-Scopes"])
    assert (await client.users_info(user=slack.app.user))["user"]["is_bot"] is True
    assert (await client.bots_info(bot=slack.app.bot))["bot"]["user_id"] == slack.app.user


HOME = {"type": "home", "blocks": []}
GENERAL = {"channel": "#general", "text": "x"}
LONG = {"type": "markdown", "text": "x" * 12_001}
HALF = {"type": "markdown", "text": "x" * 7_000}
BUTTON = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x" * 76}}
TWICE = [{"type": "divider", "block_id": "same"}] * 2
NOWHERE = {"channel": "#general", "ts": "1.0", "text": "x"}


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("chat.postMessage", {"channel": "C404", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#random", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "#secret", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#old", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "#general"}, "no_text"),
        ("chat.postMessage", {**GENERAL, "text": "长" * 40_001}, "msg_too_long"),
        (
            "chat.postMessage",
            {**NOWHERE, "text": "", "markdown_text": LONG["text"]},
            "msg_too_long",
        ),
        ("chat.postMessage", {**GENERAL, "markdown_text": "x"}, "markdown_text_conflict"),
        ("chat.postMessage", {**GENERAL, "thread_ts": "1.0"}, "thread_not_found"),
        ("chat.postMessage", {**GENERAL, "metadata": {"x": 1}}, "invalid_metadata_format"),
        ("chat.postMessage", {**GENERAL, "metadata": []}, "invalid_arguments"),
        ("chat.postMessage", {**GENERAL, "blocks": "{"}, "invalid_json"),
        ("chat.postMessage", {**GENERAL, "blocks": {}}, "invalid_arguments"),
        ("chat.postMessage", {**GENERAL, "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ("chat.postMessage", {**GENERAL, "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ("chat.postMessage", {**GENERAL, "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ("chat.postMessage", {**GENERAL, "blocks": [{"type": "actions"}]}, "invalid_blocks"),
        (
            "chat.postMessage",
            {**GENERAL, "blocks": [{"type": "actions", "elements": [BUTTON]}]},
            "invalid_blocks",
        ),
        ("chat.postMessage", {**GENERAL, "blocks": TWICE}, "invalid_blocks"),
        ("chat.postMessage", {**GENERAL, "blocks": [LONG]}, "invalid_blocks"),
        ("chat.postMessage", {**GENERAL, "blocks": [HALF, HALF]}, "msg_blocks_too_long"),
        ("chat.update", NOWHERE, "message_not_found"),
        ("chat.delete", NOWHERE, "message_not_found"),
        ("chat.postEphemeral", {**GENERAL, "user": "U404"}, "user_not_in_channel"),
        ("conversations.history", {"channel": "#random"}, "not_in_channel"),
        ("conversations.history", {**GENERAL, "limit": "many"}, "invalid_arguments"),
        ("conversations.replies", NOWHERE, "thread_not_found"),
        ("conversations.open", {"users": "U404"}, "user_not_found"),
        ("conversations.join", {"channel": "#random"}, "missing_scope"),
        ("conversations.list", {"types": "nonsense"}, "invalid_types"),
        ("reactions.remove", {"channel": "#general", "name": "x"}, "invalid_arguments"),
        ("users.info", {"user": "U404"}, "user_not_found"),
        ("bots.info", {"bot": "B404"}, "bot_not_found"),
        ("files.info", {"file": "F404"}, "file_not_found"),
        ("files.getUploadURLExternal", {"filename": "a", "length": 0}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": [{"id": "F404"}]}, "file_not_found"),
        ("views.publish", {"user_id": "U404", "view": HOME}, "invalid_arguments"),
        ("views.publish", {"user_id": "U0BOT", "view": {"type": "modal"}}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1", "view": HOME}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1", "view": {"type": "modal"}}, "invalid_trigger_id"),
        ("no.such.method", {}, "unknown_method"),
        ("api.test", {"error": "my_own"}, "my_own"),
    ],
)
async def test_refusals(
    slack: FakeSlack, client: AsyncWebClient, method: str, args: Json, error: str
) -> None:
    ana = slack.human("Ana")
    slack.channel("secret", private=True, members=[ana], bot=False)
    slack.workspace.archive(slack.channel("old"), by=ana.id)
    assert (await refused(client.api_call(method, json=args)))["error"] == error
    assert slack.requests[-1].error == error
    assert slack.messages("#general") == []


async def test_views_that_slack_does_not_take(slack: FakeSlack, client: AsyncWebClient) -> None:
    ana, plain = slack.human("Ana"), {"type": "plain_text", "text": "x"}
    field = {"type": "plain_text_input", "action_id": "a"}
    form = {"type": "input", "block_id": "b", "label": plain, "element": field}
    wrong: list[Json] = [
        {"title": None},
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"private_metadata": "x" * 3001},
        {"blocks": [form]},  # with nothing to submit it by
        {"blocks": [{"type": "divider"}] * 101},
    ]
    for number, part in enumerate(wrong):
        view = {"type": "modal", "title": plain, "blocks": [], **part}
        trigger = slack.surfaces.begin(ana.id, None).trigger
        answer = await refused(client.views_open(trigger_id=trigger, view=view))
        assert answer["error"] == "invalid_arguments", number
        assert answer["response_metadata"]["messages"]
    assert ana.modals == []


async def test_tokens(slack: FakeSlack, client: AsyncWebClient) -> None:
    for token, error in (("", "not_authed"), ("xoxb-other", "invalid_auth")):
        other = AsyncWebClient(token=token, base_url=slack.api_url, session=client.session)
        assert (await refused(other.auth_test()))["error"] == error
    wrong = client.apps_connections_open(app_token=slack.app.bot_token)
    assert (await refused(wrong))["error"] == "not_allowed_token_type"
    slack.app.app_scopes.clear()
    answer = await refused(client.apps_connections_open(app_token=slack.app.app_token))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "connections:write")
    slack.app.revoked = True
    assert (await refused(client.auth_test()))["error"] == "token_revoked"


async def test_missing_scopes_are_named(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.app.scopes = {"chat:write", "im:read"}
    answer = await refused(client.conversations_history(channel="#general"))
    assert answer["error"] == "missing_scope"
    assert (answer["needed"], answer["provided"]) == ("channels:history", "chat:write,im:read")
    assert (await refused(client.users_list()))["needed"] == "users:read"


async def test_metadata_is_shown_to_who_asks_for_it(client: AsyncWebClient) -> None:
    metadata = {"event_type": "reverie_reply", "event_payload": {"key": "7:1"}}
    await client.chat_postMessage(channel="#general", text="hi", metadata=metadata)
    told = await client.conversations_history(channel="#general")
    assert "metadata" not in told["messages"][0]
    told = await client.conversations_history(channel="#general", include_all_metadata=True)
    assert told["messages"][0]["metadata"] == metadata


async def test_history_comes_in_pages(slack: FakeSlack, client: AsyncWebClient) -> None:
    ana = slack.human("Ana")
    sent = [await ana.say("#general", f"{number}") for number in range(5)]
    texts, cursor = [], ""
    while True:
        page = await client.conversations_history(channel="#general", limit=2, cursor=cursor)
        texts.append([row["text"] for row in page["messages"]])
        cursor = page["response_metadata"]["next_cursor"]
        if not page["has_more"]:
            break
    assert texts == [["4", "3"], ["2", "1"], ["0"]]
    ends = {"oldest": sent[1]["ts"], "latest": sent[3]["ts"]}
    between = await client.conversations_history(channel="#general", **ends)
    assert [row["text"] for row in between["messages"]] == ["2"]
    within = await client.conversations_history(channel="#general", inclusive=True, **ends)
    assert [row["text"] for row in within["messages"]] == ["3", "2", "1"]


async def test_rooms_are_listed_as_the_bot_sees_them(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    ana, bo = slack.human("Ana"), slack.human("Bo")
    slack.channel("hidden", private=True, members=[ana], bot=False)
    slack.channel("inner", private=True, members=[ana])
    group = await ana.group_dm([bo], "hi")
    opened = await client.conversations_open(users=ana.id)
    every = "public_channel,private_channel,im,mpim"
    listed = (await client.conversations_list(types=every))["channels"]
    names = {row.get("name", row.get("user")) for row in listed}
    assert {"general", "random", "inner", ana.id} < names
    assert "hidden" not in names
    mine = (await client.users_conversations(types="public_channel"))["channels"]
    assert [row["name"] for row in mine] == ["general"]
    info = (await client.conversations_info(channel=opened["channel"]["id"]))["channel"]
    assert (info["is_im"], info["user"]) == (True, ana.id)
    members = (await client.conversations_members(channel=group["channel"]))["members"]
    assert set(members) == {ana.id, bo.id, slack.app.user}
    slack.app.scopes.add("channels:join")
    await client.conversations_join(channel="#random")
    await client.chat_postMessage(channel="#random", text="now I may")


async def test_long_answers_go_up_as_files(slack: FakeSlack, client: AsyncWebClient) -> None:
    ana = slack.human("Ana")
    root = await ana.say("#general", "everything, please")
    text = "记忆 memory\n" * 5000
    sent = await client.files_upload_v2(
        channel=root["channel"], thread_ts=root["ts"], content=text, filename="memory.md",
        initial_comment="It is long.",
    )  # fmt: skip
    [answer] = await ana.sees("It is long.", thread=root)
    assert answer["files"][0]["name"] == "memory.md"
    assert slack.workspace.contents[sent["file"]["id"]].decode() == text
    assert (await client.files_info(file=sent["file"]["id"]))["file"]["size"] == len(text.encode())


async def test_own_messages_change_and_go(slack: FakeSlack, client: AsyncWebClient) -> None:
    ana = slack.human("Ana")
    theirs = await ana.say("#general", "mine")
    posted = await client.chat_postMessage(channel="#general", text="one")
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    assert (await client.chat_update(text="two", **where))["text"] == "two"
    assert slack.messages("#general")[1]["edited"]["user"] == slack.app.user
    await client.chat_delete(**where)
    assert slack.messages("#general") == [theirs]
    not_own = {"channel": theirs["channel"], "ts": theirs["ts"]}
    answer = await refused(client.chat_update(text="x", **not_own))
    assert answer["error"] == "cant_update_message"
    assert (await refused(client.chat_delete(**not_own)))["error"] == "cant_delete_message"


async def test_an_agent_shows_that_it_works(slack: FakeSlack) -> None:
    ana = slack.human("Ana")
    async with by_socket(slack) as bot:
        root = await ana.dm("think hard")
        at = {"channel_id": root["channel"], "thread_ts": root["ts"]}
        answer = await bot.client.agents_sessions_setStatus(status="processing", title="想", **at)
        assert answer["agent_status"] == "processing"
        assert slack.status(root) == {"title": "想", "status": "processing"}
        await ana.stop(root)
        await slack.settled()
        assert bot.of("agent_session_stopped")[0]["thread_ts"] == root["ts"]
        await bot.client.agents_sessions_setStatus(status="active", **at)
        await bot.client.agents_sessions_rename(title="thoughts", **at)
        assert slack.status(root) == {"title": "thoughts", "status": "active"}
        with pytest.raises(LookupError, match="no stop button"):
            await ana.stop(root)
        slack.app.events.discard("agent_session_stopped")
        answer = await bot.client.agents_sessions_setStatus(status="processing", **at)
        assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
        asleep = bot.client.agents_sessions_setStatus(status="asleep", **at)
        assert (await refused(asleep))["error"] == "invalid_arguments"
        slack.app.agent_view = False
        legacy = bot.client.agents_sessions_setStatus(status="active", **at)
        assert (await refused(legacy))["error"] == "feature_not_enabled"


async def test_the_older_status_is_cleared_by_an_answer(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    ana = slack.human("Ana")
    root = await ana.dm("think")
    at = {"channel_id": root["channel"], "thread_ts": root["ts"]}
    await client.assistant_threads_setStatus(status="is thinking…", **at)
    assert slack.status(root) == {"text": "is thinking…"}
    await client.chat_postMessage(channel=root["channel"], thread_ts=root["ts"], text="done")
    assert slack.status(root) == {}
    await client.assistant_threads_setTitle(title="茶", **at)
    assert slack.status(root) == {"title": "茶"}


async def test_prompts_for_a_thread_are_lost_on_an_app_with_agent_view(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    ana = slack.human("Ana")
    root = await ana.dm("hi")
    prompts = [{"title": "Show", "message": "What do you know of me?"}]
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=root["channel"], thread_ts=root["ts"], prompts=prompts
    )
    assert slack.workspace.prompts == {}
    await client.assistant_threads_setSuggestedPrompts(channel_id=root["channel"], prompts=prompts)
    assert slack.workspace.prompts == {root["channel"]: prompts}
    five = client.assistant_threads_setSuggestedPrompts(
        channel_id=root["channel"], prompts=prompts * 5
    )
    assert (await refused(five))["error"] == "invalid_arguments"


# ---- limits and faults -------------------------------------------------------------------------


async def test_one_post_a_second_in_a_channel(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.human("Ana")
    slack.rate_limits = True
    client.retry_handlers.clear()
    await client.chat_postMessage(channel="#general", text="one")
    with pytest.raises(SlackApiError) as error:
        await client.chat_postMessage(channel="#general", text="two")
    response = error.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert response["error"] == "ratelimited"
    slack.channel("other")
    await client.chat_postMessage(channel="#other", text="another channel")


async def test_tiers(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.rate_limits = True
    client.retry_handlers.clear()
    for _ in range(20):
        await client.users_list()
    with pytest.raises(SlackApiError) as error:
        await client.users_list()
    assert 1 <= int(error.value.response.headers["Retry-After"]) <= 3


async def test_a_429_is_waited_out_by_the_sdk(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", status=429, retry_after=0, times=2)
    await client.chat_postMessage(channel="#general", text="at last")
    assert [row.status for row in slack.requests] == [429, 429, 200]


async def test_a_post_whose_answer_is_lost_is_there(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    client.retry_handlers.clear()
    slack.fail("chat.postMessage", status=503, applied=True)
    answer = await refused(client.chat_postMessage(channel="#general", text="there"))
    assert answer["error"] == "service_unavailable"
    slack.fail("*", drop=True, applied=True)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="#general", text="too")
    slack.fail("chat.postMessage", status=500)
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.chat_postMessage(channel="#general", text="not this one")
    assert [row["text"] for row in slack.messages("#general")] == ["there", "too"]


async def test_refusals_on_demand_for_good_until_mended(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    slack.fail("auth.test", error="account_inactive", times=-1)
    for _ in range(3):
        assert (await refused(client.auth_test()))["error"] == "account_inactive"
    slack.mend()
    assert (await client.auth_test())["ok"]
    assert slack.calls("auth.test") == [{}]


async def test_a_call_that_hangs(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fail("auth.test", hang=True)
    call = asyncio.ensure_future(client.auth_test())
    await slack.until(lambda: slack.requests)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_slack_is_away(slack: FakeSlack, client: AsyncWebClient) -> None:
    client.retry_handlers.clear()
    await slack.go_away()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.auth_test()
    await slack.come_back()
    assert (await client.auth_test())["ok"]


async def test_uploads_and_downloads_fail_too(slack: FakeSlack, client: AsyncWebClient) -> None:
    session: Any = client.session
    given = await client.files_getUploadURLExternal(filename="a.png", length=3)
    async with session.post(given["upload_url"], data=b"toolong") as response:
        assert response.status == 400
    slack.fail("upload", status=500)
    async with session.post(given["upload_url"], data=b"abc") as response:
        assert response.status == 500
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.png")
    async with session.post(given["upload_url"], data=form) as response:
        assert response.status == 200
    done = await client.files_completeUploadExternal(files=[{"id": given["file_id"]}])
    slack.fail("download", status=503)
    async with session.get(done["files"][0]["url_private"]) as response:
        assert response.status == 503
    async with session.get(done["files"][0]["url_private"]) as response:
        assert "Sign in" in await response.text()
