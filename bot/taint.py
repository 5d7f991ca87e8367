"""Words that are not the speaker's own do not edit core memory, unless that person says so."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.tools.memory import READING, TOOLS
from bot.tools.reach import send_notification
from bot.types import ToolResult
from memory.core import lines_of
from memory.draft import Draft
from memory.secrets.mask import masked
from memory.types import Ask, Claim, Message, View
from memory.words import query_terms, terms

OURS: Final = frozenset(tool.name for tool in (*TOOLS, send_notification))
CORE: Final = frozenset({"core_memory_append", "core_memory_replace"})
OWN: Final = 0.6  # of a line's words that the person said: then it is theirs
ECHO: Final = 0.5  # of the words that they did not say, and somebody else did: then it is not
ASKED = (
    "Not saved: this comes from {source}, and the person did not say it. They are asked whether to"
    " keep it. Go on without it."
)
OTHERS = "Not saved: '{section}' is about somebody else, and only what they say themselves goes in."
_QUOTED = re.compile(r"^[ \t]*(?:>|＞|&gt;).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who says what, where a model calls tools. `results` are those of this step so far."""

    view: View
    turn: Sequence[Message]
    results: Sequence[ToolResult]
    person: str | None  # who speaks
    recalled: str = ""  # what memory had for their words that they did not say themselves

    @property
    def words(self) -> str:
        """What they say themselves in this turn: not what they quote, nor what others say."""
        return _own_words(self.turn, self.person)

    def source(self) -> str:
        """Who else speaks in this turn: a file, a tool from outside, a quotation, somebody in the
        room; "" if nobody."""
        calls = {wish.id: wish.name for row in self.turn for wish in row.calls}
        named = [calls.get(row.answers or "", "") for row in self.turn if row.role == "tool"]
        named += [result.call.name for result in self.results]
        tools = [f"the tool {name}" for name in named if name and name not in OURS]
        said = [_foreign(row, self.person) for row in self.turn if row.role == "user"]
        return next(filter(None, [*said, *tools]), "")

    def echoed(self, text: str) -> str:
        """Whose words of earlier, or found in memory, a text repeats that the person never said;
        "" if nobody's. An empty text takes something away: anybody may have asked for that."""
        said = f"{_own_words(self.view.history, self.person)}\n{self.words}"
        names = "\n".join(row.speaker for row in self.turn)
        unsaid = set(query_terms(text)) - set(terms(f"{said}\n{names}"))
        heard = [(what, unsaid & set(terms(words))) for what, words in self._heard()]
        known = {term for _, found in heard for term in found}
        if not heard or len(known) < len(unsaid) * ECHO or (text and not unsaid):
            return ""
        return max(heard, key=lambda pair: len(pair[1]))[0]

    def _heard(self) -> Iterator[tuple[str, str]]:
        """All that the model can read and that is not from the person, with whose it is."""
        rows = [*self.view.history, *self.turn]
        calls = {wish.id: wish.name for row in rows for wish in row.calls}
        done = [(calls.get(row.answers or "", ""), row.text) for row in rows if row.role == "tool"]
        done += [(result.call.name, result.text) for result in self.results]
        for name, text in done:
            if name not in OURS:
                yield f"the tool {name}", text
            elif name in READING and name != "send_message":
                yield "a search", text
        for row in rows:
            if row.role == "user" and (what := _foreign(row, self.person)):
                yield what, row.text
        for block in self.view.blocks:
            if block.person not in (None, self.person):
                yield block.label, block.text
        for name, fact in self.view.shared:
            yield name, fact.text
        summary = self.view.summary.text if self.view.summary else ""
        found = (("an earlier talk", summary), ("a search", self.recalled))
        yield from (pair for pair in found if pair[1])


def _foreign(row: Message, person: str | None) -> str:
    """Whose words a message is, or has, that are not the person's; "" if it is all theirs."""
    if row.tainted:
        return row.speaker
    if row.origin.person != person:
        return f"what {row.speaker or 'somebody'} said"
    return "a quotation" if _QUOTED.search(row.text) else ""


def _own_words(rows: Sequence[Message], person: str | None) -> str:
    said = [row for row in rows if row.role == "user" and not row.tainted]
    return "\n".join(_QUOTED.sub("", row.text) for row in said if row.origin.person == person)


def own(arguments: Mapping[str, object], words: str) -> bool:
    """Whether what would be written, or taken out, is what the person said."""
    new = str(arguments.get("new_content") or arguments.get("content") or "")
    return all(_said(line, words) for line in lines_of(new or str(arguments.get("old_content"))))


def _said(line: str, words: str) -> bool:
    asked = set(query_terms(line) or terms(line))
    return line in words or (bool(asked) and len(asked & set(terms(words))) / len(asked) >= OWN)


def held(
    name: str, arguments: Mapping[str, object], claim: Claim, draft: Draft, scene: Scene
) -> str:
    """What a model is told instead of the result, where the person is asked first; "" if not."""
    if name not in CORE:
        return ""
    block = draft.blocks.get(_section(arguments, draft))
    if block is not None and block.person not in (None, scene.person):
        return OTHERS.format(section=block.label)
    if own(arguments, scene.words):
        return ""
    new = str(arguments.get("new_content") or arguments.get("content") or "")
    what = scene.source() or scene.echoed(new)
    if not what:
        return ""
    last = claim.items[-1].payload
    if draft.origin.person is not None and last.get("user"):
        origin = draft.origin
        draft.asks.append(
            Ask(
                id=draft.seq(),
                kind="memory",
                person=draft.origin.person,
                target={"address": last["address"], "user": last["user"]},
                payload={
                    **{name: _kept(value) for name, value in arguments.items()},
                    "section": _section(arguments, draft),
                    "tool": name,
                    "from": what,
                    "origin": {
                        "audience": origin.audience,
                        "person": origin.person,
                        "room": origin.room,
                        "workspace": origin.workspace,
                    },
                },
                at=draft.at,
            )
        )
    return ASKED.format(source=what)


def _kept(value: object) -> object:
    """A question waits on disk, and secrets are not kept there."""
    return masked(value)[0] if isinstance(value, str) else value


def _section(arguments: Mapping[str, object], draft: Draft) -> str:
    section = str(arguments["section"])
    return draft.speaker if section == "human" else section
