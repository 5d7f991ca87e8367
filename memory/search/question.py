"""What a question asks for: words, perhaps a time, perhaps somebody's words. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from memory.search.when import Span, span
from memory.words import is_word, query_terms, terms

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}")
_KANA = re.compile(r"[\u3040-\u30ff]")
_GIVEN = 2  # characters of a given name


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


def in_words(question: Question) -> Question:
    """A question that only names a time as one for the words of it."""
    return replace(question, terms=tuple(query_terms(question.text)), span=None)


def named(question: Question, speakers: Iterable[str]) -> str:
    """The speaker that a question names, by a word of their name; "" for none, or more than one.

    Words that say nothing are no names, unless they are written as one: "What will we do?" does
    not ask for Will, "What does Will like?" does.
    """
    asked = {term for term in question.terms if is_word(term) and len(term) > 1}
    found = {speaker for speaker in speakers if _names(question.text, asked, speaker)}
    return found.pop() if len(found) == 1 else ""


def _names(question: str, asked: set[str], speaker: str) -> bool:
    if not asked.isdisjoint(terms(speaker)):
        return True
    return any(_given(run) in question for run in _CJK.findall(speaker))


def _given(name: str) -> str:
    """What somebody of a whole Chinese or Korean name is called: 小明 of 王小明, 민수 of 김민수."""
    return name if _KANA.search(name) else name[-_GIVEN:]
