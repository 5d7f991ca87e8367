"""The embedded default: answers by rules, with no model behind it, and says so.

It keeps what it is told, finds it again and quotes it, and forgets on request, through the same
loop and tools as any other model. It cannot reason. The rules are in bot/llm/offline/rules.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from bot.llm.offline.answers import answer
from bot.llm.offline.digest import day_of, digest
from bot.llm.offline.orders import Order, ordered, told
from bot.llm.offline.quotes import (
    ENOUGH,
    Line,
    about,
    bare,
    overlap,
    read_blocks,
    read_messages,
    read_passages,
    read_recalled,
    same,
    terms,
    topic,
)
from bot.llm.offline.rules import Said, clauses, slot_of, understand
from bot.llm.offline.say import Language, language_of, quoted, say
from bot.llm.tokens import estimate
from bot.types import Completion, Prompt
from memory.types import Message, ToolCall

WINDOW = 16_000  # tokens; it needs none, but a window keeps its prompts small
SECTION = "human"  # the block that facts about the person go to
_LONG = 1_000  # characters from which a fact is too long to be always in view
_CALLS = 20  # writes and searches in one turn
_CHOICES = 5  # lines that are listed when it asks back
_QUERY = 200  # characters of a question that are searched for

Arguments = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One sentence of the turn. Its calls' ids begin with `key`, so that the next step finds
    them and their results again."""

    said: Said
    date: str
    key: str
    order: Order | None = None  # what it asks for elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A call that was made, and what came of it (None: nothing did)."""

    name: str
    arguments: Arguments
    result: str | None

    @property
    def failed(self) -> bool:
        return self.result is None or self.result.startswith("Error:")

    @property
    def changed(self) -> tuple[str, str]:
        """The line that a replacement took away, and the one that came."""
        old = str(self.arguments["old_content"]).split("\n")
        new = str(self.arguments["new_content"]).split("\n")
        gone = [line for line in old if line not in new]
        come = [line for line in new if line not in old]
        return "\n".join(gone), "\n".join(come)


class OfflineModel:
    """Implements the LLM protocol (bot/llm/base.py) without a language model.

    tz: the zone in which an event's date is written down.
    """

    def __init__(self, *, tz: tzinfo = UTC) -> None:
        self.tz = tz

    @property
    def name(self) -> str:
        return "offline (rules, no language model)"

    async def window(self) -> int:
        return WINDOW

    def count(self, text: str) -> int:
        return estimate(text)

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        return Completion(text=digest(messages, old=previous, tz=self.tz))

    async def close(self) -> None:
        pass

    async def complete(self, prompt: Prompt) -> Completion:
        """First the calls that the turn's messages ask for; then, with the results, the words."""
        rows = _turn(prompt.messages)
        heard = _heard(rows, self.tz)
        lines = read_blocks(prompt.system)
        recalled = None if prompt.recalled is None else read_recalled(prompt.recalled)
        if not prompt.closing and not any(row.role == "assistant" for row in rows):
            allowed = {tool.name for tool in prompt.tools}
            calls = tuple(call for call in _plan(heard, lines, recalled) if call.name in allowed)
            if calls:
                return Completion(calls=calls[:_CALLS])
        first = not any(row.role == "assistant" for row in prompt.messages)
        return Completion(text=_reply(heard, lines, recalled or (), rows, first=first))


def _turn(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The rows of the newest turn."""
    return tuple(row for row in messages if row.turn == messages[-1].turn)


def _heard(rows: Sequence[Message], tz: tzinfo) -> tuple[Heard, ...]:
    """Every sentence that people said in the turn."""
    people = [row for row in rows if row.role == "user" and not row.tainted]
    return tuple(
        Heard(said=said, date=day_of(row, tz), key=f"offline-{row.turn}-{place}-{n}-", order=order)
        for place, row in enumerate(people)
        for order in (ordered(row.text),)
        for n, said in enumerate(
            [Said(kind="other", words=row.text)] if order else understand(row.text)
        )
    )


# --- the first step: which tools to call -----------------------------------------------------


def _plan(
    heard: Sequence[Heard], lines: Sequence[Line], recalled: Sequence[Line] | None
) -> Iterator[ToolCall]:
    """The calls for what was heard. `lines` are followed as the calls will change them. What was
    looked for in memory already, `recalled`, is not searched for again where it has an answer."""
    known = list(lines)
    for each in heard:
        if recalled is not None and _answers(each.said, known, recalled):
            continue
        for number, (name, arguments) in enumerate(_wishes(each, known)):
            given = {**arguments, "request_heartbeat": True}
            yield ToolCall(
                id=f"{each.key}{number}",
                name=name,
                arguments=json.dumps(given, ensure_ascii=False),
            )
            _foresee(known, arguments)


def _answers(said: Said, lines: Sequence[Line], recalled: Sequence[Line]) -> bool:
    """Whether core memory says all of a question, or what was recalled says something of it."""
    if said.kind != "question":
        return False
    known = [line for line in lines if line.label != "persona"]
    return bool(about(said.words, recalled) or (topic(said.words) and about(said.words, known)))


def _wishes(heard: Heard, lines: Sequence[Line]) -> list[tuple[str, Arguments]]:
    said = heard.said
    if heard.order is not None:
        return [(heard.order.tool, heard.order.arguments)]
    if said.kind == "question":
        query = said.words[:_QUERY]
        return [
            ("archival_memory_search", {"query": query}),
            ("conversation_search", {"query": query}),
        ]
    if said.kind == "forget":
        targets = _to_forget(said, lines)
        return [_replacement(targets[0], "", lines)] if len(targets) == 1 else []
    if said.kind == "event" or (said.kind == "fact" and len(said.words) > _LONG):
        tag = "event" if said.kind == "event" else "note"
        return [
            ("archival_memory_insert", {"content": f"{heard.date}: {said.words}", "tags": [tag]})
        ]
    if said.kind != "fact" or _knows(said.words, lines):
        return []
    old = _outdated(said, lines)
    if old:
        return [_replacement(old, _renewed(old.text, said), lines)]
    return [("core_memory_append", {"section": SECTION, "content": said.words})]


def _replacement(line: Line, new: str, lines: Sequence[Line]) -> tuple[str, Arguments]:
    """The call that puts `new` in a line's place, or nothing. The old text must occur once in the
    block: where it is part of another line too, lines around it are given with it."""
    block = [each.text for each in lines if each.label == line.label]
    text = "\n".join(block)
    first = block.index(line.text)
    after = first + 1
    while text.count("\n".join(block[first:after])) > 1:
        first, after = (first, after + 1) if after < len(block) else (first - 1, after)
    old = block[first:after]
    renewed = [new if each == line.text else each for each in old]
    arguments = {
        "section": line.label,
        "old_content": "\n".join(old),
        "new_content": "\n".join(filter(None, renewed)),
    }
    return "core_memory_replace", arguments


def _foresee(known: list[Line], arguments: Arguments) -> None:
    """Change the known lines as a call is going to, for the sentences that follow."""
    section = arguments.get("section")
    if not section:
        return
    text = "\n".join(line.text for line in known if line.label == section)
    if "content" in arguments:
        text += f"\n{arguments['content']}"
    else:
        text = text.replace(str(arguments["old_content"]), str(arguments["new_content"]), 1)
    others = [line for line in known if line.label != section]
    fresh = [Line(label=str(section), text=each) for each in text.split("\n") if each]
    known[:] = others + fresh


def _knows(words: str, lines: Sequence[Line]) -> bool:
    """Whether a line, or a part of one between commas, says just this."""
    return any(same(words, part) for line in lines for part in (line.text, *clauses(line.text)))


def _outdated(said: Said, lines: Sequence[Line]) -> Line | None:
    """The line that a fact takes the place of: one with another value of the same thing, or the
    one that a correction is most clearly about."""
    own = [line for line in lines if line.label.startswith(SECTION)]
    if said.slot:
        for line in own:
            if said.slot in map(slot_of, clauses(line.text)):
                return line
    if said.corrects:
        asked = terms(said.words)
        best = _best([(overlap(asked, line.text), line) for line in own])
        return best[0] if len(best) == 1 else None
    return None


def _renewed(old: str, said: Said) -> str:
    """The old line with the part about the same thing in the new words; other parts stay."""
    parts = clauses(old)
    for part in parts:
        if len(parts) > 1 and said.slot and slot_of(part) == said.slot:
            return old.replace(part, said.words.rstrip("。.!！ "), 1)
    return said.words


def _to_forget(said: Said, lines: Sequence[Line]) -> list[Line]:
    """The lines that a wish to forget may mean: one is clear, several need asking back."""
    own = [line for line in lines if line.label != "persona"]
    wanted = bare(said.words)
    exact = [line for line in own if bare(line.text) == wanted]
    inside = [line for line in own if wanted and wanted in bare(line.text)]
    if exact or inside:
        return exact or inside
    asked = terms(said.words)
    return _best([(overlap(asked, line.text), line) for line in own]) or list(
        about(said.words, own)
    )


def _best(scored: Sequence[tuple[int, Line]]) -> list[Line]:
    best = max((score for score, _ in scored), default=0)
    return [line for score, line in scored if score == best >= ENOUGH]


# --- the second step: words ----------------------------------------------------------------------


def _reply(
    heard: Sequence[Heard], lines: Sequence[Line], recalled: Sequence[Line],
    rows: Sequence[Message], *, first: bool,
) -> str:  # fmt: skip
    asked = [row.text for row in rows if row.role == "user" and not row.tainted]
    who = frozenset(row.speaker for row in rows if row.role == "user")
    answers = []
    for each in heard:
        outcomes = _outcomes(each, rows)
        if each.order is not None:
            result = outcomes[0].result if outcomes else None
            answers.append(told(each.order, result, language_of(each.said.words)))
        elif each.said.kind in ("fact", "event"):
            answers.append(_told(each.said, outcomes, lines))
        elif each.said.kind == "forget":
            answers.append(_forgotten(each.said, outcomes, lines))
        elif each.said.kind == "question":
            found = [*recalled, *_results(outcomes)]
            answers.append(answer(each.said, found, lines, asked, who))
    if answers:
        return "\n".join(dict.fromkeys(answers))
    kinds = {each.said.kind for each in heard}
    language = language_of(" ".join(asked))
    if first or kinds & {"greeting", "help"}:
        return say("hello", language)
    return say("welcome" if kinds == {"thanks"} else "short", language)


def _outcomes(heard: Heard, rows: Sequence[Message]) -> list[Outcome]:
    results = {row.answers: row.text for row in rows if row.role == "tool"}
    return [
        Outcome(name=call.name, arguments=json.loads(call.arguments), result=results.get(call.id))
        for row in rows
        for call in row.calls
        if call.id.startswith(heard.key)
    ]


def _told(said: Said, outcomes: Sequence[Outcome], lines: Sequence[Line]) -> str:
    """What became of a statement. "Saved" is said of nothing but a write that succeeded."""
    language = language_of(said.words)
    words = quoted(said.words, language)
    for outcome in outcomes:
        if outcome.failed:
            return say("failed", language, words, _reason(outcome, language))
        if outcome.name == "core_memory_replace":
            return say("updated", language, *(quoted(text, language) for text in outcome.changed))
        return say("saved", language, words)
    return say("known" if _knows(said.words, lines) else "unsaved", language, words)


def _forgotten(said: Said, outcomes: Sequence[Outcome], lines: Sequence[Line]) -> str:
    language = language_of(said.words)
    for outcome in outcomes:
        words = quoted(outcome.changed[0], language)
        if outcome.failed:
            return say("stuck", language, words, _reason(outcome, language))
        return say("forgotten", language, words)
    choices = _to_forget(said, lines)[:_CHOICES]
    if not choices:
        return say("no match", language, quoted(said.words, language))
    listed = "\n".join(f"- {quoted(line.text, language)}" for line in choices)
    return f"{say('which', language)}\n{listed}"


def _reason(outcome: Outcome, language: Language) -> str:
    if outcome.result is None:
        return say("no result", language)
    return outcome.result.removeprefix("Error:").strip().partition("\n")[0]


def _results(outcomes: Sequence[Outcome]) -> list[Line]:
    found: list[Line] = []
    for outcome in outcomes:
        if not outcome.failed and outcome.result:
            archival = outcome.name == "archival_memory_search"
            found += (read_passages if archival else read_messages)(outcome.result)
    return found
