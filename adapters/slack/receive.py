"""A payload of Slack as an Event: plain words, and the facts of where they were said. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from adapters.base import Address, Attachment, Changed, Event, RoomKind

PLATFORM: Final = "slack"
SLACKBOT: Final = "USLACKBOT"
UNKNOWN: Final = "?"  # who said it
SPOKEN: Final = frozenset({None, "file_share", "me_message", "thread_broadcast"})  # subtypes
KINDS: Final[Mapping[str, RoomKind]] = {
    "im": "dm",
    "app_home": "dm",
    "mpim": "group",
    "group": "private",
    "channel": "public",
}

_OPENS = re.compile(r"\s*<(?:@(?P<user>\w+)|!subteam\^\w+)(?:\|[^<>]*)?>")
_TOKEN = re.compile(r"<(?P<sign>[@#!]?)(?P<what>[^<>|\n]+)(?:\|(?P<label>[^<>\n]*))?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot, as `auth.test` tells."""

    team: str
    user: str
    url: str = ""  # of the workspace, such as "https://team.slack.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who can read along, and what people call it."""

    kind: RoomKind
    name: str = ""
    creator: str = ""  # of a channel


def is_said(event: Mapping[str, Any], me: Me) -> bool:
    """Whether it is a message of a person: no edit, join or deletion, and of no bot, ours too."""
    return (
        event.get("type") in ("message", "app_mention")
        and event.get("subtype") in SPOKEN
        and not (event.get("hidden") or event.get("bot_id"))
        and event.get("user") not in (None, "", me.user, SLACKBOT)
        and bool(event.get("channel") and event.get("ts"))
    )


def to_event(
    event: Mapping[str, Any], me: Me, room: Room, names: Mapping[str, str], *, guest: bool = False
) -> Event:
    """Of what `is_said`. names: of the ids that `ids_in` finds, and of who said it."""
    text, user = str(event.get("text") or ""), str(event["user"])
    opening = _OPENS.match(text)
    elsewhere = opening is not None and opening["user"] != me.user
    called = f"<@{me.user}>" in text or f"<@{me.user}|" in text
    replied = event.get("parent_user_id") == me.user and not elsewhere
    kind = kind_of(event) or room.kind
    return Event(
        id=f"{event['channel']}:{event['ts']}",
        address=address_of(event, me, direct=kind == "dm"),
        user=user,
        name=names.get(user, user),
        text=plain(text, me, names),
        at=datetime.fromtimestamp(float(event["ts"]), UTC),
        room_kind=kind,
        room_name=room.name,
        mentioned=kind != "dm" and (called or replied),
        elsewhere=elsewhere,
        guest=guest,
        files=files_of(event),
    )


def files_of(event: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Of a message; those that can be fetched."""
    return tuple(
        Attachment(
            name=str(file.get("name") or file.get("title") or file.get("id") or "file"),
            kind=str(file.get("mimetype") or ""),
            size=int(file.get("size") or 0),
            ref=str(file.get("url_private_download") or file["url_private"]),
        )
        for file in event.get("files") or ()
        if file.get("url_private_download") or file.get("url_private")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A message that a person had written, as its event had it, and what became of it."""

    was: Mapping[str, Any]
    text: str | None  # as Slack writes it; None: it was deleted
    ts: str  # when
    edited: str = ""  # when, as the message itself tells


def change_in(event: Mapping[str, Any], me: Me) -> Change | None:
    """An edit or a deletion by a person; None for any other event.

    A preview of a link changes a message as well, with the same text. The first message of a thread
    leaves a tombstone while the thread has others.
    """
    now, before = event.get("message") or {}, event.get("previous_message") or {}
    match event.get("subtype"):
        case "message_deleted":
            was, text = {**before, "ts": event.get("deleted_ts")}, None
        case "message_changed" if now.get("subtype") == "tombstone":
            was, text = {**before, "ts": now.get("ts")}, None
        case "message_changed":
            was, text = now, str(now.get("text") or "")
            if not now.get("edited") or text == before.get("text"):
                return None
        case _:
            return None
    was = {**was, "type": "message", "hidden": False}
    was |= {name: event[name] for name in ("channel", "channel_type") if event.get(name)}
    if text is None and not was.get("user"):  # Slack does not tell whose it was
        was["user"] = UNKNOWN
    at = str(event.get("event_ts") or event.get("ts") or "")
    if not (at and is_said(was, me)):
        return None
    return Change(was=was, text=text, ts=at, edited=(now.get("edited") or {}).get("ts") or "")


def to_changed(change: Change, me: Me, room: Room, names: Mapping[str, str]) -> Changed:
    """names: of the ids that `ids_in` finds."""
    was = change.was
    kind = kind_of(was) or room.kind
    return Changed(
        event=f"{was['channel']}:{was['ts']}",
        address=address_of(was, me, direct=kind == "dm"),
        room_kind=kind,
        user="" if was["user"] == UNKNOWN else str(was["user"]),
        text=None if change.text is None else plain(change.text, me, names),
        at=datetime.fromtimestamp(float(change.ts), UTC),
    )


def kind_of(event: Mapping[str, Any]) -> RoomKind | None:
    """As the event tells; mentions do not."""
    return KINDS.get(str(event.get("channel_type")))


def address_of(event: Mapping[str, Any], me: Me, *, direct: bool) -> Address:
    """Where the answer goes: a message in a channel is answered in its thread.

    The first message of a thread was there before it, and has one only once it was answered.
    """
    thread, ts = str(event.get("thread_ts") or ""), str(event["ts"])
    return Address(
        platform=PLATFORM,
        space=me.team,
        channel=str(event["channel"]),
        thread=thread if thread not in ("", ts) else None if direct else ts,
    )


# ---- words -------------------------------------------------------------------------------------


def ids_in(text: str) -> tuple[list[str], list[str]]:
    """The users and the channels of which a text has only the id."""
    bare = [match for match in _TOKEN.finditer(text) if not match["label"]]
    users, channels = ([match["what"] for match in bare if match["sign"] == sign] for sign in "@#")
    return users, channels


def plain(text: str, me: Me, names: Mapping[str, str]) -> str:
    """A text as people see it, without the mention of the bot itself."""
    mine = rf"<@{re.escape(me.user)}(?:\|[^<>]*)?>"
    text = re.sub(rf"\A\s*(?:{mine}[\s,:，：]*)+", "", text)
    text = re.sub(rf"[ \t]*{mine}", "", text)
    shown = _TOKEN.sub(lambda token: _shown(token, names), text)
    return unescape(shown).strip()


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(token: re.Match[str], names: Mapping[str, str]) -> str:
    sign, what, label = token["sign"], token["what"], token["label"]
    if sign == "@":
        return f"@{names.get(what) or label or what}"
    if sign == "#":
        return f"#{names.get(what) or label or what}"
    if sign == "!":
        return label or f"@{what.partition('^')[0]}"
    bare = re.sub(r"\A(?:mailto|tel):", "", what)
    return bare if not label or bare.endswith(label) else f"{label} ({bare})"
