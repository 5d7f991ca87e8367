"""Which facts of a block are the least useful. Pure policy; acting on it is others' work."""

from collections.abc import Sequence
from datetime import datetime

from memory.types import Fact
from memory.words import terms

QUOTED = 0.6  # of a fact's words: a reply that has as many was made with it


def mattered(fact: Fact) -> datetime:
    """When a fact last mattered to anybody: it was said, said again, or used in an answer."""
    return max(fact.learned_at, fact.confirmed_at, fact.used_at)


def usefulness(fact: Fact) -> tuple[float, int]:
    """Orders facts from the least to the most useful: by when they last mattered."""
    return (mattered(fact).timestamp(), fact.seq)


def to_put_away(facts: Sequence[Fact], room: int) -> list[Fact]:
    """The least useful unpinned facts whose lines together free `room` characters.

    Empty when even all of them would not do: then nothing is moved at all.
    """
    chosen: list[Fact] = []
    freed = 0
    for fact in sorted((fact for fact in facts if not fact.pinned), key=usefulness):
        if freed >= room:
            break
        chosen.append(fact)
        freed += len(fact.text) + 1  # its line break goes with it
    return chosen if freed >= room else []


def quoted(facts: Sequence[Fact], reply: str) -> list[Fact]:
    """The facts that a reply made use of: most of their words stand in it."""
    if not reply:
        return []
    spoken = set(terms(reply))
    used = []
    for fact in facts:
        words = set(terms(fact.text))
        if words and len(words & spoken) >= QUOTED * len(words):
            used.append(fact)
    return used
