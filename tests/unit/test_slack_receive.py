"""Payloads of Slack as events: who said it, where, to whom, in plain words."""

from collections.abc import Mapping
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.base import Address, SendFailed
from adapters.slack.receive import (
    Me,
    Room,
    change_in,
    files_of,
    ids_in,
    is_said,
    plain,
    to_changed,
    to_event,
)
from adapters.slack.send import failure

ME = Me(team="T1", user="UME")
NAMES = {"UANA": "Ana", "UBO": "小波", "C2": "随机"}
DM: dict[str, Any] = {
    "type": "message",
    "channel": "D1",
    "channel_type": "im",
    "user": "UANA",
    "ts": "1700000000.000100",
    "text": "hi",
}
ROOM = DM | {"channel": "C1", "channel_type": "channel"}


def test_a_message() -> None:
    event = to_event(DM, ME, Room(kind="dm"), NAMES)
    assert event.id == "D1:1700000000.000100"
    assert event.address == Address(platform="slack", space="T1", channel="D1")
    assert (event.user, event.name, event.text) == ("UANA", "Ana", "hi")
    assert event.at.isoformat() == "2023-11-14T22:13:20.000100+00:00"


def test_a_mention_and_the_message_are_one() -> None:
    text = {"text": "<@UME> hi"}
    mention = {name: value for name, value in ROOM.items() if name != "channel_type"}
    room = Room(kind="public", name="general")
    one = to_event(ROOM | text, ME, room, NAMES)
    other = to_event(mention | text | {"type": "app_mention"}, ME, room, NAMES)
    assert one == other
    assert one.mentioned
    assert one.room_name == "general"


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"subtype": "file_share", "files": []},
        {"subtype": "thread_broadcast", "thread_ts": "1.1"},
        {"subtype": "me_message"},
        {"type": "app_mention"},
        {"text": ""},
    ],
)
def test_what_people_say(extra: dict[str, Any]) -> None:
    assert is_said(DM | extra, ME)


@pytest.mark.parametrize(
    "extra",
    [
        {"user": "UME"},
        {"user": "USLACKBOT"},
        {"user": None},
        {"user": ""},
        {"bot_id": "B1"},
        {"hidden": True},
        {"type": "reaction_added"},
        {"channel": None},
        {"ts": None},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "message_replied"},
        {"subtype": "channel_join"},
        {"subtype": "tombstone"},
        {"subtype": "assistant_app_thread"},
        {"subtype": "something_new"},
    ],
)
def test_what_nobody_said(extra: dict[str, Any]) -> None:
    assert not is_said(DM | extra, ME)


@pytest.mark.parametrize(
    ("extra", "known", "kind", "thread"),
    [
        ({}, "dm", "dm", None),
        ({"thread_ts": "1.1"}, "dm", "dm", "1.1"),
        ({"channel_type": "app_home"}, "private", "dm", None),
        ({"channel_type": "channel"}, "public", "public", DM["ts"]),
        ({"channel_type": "channel", "thread_ts": "1.1"}, "public", "public", "1.1"),
        ({"channel_type": "group"}, "public", "private", DM["ts"]),
        ({"channel_type": "mpim"}, "private", "group", DM["ts"]),
        ({"channel_type": None}, "private", "private", DM["ts"]),
        ({"channel_type": "unheard_of"}, "dm", "dm", None),
    ],
)
def test_where(extra: dict[str, Any], known: Any, kind: str, thread: str | None) -> None:
    event = to_event(DM | extra, ME, Room(kind=known), NAMES)
    assert (event.room_kind, event.address.thread) == (kind, thread)


@pytest.mark.parametrize(
    ("text", "mentioned", "elsewhere"),
    [
        ("hello", False, False),
        ("<@UME> hello", True, False),
        ("<@UME|reverie> hello", True, False),
        ("hello <@UME>", True, False),
        ("<@UANA> hello", False, True),
        ("  <@UANA|ana> 你好", False, True),
        ("<@UANA> ask <@UME>", True, True),
        ("<@UME> ask <@UANA>", True, False),
        ("hey <@UANA>", False, False),
        ("<!subteam^S1|@team> hello", False, True),
        ("<!here> hello", False, False),
        ("&lt;@UME&gt; hello", False, False),
    ],
)
def test_to_whom(text: str, mentioned: bool, elsewhere: bool) -> None:
    event = to_event(ROOM | {"text": text}, ME, Room(kind="public"), NAMES)
    assert (event.mentioned, event.elsewhere) == (mentioned, elsewhere)


def test_a_reply_to_the_bot_is_to_the_bot() -> None:
    thread = {"thread_ts": "1.1", "parent_user_id": "UME"}
    room = Room(kind="public")
    assert to_event(ROOM | thread, ME, room, NAMES).mentioned
    assert not to_event(ROOM | thread | {"text": "<@UBO> you?"}, ME, room, NAMES).mentioned
    assert not to_event(DM | thread, ME, Room(kind="dm"), NAMES).mentioned


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello 你好", "hello 你好"),
        ("<@UME> hello", "hello"),
        ("<@UME>, hello", "hello"),
        ("<@UME>：你好", "你好"),
        (" <@UME> <@UME|reverie>: hi", "hi"),
        ("what does <@UME> think", "what does think"),
        ("thanks <@UME>", "thanks"),
        ("<@UME>", ""),
        ("<@UANA> and <@UBO|bo>", "@Ana and @小波"),
        ("<@UWHO> and <@UWHO|someone>", "@UWHO and @someone"),
        ("in <#C1|general> and <#C2> and <#C3>", "in #general and #随机 and #C3"),
        ("<#C2|>", "#随机"),
        ("<!here> <!channel> <!everyone|everyone>", "@here @channel everyone"),
        ("<!subteam^S1|@team> <!subteam^S2>", "@team @subteam"),
        ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
        ("see <https://a.b/c?d=1&amp;e=2>", "see https://a.b/c?d=1&e=2"),
        ("see <https://a.b|the page>", "see the page (https://a.b)"),
        ("see <http://a.b|a.b>", "see http://a.b"),
        ("<mailto:a@b.c|a@b.c> <tel:+123|123>", "a@b.c +123"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
        ("&lt;@UANA&gt;", "<@UANA>"),
        ("```\nif a &lt; b:\n    x\n```", "```\nif a < b:\n    x\n```"),
        ("a\n  b", "a\n  b"),
    ],
)
def test_plain_words(text: str, words: str) -> None:
    assert plain(text, ME, NAMES) == words


def test_ids_whose_names_are_to_be_asked_for() -> None:
    text = "<@UANA> <@UBO|bo> <#C1|general> <#C2> <#C3|> <https://a.b> <!here> &lt;@UNO&gt;"
    assert ids_in(text) == (["UANA"], ["C2", "C3"])


# ---- refusals ----------------------------------------------------------------------------------


def refusal(status: int, data: Any, headers: dict[str, str] | None = None) -> SlackApiError:
    response = AsyncSlackResponse(
        client=AsyncWebClient(), http_verb="POST", api_url="", req_args={}, data=data,
        headers=headers or {}, status_code=status,
    )  # fmt: skip
    return SlackApiError("a secret text", response)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("error", "final", "after", "words"),
    [
        (refusal(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}), False, 30, ""),
        (refusal(200, {"ok": False, "error": "ratelimited"}), False, None, "limits"),
        (refusal(500, {}), False, None, "HTTP 500"),
        (refusal(502, None), False, None, "HTTP 502"),
        (refusal(503, {"ok": False, "error": "service_unavailable"}), False, None, "trouble"),
        (refusal(200, {"ok": False, "error": "fatal_error"}), False, None, "fatal_error"),
        (refusal(200, {"ok": False, "error": "not_in_channel"}), True, None, "/invite"),
        (refusal(200, {"ok": False, "error": "invalid_auth"}), False, 60, "SLACK_BOT_TOKEN"),
        (refusal(200, {"ok": False, "error": "missing_scope", "needed": "a:b"}), True, None, "a:b"),
        (refusal(200, {"ok": False, "error": "brand_new"}), True, None, "brand_new"),
        (TimeoutError(), False, None, "cannot be reached"),
        (ConnectionResetError("a secret text"), False, None, "ConnectionResetError"),
    ],
)
def test_what_a_failure_means(
    error: Exception, final: bool, after: float | None, words: str
) -> None:
    address = Address(platform="slack", space="T1", channel="C1")
    failed: SendFailed = failure(error, address)
    assert (failed.final, failed.retry_after) == (final, after)
    assert words in str(failed)
    assert "secret" not in str(failed)


# ---- edits and deletions


def changed(now: Mapping[str, Any], before: Mapping[str, Any] | None, **more: Any) -> Any:
    event = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "channel_type": "channel",
        "ts": "20.0",
        "event_ts": "20.5",
        "message": now,
        "previous_message": before,
        **more,
    }
    found = change_in(event, ME)
    return found and to_changed(found, ME, Room(kind="private"), {})


SAID = {"type": "message", "user": "U1", "text": "tea 茶", "ts": "10.0"}
EDITED = {**SAID, "text": "绿茶", "edited": {"user": "U1", "ts": "20.0"}}


def test_an_edit_is_of_the_message_as_it_was() -> None:
    found = changed(EDITED, SAID)
    assert (found.event, found.text, found.user) == ("C1:10.0", "绿茶", "U1")
    assert (found.address.thread, found.room_kind) == ("10.0", "public")
    assert found.at.timestamp() == 20.5
    reply = changed({**EDITED, "thread_ts": "5.0"}, SAID)
    assert reply.address.thread == "5.0"
    direct = changed({**EDITED, "thread_ts": "10.0"}, SAID, channel_type="im")
    assert (direct.address.thread, direct.room_kind) == (None, "dm")


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ({**SAID, "attachments": [{}]}, SAID),  # a preview
        ({**EDITED, "attachments": [{}]}, EDITED),  # of what was edited before
        ({**EDITED, "bot_id": "B1"}, SAID),
        ({**EDITED, "user": ME.user}, SAID),
        ({**EDITED, "subtype": "channel_topic"}, SAID),
        ({}, None),
    ],
)
def test_what_is_no_edit_by_a_person(now: dict[str, Any], before: dict[str, Any] | None) -> None:
    assert changed(now, before) is None


def test_a_deletion_and_a_tombstone() -> None:
    gone = changed({}, SAID, subtype="message_deleted", deleted_ts="10.0")
    tomb = changed({"subtype": "tombstone", "ts": "10.0", "user": "USLACKBOT"}, SAID)
    for found in (gone, tomb):
        assert (found.event, found.text, found.user) == ("C1:10.0", None, "U1")
    own = {**SAID, "bot_id": "B1", "user": ME.user}
    assert changed({}, own, subtype="message_deleted", deleted_ts="10.0") is None
    assert changed({}, None, subtype="message_deleted") is None


def test_files_of_a_message() -> None:
    files = [
        {"name": "a.txt", "mimetype": "text/plain", "size": 3, "url_private": "https://x/a"},
        {"id": "F2", "url_private": "https://x/b", "url_private_download": "https://x/b/get"},
        {"id": "F3", "mode": "tombstone"},
    ]
    first, second = files_of({"files": files})
    assert (first.name, first.kind, first.size, first.ref) == (
        "a.txt",
        "text/plain",
        3,
        "https://x/a",
    )
    assert (second.name, second.ref) == ("F2", "https://x/b/get")
    assert files_of({}) == files_of({"files": None}) == ()
