"""Words that are not the speaker's own do not edit core memory, unless that person says so."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bot.tools.memory import TOOLS
from bot.types import ToolResult
from memory.core import lines_of
from memory.draft import Draft
from memory.secrets import masked
from memory.types import Ask, Claim, Message
from memory.words import query_terms, terms

OURS: Final = frozenset(tool.name for tool in TOOLS)
CORE: Final = frozenset({"core_memory_append", "core_memory_replace"})
OWN: Final = 0.6  # of a line's words that the person said: then it is theirs
ASKED = (
    "Not saved: this comes from {source}, and the person did not say it. They are asked whether to"
    " keep it. Go on without it."
)


def source(turn: Sequence[Message], results: Sequence[ToolResult]) -> str:
    """What else than the person speaks in a turn: a file, or a tool from outside; "" if nothing."""
    files = [row.speaker for row in turn if row.tainted]
    calls = {wish.id: wish.name for row in turn for wish in row.calls}
    named = [calls.get(row.answers or "", "") for row in turn if row.role == "tool"]
    named += [result.call.name for result in results]
    tools = [f"the tool {name}" for name in named if name and name not in OURS]
    return next(iter([*files, *tools]), "")


def own(arguments: Mapping[str, object], words: str) -> bool:
    """Whether what would be written, or taken out, is what the person said."""
    new = str(arguments.get("new_content") or arguments.get("content") or "")
    return all(_said(line, words) for line in lines_of(new or str(arguments.get("old_content"))))


def _said(line: str, words: str) -> bool:
    asked = set(query_terms(line) or terms(line))
    return line in words or (bool(asked) and len(asked & set(terms(words))) / len(asked) >= OWN)


def held(
    name: str, arguments: Mapping[str, object], claim: Claim, draft: Draft, words: str,
    foreign: Callable[[], str],
) -> str:  # fmt: skip
    """What a model is told instead of the result, where the person is asked first; "" if not."""
    if name not in CORE or own(arguments, words):
        return ""
    what = foreign()
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
