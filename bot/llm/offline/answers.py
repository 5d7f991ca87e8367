"""What a question is answered with: facts of core memory, then what was recalled and found."""

from collections.abc import Sequence
from dataclasses import replace

from bot.llm.offline.quotes import (
    ENOUGH,
    IN_ROOM,
    Line,
    about,
    bare,
    of_now,
    outdated,
    overlap,
    terms,
    topic,
)
from bot.llm.offline.rules import Said, understand
from bot.llm.offline.say import Language, language_of, quoted, say

_FOUND = 3  # search results in one answer


def answer(
    said: Said, results: Sequence[Line], lines: Sequence[Line], asked: Sequence[str],
    who: frozenset[str],
) -> str:  # fmt: skip
    """The facts of core memory that answer a question, then what was recalled and found. `who`:
    those who ask; what others said is told with their names."""
    language = language_of(said.words)
    core = about(said.words, [line for line in lines if line.label != "persona"])
    told = [replace(line, speaker="") if line.speaker in who else line for line in results]
    found = _fresh(told, core, asked)
    if core:  # what core memory says of a person is newer than what was said once
        more = () if topic(said.words) else about(said.words, found)[:1]
        return _quotes(said.words, (*core, *more))
    fitting = about(said.words, found)[:_FOUND]
    if fitting:
        return _quotes(said.words, fitting)
    near = [_quote("near", line, language) for line in found[:1]]
    return "\n".join([say("nothing", language), *near])


def _fresh(found: Sequence[Line], core: Sequence[Line], asked: Sequence[str]) -> list[Line]:
    """Search results that tell something, are not quoted yet, and were not taken back."""
    heard = [(line, understand(IN_ROOM.sub("", line.text))) for line in found]
    wanted_gone = [terms(each.words) for _, said in heard for each in said if each.kind == "forget"]
    seen = [bare(line.text) for line in core] + [bare(text) for text in asked]
    fresh: list[Line] = []
    for line, said in heard:
        plain = bare(line.text)
        told = any(each.kind in ("fact", "event", "other") for each in said)
        gone = any(overlap(target, line.text) >= ENOUGH for target in wanted_gone)
        if told and not gone and not any(plain in one or one in plain for one in seen if one):
            fresh.append(line)
            seen.append(plain)
    return fresh


def _quotes(question: str, lines: Sequence[Line]) -> str:
    """Lines as they were said; what a later one seems to have replaced comes last."""
    language, last = language_of(question), max(line.date for line in lines)
    former = [
        line
        for line in lines
        if outdated(line, lines) or (line.date < last and not line.label and of_now(question))
    ]
    now = [_quote("quote", line, language) for line in lines if line not in former]
    return "\n".join([*now, *(_quote("earlier", line, language) for line in former)])


def _quote(phrase: str, line: Line, language: Language) -> str:
    date = f"({line.date})" if line.date else ""
    space = " " if date and language == "en" else ""
    who = line.speaker or line.label.partition(":")[2]  # in a room, whose block it is
    words = f"{who}: {line.text}" if who else line.text
    return say(phrase, language, f"{space}{date}", quoted(words, language))
