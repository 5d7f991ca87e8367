"""What becomes of one agent's memory that gets another's facts, and how that is taken apart again.

Works on drafts and diffs, as memory/draft.py does; the rows are memory/links.py's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from memory import core, stale
from memory.archive import MAIN
from memory.draft import Draft
from memory.secrets.mask import masked
from memory.types import Block, Diff, Entry, Fact, Origin, Passage, Thing

Piece = tuple[Diff, ...]  # diffs that make sense only together


def elsewhere(origin: Origin) -> Origin:
    """The origin of what was learned by another agent: this one does not have the message."""
    return replace(origin, source=None)


def put_away(draft: Draft, fact: Fact, origin: Origin) -> Passage:
    """A fact as a passage, as a draft puts facts away."""
    return Passage(
        seq=draft.seq(), archive=MAIN, text=masked(fact.text)[0], at=fact.learned_at, origin=origin,
        tags=("core", fact.label),
    )  # fmt: skip


def merged(draft: Draft, block: Block, theirs: Sequence[Fact]) -> Iterator[Diff]:
    """What becomes of a block that gets another's facts.

    Those that are there are confirmed. Where there is no room for all, the least useful ones, of
    whichever side, become passages.
    """
    confirmed = {fact.text: fact.confirmed_at for fact in theirs}
    mine = [
        replace(fact, confirmed_at=max(fact.confirmed_at, confirmed[fact.text]))
        if fact.text in confirmed
        else fact
        for fact in block.facts
    ]
    known = {fact.text for fact in mine}
    last = mine[-1].position if mine else 0.0
    new = [fact for fact in theirs if fact.text not in known]
    fresh = [
        replace(fact, seq=draft.seq(), position=last + number, origin=elsewhere(fact.origin))
        for number, fact in enumerate(new, start=1)
    ]
    gone = {fact.seq for fact in _too_many(mine, fresh, block.limit)}
    for fact in fresh:
        away = fact.seq in gone
        yield Diff(before=None, after=put_away(draft, fact, fact.origin) if away else fact)
    for before, after in zip(block.facts, mine, strict=True):
        if after.seq in gone:
            yield Diff(before=None, after=put_away(draft, after, after.origin))
            yield Diff(before=before, after=core.ended(after, "archived", draft.at))
        elif after != before:
            yield Diff(before=before, after=after)


def _too_many(mine: Sequence[Fact], fresh: Sequence[Fact], limit: int) -> list[Fact]:
    """The facts that have to go so that a block keeps its limit. What was pinned elsewhere may go,
    if nothing else is left."""
    needed = _size([*mine, *fresh]) - 1 - limit
    if needed <= 0:
        return []
    loose = [replace(fact, pinned=False) for fact in fresh]
    return stale.to_put_away([*mine, *fresh], needed) or stale.to_put_away([*mine, *loose], needed)


def _size(facts: Sequence[Fact]) -> int:
    """Characters of facts with their line breaks, one too many."""
    return sum(len(fact.text) + 1 for fact in facts)


def pieces(entry: Entry) -> Iterator[Piece]:
    """The parts of a merge that can be taken back one by one: a fact that was put away goes with
    the passage that it became."""
    passage: Diff | None = None
    for diff in entry.diffs:
        if isinstance(diff.before, Fact) and diff.after and _archived(diff.after) and passage:
            yield (passage, diff)
            passage = None
            continue
        if passage:
            yield (passage,)
        passage = diff
    if passage:
        yield (passage,)


def _archived(thing: Thing) -> bool:
    return isinstance(thing, Fact) and thing.state == "archived"


def came(piece: Piece) -> bool:
    """Whether this is something that the merge brought."""
    return len(piece) == 1 and piece[0].before is None


def fitting(blocks: Sequence[Block], whole: Sequence[Piece]) -> list[Piece]:
    """Those pieces that can be taken back within the limits of the blocks: what was brought goes,
    and what had been put away for it comes back, as far as there still is room."""
    room = {block.label: block.limit + 1 - _size(block.facts) for block in blocks}
    for piece in whole:
        thing = piece[0].after
        if came(piece) and isinstance(thing, Fact):
            room[thing.label] += _size([thing])
    chosen = []
    for piece in reversed(whole):
        fact = piece[-1].before
        if len(piece) > 1 and isinstance(fact, Fact):
            if _size([fact]) > room[fact.label]:
                continue
            room[fact.label] -= _size([fact])
        chosen.append(piece)
    return chosen[::-1]
