"""What a question asks for: words, perhaps a time, perhaps somebody's words. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from memory.search.when import Span, span
from memory.words import query_terms

_LATIN = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_CJK = re.compile(r"[\u3400-\u9fff]{2,}")
_GIVEN = 2  # characters of a Chinese given name: 王小明 is called 小明


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question taken apart. Without terms it says nothing but, perhaps, a time."""

    text: str
    terms: tuple[str, ...]
    span: Span | None = None


def ask(text: str, now: datetime) -> Question:
    """now: aware, in the zone in which the person's days begin.

    The words of a time are asked for as words too, for people say "in May" of a May long past: a
    question that has no others is for everything of that time.
    """
    when = span(text, now)
    terms = query_terms(text)
    if when is not None and not query_terms(text.replace(when.text, " ", 1)):
        terms = []
    return Question(text=text, terms=tuple(terms), span=when)


def named(question: str, speakers: Iterable[str]) -> str:
    """The speaker that a question names, by a word of their name; "" for none, or more than one."""
    words = {word.casefold() for word in _LATIN.findall(question)}
    found = {speaker for speaker in speakers if _names(question, words, speaker)}
    return found.pop() if len(found) == 1 else ""


def _names(question: str, words: set[str], speaker: str) -> bool:
    if any(len(word) > 1 and word.casefold() in words for word in _LATIN.findall(speaker)):
        return True
    runs = _CJK.findall(speaker)
    return any(run in question or (len(run) > _GIVEN and run[-_GIVEN:] in question) for run in runs)
