"""What a person may do to core memory by hand: functions of a draft, told in a sentence."""

from collections.abc import Sequence
from typing import TypeVar

from bot.commands import types as commands
from bot.errors import Unconfirmed
from memory.draft import Draft, clipped
from memory.errors import BadInput, NotFound
from memory.types import Fact, Message
from memory.words import query_terms, sanitise, terms

CHOICES = 8  # facts, or messages, that are listed when words fit several
PLACELESS = ("discord/dm",)  # direct messages of Discord are in no guild
SHOW = "`/memory show` has the numbers."


class Unknown(NotFound):
    """No fact has all of the words."""


def apply(draft: Draft, verb: commands.Verb) -> str:
    """Do what a verb says."""
    match verb:
        case commands.Add(text=text, block=block):
            return add(draft, block, text)
        case commands.Edit(number=number, text=text):
            return edit(draft, number, text)
        case commands.Pin(number=number, pinned=pinned):
            return pin(draft, number, pinned=pinned)
        case commands.Keep(number=number):
            return keep(draft, number)
        case commands.Share(number=number, shared=shared):
            return share(draft, number, shared)
        case commands.Persona(text=text):
            return persona(draft, text)
        case commands.Clear(block=block, confirmed=confirmed):
            return clear(draft, block, confirmed=confirmed)
        case _:
            raise TypeError(f"no such verb: {verb!r}")


def add(draft: Draft, label: str, text: str) -> str:
    """Add a fact, or one for each line. Raises NotFound, ReadOnly, LimitReached, BadInput."""
    label = draft.speaker if label == "human" else label
    before = draft.last_seq
    said = draft.append(label, sanitise(text), action="add")
    born = [f"#{fact.seq}" for fact in draft.blocks[label].facts if fact.seq > before]
    return f"{said} ({', '.join(born)})" if born else said


def edit(draft: Draft, number: int, text: str) -> str:
    """Give a fact another text, in one line."""
    fact = _active(draft, number)
    line = draft.kept(" ".join(sanitise(text).split()))
    if not line:
        raise BadInput(f"The new text is empty. `/memory forget {number}` forgets #{number}.")
    for other in draft.block(fact.label).facts:
        if other.text == line:
            raise BadInput(f"#{other.seq} says just this already. Nothing was changed.")
    draft.edit(fact, line, action="edit")
    born = next(other for other in draft.blocks[fact.label].facts if other.text == line)
    return draft.told(f"#{number} is now #{born.seq}: {clipped(line)}")


def keep(draft: Draft, number: int) -> str:
    """Confirm a fact: a person looked at it, and it is right."""
    fact = _active(draft, number)
    draft.append(fact.label, fact.text, action="keep")
    return f"#{number} is right, then: {clipped(fact.text)}"


def pin(draft: Draft, number: int, pinned: bool) -> str:
    """Pin a fact, so that it is never put away, or let it go."""
    fact = _active(draft, number)
    state = "pinned" if pinned else "not pinned"
    if fact.pinned == pinned:
        return f"#{number} is {state} already."
    draft.pin(fact, pinned=pinned)
    return f"#{number} is {state} now: {clipped(fact.text)}"


def share(draft: Draft, number: int, shared: bool) -> str:
    """Let everybody in the workspace, where this is said, know a fact; or no longer."""
    fact = _active(draft, number)
    workspace = draft.origin.workspace
    if (shared and not workspace.partition("/")[2]) or workspace in PLACELESS:
        raise BadInput(
            "Share with whom? Say it in the workspace that should know, not in a direct message."
        )
    if (fact.origin.audience == "workspace") == shared:
        return f"#{number} is {'shared' if shared else 'not shared'} already."
    draft.share(fact, shared=shared)
    if shared:
        return (
            f"Everybody in this workspace may know #{number} now: {clipped(fact.text)}"
            f" (`/memory unshare {number}` takes it back)"
        )
    return f"#{number} is no longer shared: {clipped(fact.text)}"


def persona(draft: Draft, text: str) -> str:
    """Say in other words who the agent is. What it was before is in the journal."""
    draft.rewrite("persona", sanitise(text), action="persona")
    said = "This is who I am now (`/memory undo` takes it back):\n" + draft.blocks["persona"].text
    return draft.told(said)


def forget(draft: Draft, target: int | str) -> str:
    """Forget the fact with a number, or the one fact that has all of these words."""
    fact = _active(draft, target) if isinstance(target, int) else _meant(draft, target)
    draft.block(fact.label)
    draft.forget([fact], action="forget")
    return f"Forgot #{fact.seq}: {clipped(fact.text)} (`/memory undo` brings it back)"


def clear(draft: Draft, label: str, *, confirmed: bool) -> str:
    """Forget all facts of a block, once the person has confirmed it."""
    if label == "persona":
        raise BadInput(
            "The persona cannot be cleared: without it I am nobody. Change it fact by fact with"
            " `/memory edit`."
        )
    facts = draft.block(label).facts
    if not facts:
        return f"There is nothing in '{label}'."
    if not confirmed:
        line = f"/memory clear {label}"
        raise Unconfirmed(
            f"This forgets {_count(facts)} of '{label}'. If you mean it, type `{line} yes`.", line
        )
    draft.forget(facts, action="clear")
    return f"Forgot {_count(facts)} of '{label}' (`/memory undo` brings them back)"


def _count(facts: Sequence[Fact]) -> str:
    return f"the {len(facts)} facts" if len(facts) > 1 else "the one fact"


def _all(draft: Draft) -> list[Fact]:
    return [fact for block in draft.blocks.values() for fact in block.facts]


def _active(draft: Draft, number: int) -> Fact:
    """The fact of this number, if it is in a block now."""
    for fact in _all(draft):
        if fact.seq == number:
            return fact
    raise NotFound(f"There is no fact #{number} in core memory. {SHOW}")


def _meant(draft: Draft, words: str) -> Fact:
    """The one fact that has all of the words. Raises NotFound that lists the facts it may be, and
    Unknown where there is none."""
    found = having(_all(draft), words)
    if not found:
        raise Unknown
    if len(found) > 1:
        told = f"{len(found)} facts have these words. Forget one by its number:"
        raise NotFound("\n".join([told, *listed(found)]))
    return found[0]


Worded = TypeVar("Worded", Fact, Message)


def having(things: Sequence[Worded], words: str) -> Sequence[Worded]:
    """Those that have all of the words; just the one that is nothing else, where there is one."""
    asked = set(query_terms(words) or terms(words))
    found = [thing for thing in things if asked and asked <= set(terms(thing.text))]
    exact = [thing for thing in found if thing.text == words.strip()]
    return exact if len(exact) == 1 else found


def listed(things: Sequence[Fact] | Sequence[Message]) -> list[str]:
    """A line for each, with its number; for the first few of many."""
    lines = [f"  #{thing.seq} {clipped(thing.text)}" for thing in things[:CHOICES]]
    more = [f"  and {len(things) - CHOICES} more"] if len(things) > CHOICES else []
    return lines + more
