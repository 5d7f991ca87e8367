"""Scripted histories: what people tell the bot from day to day, what they ask weeks later, and how
an answer is scored.

A file of bot/eval/histories has `chatter`, sentences that say nothing of their writer, and
`histories`. A turn of a history is one of

    {"day": 1, "at": "09:12", "who": "Ines", "say": "I moved to Porto"}
    {"day": 3, "at": "18:00", "who": "Ines", "chat": 24, "until": 9}
    {"day": 8, "at": "10:30", "who": "Ines", "forget": "Porto|Lisbon"}
    {"day": 40, "at": "09:30", "who": "Ines", "ask": "Where do I live?", "right": ["Porto"],
     "stale": ["Lisbon"], "leaked": []}

with "where": "#garden" in a public room, and as a direct message without. Days begin with 1, a
Monday. Patterns are regular expressions, without regard to case.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from typing import Any, Literal
from zlib import crc32

Language = Literal["en", "zh"]
Score = Literal["right", "stale", "missing", "leaked"]
Verb = Literal["say", "chat", "forget", "ask"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SCORES: tuple[Score, ...] = ("right", "stale", "missing", "leaked")
KINDS = {
    "told": "told once",
    "changed": "changed since",
    "again": "changed twice",
    "private": "told in a DM, asked by others",
    "room": "told in a room, asked by another",
    "chatter": "among much else",
    "figures": "dates, numbers, names",
    "likes": "preferences",
    "joined": "two facts together",
    "forgotten": "forgotten by /memory",
    "aside": "told in passing",
    "tongues": "asked in the other language",
}

# An old value in a sentence that has the new one, or one of these, is not given as what is so now.
_PAST = re.compile(
    r"\b(?:used to|formerly|previous(?:ly)?|earlier|no longer|not any ?more|in the past|instead of"
    r"|rather than)\b|以前|之前|原来|原先|曾经|不再|而不是|过去|早先",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing that a person does.

    after: how long after the midnight before day 1. room: "" is a direct message. text: what is
    said; of "forget", a pattern of what is. right, stale, leaked: patterns, of "ask" alone. Where
    nothing is right but to know nothing, `right` is empty.
    """

    after: timedelta
    who: str
    room: str
    verb: Verb
    text: str
    right: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happens to one bot over weeks, in order."""

    name: str
    kind: str
    language: Language
    turns: tuple[Turn, ...]


def score(turn: Turn, said: str) -> Score:
    """How good an answer is: leaked before stale, stale before right, right before missing."""
    said = unicodedata.normalize("NFKC", said)
    if _has(turn.leaked, said):
        return "leaked"
    if any(_has(turn.stale, part) and not _excused(turn, part) for part in _SENTENCE.split(said)):
        return "stale"
    return "right" if not turn.right or _has(turn.right, said) else "missing"


def _excused(turn: Turn, sentence: str) -> bool:
    """Whether an old value is told as an old one; what was forgotten is not told at all."""
    return bool(turn.right) and (_has(turn.right, sentence) or bool(_PAST.search(sentence)))


def _has(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def load(language: Language) -> tuple[History, ...]:
    """The histories of a language, as they came with the program."""
    file = resources.files(__package__).joinpath("histories", f"{language}.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    return tuple(
        History(
            name=record["name"],
            kind=record["kind"],
            language=language,
            turns=tuple(sorted(_turns(record, document["chatter"]), key=lambda turn: turn.after)),
        )
        for record in document["histories"]
    )


def _turns(history: Mapping[str, Any], chatter: Sequence[str]) -> Iterator[Turn]:
    for record in history["turns"]:
        if "chat" in record:
            yield from _chat(record, chatter, crc32(history["name"].encode()))
            continue
        verb: Verb = next(verb for verb in ("say", "forget", "ask") if verb in record)
        yield Turn(
            after=_after(record["day"], record["at"]),
            who=record["who"],
            room=record.get("where", ""),
            verb=verb,
            text=record[verb],
            right=tuple(record.get("right", ())),
            stale=tuple(record.get("stale", ())),
            leaked=tuple(record.get("leaked", ())),
        )


def _chat(record: Mapping[str, Any], chatter: Sequence[str], start: int) -> Iterator[Turn]:
    """So many sentences, one after the other, from the day up to the day `until`."""
    first = _after(record["day"], record["at"])
    span = _after(record.get("until", record["day"]), "23:00") - first
    for number in range(record["chat"]):
        yield Turn(
            after=first + span * number / record["chat"],
            who=record["who"],
            room=record.get("where", ""),
            verb="chat",
            text=chatter[(start + number) % len(chatter)],
        )


def _after(day: int, time: str) -> timedelta:
    hours, _, minutes = time.partition(":")
    return timedelta(days=day - 1, hours=int(hours), minutes=int(minutes))
