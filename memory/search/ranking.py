"""One order out of all that is known of a search's candidates. Pure."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, product
from operator import itemgetter
from typing import NamedTuple

from memory.words import is_word

SATURATED = 2.2  # what bm25() gives a term at most, in weights of the term: its k1 is 1.2
# How much more of them a question of CJK characters must find: most are there by chance, and each
# is asked for thrice, alone and in two bigrams. Recall at 1 of our Chinese set is .55; with 2.5
# instead .52.
GRAM = 4.0
MEANT = 0.5  # of the way from the farthest of the nearest hundred to the nearest: said to match
TOP = 2  # candidates of a session that speak for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each sign counts.

    own, near: how often a word counts that stands in a text itself, or near it (memory/shelf.py).
    """

    meaning: float = 0.4
    words: float = 2.0
    own: float = 3.0
    near: float = 1.0
    speaker: float = 0.4
    time: float = 0.4
    session: float = 0.5


WEIGHTS = Weights()


class Candidate(NamedTuple):
    """What is known of a row. words: the part of `ideal` that FTS5's bm25() gives it, 0 without a
    hit. near: a similarity, or None. said: by the speaker whom the question names. when: 1 in the
    time that the question names, less after it. session: of the talk it stands in; 0: of none."""

    seq: int
    words: float = 0.0
    near: float | None = None
    said: bool = False
    when: float = 0.0
    session: int = 0


class Ranked(NamedTuple):
    """A candidate's place: of "words", "meaning", "speaker", "time", what speaks for it; and how
    good it is, not only better than others: its part of the question in words, and how much nearer
    it is than all that is near, in standard deviations."""

    seq: int
    score: float
    why: tuple[str, ...]
    words: float = 0.0
    apart: float | None = None


_GOODNESS = itemgetter(1, 0)  # by score; of equals the newer, with the greater seq, is better
_SIGNS = ("words", "meaning", "speaker", "time")
_WHYS = {there: tuple(compress(_SIGNS, there)) for there in product((False, True), repeat=4)}


def rank(candidates: Sequence[Candidate], weights: Weights = WEIGHTS) -> list[Ranked]:
    """Best first; of equals the newer (greater seq) first.

    Similarities of an embedder have no zero, so they are spread over their own range, 0 to 1. A
    session gives each of its candidates a share of what its best two have.
    """
    near = [each.near for each in candidates if each.near is not None]
    low, width = (min(near), max(near) - min(near)) if near else (0.0, 0.0)
    mean, spread = _usual(near)
    scores: list[float] = []
    signs: list[tuple[tuple[str, ...], float, float | None]] = []
    for _, words, similar, said, when, _ in candidates:
        meant, apart = 0.0, None
        if similar is not None:
            meant = (similar - low) / width if width else 1.0
            apart = (similar - mean) / spread
        scores.append(
            weights.meaning * meant
            + weights.words * words
            + weights.speaker * said
            + weights.time * when
        )
        signs.append((_WHYS[words > 0, meant >= MEANT, said, when > 0], words, apart))
    whole = _with_sessions(candidates, scores, weights.session)
    rows = zip(candidates, whole, signs, strict=True)
    ranked = [Ranked(each.seq, score, *theirs) for each, score, theirs in rows]
    return sorted(ranked, key=_GOODNESS, reverse=True)


def _with_sessions(
    candidates: Sequence[Candidate], scores: Sequence[float], weight: float
) -> list[float]:
    sessions: defaultdict[int, list[float]] = defaultdict(list)
    for each, score in zip(candidates, scores, strict=True):
        if each.session:
            sessions[each.session].append(score)
    shares = {
        session: weight * sum(sorted(theirs)[-TOP:]) / TOP for session, theirs in sessions.items()
    }
    shares[0] = 0.0
    return [score + shares[each.session] for each, score in zip(candidates, scores, strict=True)]


def _usual(near: Sequence[float]) -> tuple[float, float]:
    """The mean of similarities, and their standard deviation; 1 where they are all the same."""
    mean = math.fsum(near) / len(near) if near else 0.0
    square = math.fsum([(each - mean) ** 2 for each in near]) / len(near) if near else 0.0
    return mean, math.sqrt(square) or 1.0


def ideal(asked: Collection[str], frequency: Mapping[str, int], total: int) -> float:
    """What bm25() would give a text that is nothing but the question, again and again.

    Scores that are taken as parts of it say how much of the question a text has. Taken relative to
    the best score they say nothing of how good that one is: a Chinese question shares a few
    characters with some text nearly always, and recall at 10 falls from .85 to .58.

    asked: terms. frequency: in how many of the shelf's `total` documents each is; 0 where missing.
    The weight of a term is FTS5's own: log((total - n + .5) / (n + .5)), at least a millionth.
    """
    return SATURATED * sum(_weight(term, frequency.get(term, 0), total) for term in asked)


def _weight(term: str, count: int, total: int) -> float:
    odds = (total - count + 0.5) / (count + 0.5)
    weight = max(math.log(odds), 1e-6) if odds > 0 else 1e-6
    return weight if is_word(term) else weight * GRAM
