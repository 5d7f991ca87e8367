"""What was said while nobody listened: a conversation's history, from where we stopped hearing.

Slack sends nothing again that it could not deliver while the bot was away.
"""

import time
from asyncio import Lock, Task
from dataclasses import dataclass, field
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.trouble import PASSING, TROUBLE, code_of, status_of

MOST: Final = 200  # messages of a conversation: the newest of them
THREADS: Final = 100  # of a conversation, that are looked into: the liveliest of them
LONGEST: Final = 24 * 3600.0  # seconds
ROOTS: Final = 7 * LONGEST  # how long ago a thread may have begun
ROOT_PAGES: Final = 5
KINDS: Final = ("im", "mpim", "private_channel", "public_channel")
PAGES: Final = 20

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """A conversation: its messages are heard one after the other.

    newest: ts up to which it was heard, "" if that is unknown. edited: when the last edit was made
    that was heard. connection: the number of the one in
    which its gap was closed, or is being closed by `gap`.
    """

    channel: str
    newest: str = ""
    edited: str = ""
    connection: int = 0
    gap: "Task[None] | None" = None
    lock: Lock = field(default_factory=Lock)


async def conversations(client: AsyncWebClient) -> list[Json]:
    """All that the bot is in, as far as its scopes let it see. Raises TROUBLE."""
    found: list[Json] = []
    for kind in KINDS:
        try:
            found += await _pages(client, kind)
        except SlackApiError as error:
            if code_of(error) != "missing_scope":
                raise
    return found


async def _pages(client: AsyncWebClient, kind: str) -> list[Json]:
    found: list[Json] = []
    cursor = ""
    for _ in range(PAGES):
        told = await client.users_conversations(
            types=kind, exclude_archived=True, limit=MOST, cursor=cursor or None
        )
        found += told["channels"]
        cursor = (told.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return found


async def missed(client: AsyncWebClient, channel: str, since: str, edited: str = "") -> list[Json]:
    """The messages after a ts, in threads too, and edits of earlier ones, as events, oldest first;
    [] where the bot may not read.

    A thread is found by its first message, if that is not too old; so is an edit. Deletions leave
    no trace. edited: up to when edits were heard. Raises TROUBLE for what may be over soon.
    """
    now = time.time()
    oldest = f"{now - LONGEST:.6f}"
    try:
        rows = await _roots(client, channel, f"{now - ROOTS:.6f}")
        found = {row["ts"]: row for row in rows}
        alive = [row for row in rows if str(row.get("latest_reply") or "") > max(since, oldest)]
        alive.sort(key=lambda row: str(row["latest_reply"]), reverse=True)
        for root in alive[:THREADS]:
            told = await client.conversations_replies(
                channel=channel, ts=root["ts"], oldest=max(since, oldest), limit=MOST
            )
            found |= {row["ts"]: row for row in told["messages"]}
    except TROUBLE as error:
        if code_of(error) in PASSING or status_of(error) != 200:
            raise
        return []
    late = sorted(ts for ts in found if ts > max(since, oldest))[-MOST:]
    said = [{**found[ts], "channel": channel} for ts in late]
    changed = [
        _edit(row, channel)
        for row in found.values()
        if row["ts"] <= since and _edited(row) > max(since, edited, oldest)
    ]
    return sorted([*said, *changed], key=lambda event: str(event["ts"]))


async def _roots(client: AsyncWebClient, channel: str, oldest: str) -> list[Json]:
    """The messages of a conversation that are in no thread, or begin one; the newest first."""
    rows: list[Json] = []
    cursor = ""
    for _ in range(ROOT_PAGES):
        told = await client.conversations_history(
            channel=channel, oldest=oldest, limit=MOST, cursor=cursor or None
        )
        rows += told["messages"]
        cursor = (told.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return rows


def _edited(row: Json) -> str:
    return str((row.get("edited") or {}).get("ts") or "")


def _edit(row: Json, channel: str) -> Json:
    """The event that told of an edit."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": channel,
        "ts": _edited(row),
        "message": row,
    }
