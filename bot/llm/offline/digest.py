"""What stays of messages that leave the window, when there is no model to summarise them."""

from collections.abc import Sequence
from datetime import UTC, tzinfo

from bot.llm.offline.quotes import terms
from bot.llm.offline.rules import clean, understand
from memory.types import Message


def day_of(row: Message, tz: tzinfo) -> str:
    """The date of a message, YYYY-MM-DD."""
    return row.at.astimezone(tz).strftime("%Y-%m-%d")


def digest(
    messages: Sequence[Message], *, old: str = "", limit: int = 2_000, tz: tzinfo = UTC
) -> str:
    """A plain summary, at most `limit` characters, in place of one that a model would write.

    When, who and how many; then what people said that tells most, in order. The newest half of
    the `old` summary is carried on.
    """
    people = [row for row in messages if row.role == "user" and row.text.strip()]
    parts = _tail(old, limit // 2)
    if messages:
        parts.append(_heading(messages, tz))
    room = limit - sum(len(part) + 1 for part in parts)
    chosen: set[int] = set()
    for row in sorted(people, key=_worth, reverse=True):
        cost = len(_excerpt(row, tz)) + 1
        if cost <= room:
            chosen.add(row.seq)
            room -= cost
    parts += [_excerpt(row, tz) for row in people if row.seq in chosen]
    return "\n".join(parts)[:limit]


def _tail(text: str, limit: int) -> list[str]:
    """The last lines of a text that fit."""
    kept: list[str] = []
    for line in reversed(text.splitlines()):
        limit -= len(line) + 1
        if limit < 0:
            break
        kept.insert(0, line)
    return kept


def _heading(messages: Sequence[Message], tz: tzinfo) -> str:
    speakers: dict[str, int] = {}
    for row in messages:
        if row.role != "tool":
            name = row.speaker or ("you" if row.role == "assistant" else "the person")
            speakers[name] = speakers.get(name, 0) + 1
    days = sorted(day_of(row, tz) for row in messages)
    counts = ", ".join(f"{name} {number}" for name, number in speakers.items())
    return f"{days[0]} to {days[-1]}, {len(messages)} messages ({counts}):"


def _worth(row: Message) -> tuple[bool, int]:
    text = row.text[:400]
    facts = any(said.kind in ("fact", "event") for said in understand(text))
    return facts, len(terms(text))


def _excerpt(row: Message, tz: tzinfo, length: int = 160) -> str:
    words = " ".join(clean(row.text[: length * 2]).split())
    cut = words if len(words) <= length else words[:length] + "…"
    return f"- [{day_of(row, tz)}] {row.speaker or 'the person'}: {cut}"
