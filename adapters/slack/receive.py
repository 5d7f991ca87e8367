"""A payload of Slack as an Event: plain words, and the facts of where they were said. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from adapters.base import Address, Event, RoomKind

PLATFORM: Final = "slack"
SLACKBOT: Final = "USLACKBOT"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who can read along, and what people call it."""

    kind: RoomKind
    name: str = ""


def is_said(event: Mapping[str, Any], me: Me) -> bool:
    """Whether it is a message of a person: no edit, join or deletion, and of no bot, ours too."""
    return (
        event.get("type") in ("message", "app_mention")
        and event.get("subtype") in SPOKEN
        and not (event.get("hidden") or event.get("bot_id"))
        and event.get("user") not in (None, "", me.user, SLACKBOT)
        and bool(event.get("channel") and event.get("ts"))
    )


def to_event(event: Mapping[str, Any], me: Me, room: Room, names: Mapping[str, str]) -> Event:
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
    )


def kind_of(event: Mapping[str, Any]) -> RoomKind | None:
    """As the event tells; mentions do not."""
    return KINDS.get(str(event.get("channel_type")))


def address_of(event: Mapping[str, Any], me: Me, *, direct: bool) -> Address:
    """Where the answer goes: a message in a channel is answered in its thread."""
    own = None if direct else str(event["ts"])
    return Address(
        platform=PLATFORM,
        space=me.team,
        channel=str(event["channel"]),
        thread=str(event["thread_ts"]) if event.get("thread_ts") else own,
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
