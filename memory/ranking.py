"""One order out of two searches, by words and by meaning. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

# Recall at 10 (at 1): on LoCoMo, 302 questions of two conversations, .62 (.32), of words alone .59
# (.28), of meaning alone .48 (.20); on 30 paraphrased Chinese questions 1.0 (.67), .50 (.20), 1.0
# (.87). More weight of words helps English, less helps Chinese; this is between.
MEANING = 0.3
WORDS = 0.7
CHARACTER = 0.1  # of a longer term's part in the coverage: most texts share some CJK characters
TOP = 100  # the nearest by meaning among which similarities are spread from 0 to 1

Scored = tuple[int, float]  # seq, score: more is better
Ranked = tuple[int, float, tuple[str, ...]]  # seq, score, why: of "words", "meaning"

_GOODNESS = itemgetter(1, 0)  # by score; of equals the newer, with the greater seq, is better
_WHY = {
    (True, True): ("words", "meaning"),
    (True, False): ("words",),
    (False, True): ("meaning",),
    (False, False): (),
}


def fuse(words: Sequence[Scored], dense: Sequence[Scored], coverage: float) -> list[Ranked]:
    """Both searches' hits in one order, best first; of equals the newer (greater seq) first.

    words: (seq, minus FTS5's bm25()). dense: (seq, similarity), of which the best 100 count.
    Similarities of an embedder have no zero, so they are spread over their own range; scores of
    words are taken relative to the best, which says nothing of how good that one is: that is
    what `coverage`, 0 to 1, adds. It does not matter where there are no vectors.
    """
    near = _spread(sorted(dense, key=_GOODNESS, reverse=True)[:TOP])
    best = max((score for _, score in words), default=0.0)
    share = coverage if near else 1.0
    said = {seq: share * score / best for seq, score in words if score > 0}
    ranked: list[Ranked] = []
    for seq in near.keys() | said.keys():
        by_words, by_meaning = said.get(seq, 0.0), near.get(seq, 0.0)
        score = MEANING * by_meaning + WORDS * by_words
        ranked.append((seq, score, _WHY[by_words > 0, by_meaning > 0]))
    return sorted(ranked, key=_GOODNESS, reverse=True)


def coverage(
    asked: Collection[str], best: Collection[str], frequency: Mapping[str, int], total: int
) -> float:
    """How much of a question its best document by words has, by weight of the terms: 0 to 1.

    asked: words.query_terms of the question. best: words.terms of the document with the greatest
    score. frequency: in how many of the shelf's `total` documents a term is; 0 where missing.
    """
    weights = {term: _weight(term, frequency.get(term, 0), total) for term in asked}
    whole = sum(weights.values())
    had = set(best)
    return sum(weight for term, weight in weights.items() if term in had) / whole if whole else 0.0


def _weight(term: str, frequency: int, total: int) -> float:
    """BM25's weight of a term, kept above zero for terms that nearly all documents have."""
    share = 1.0 if len(term) > 1 or term.isascii() else CHARACTER
    return share * math.log1p((max(total - frequency, 0) + 0.5) / (frequency + 0.5))


def _spread(top: Sequence[Scored]) -> dict[int, float]:
    """Scores from 0 (the last) to 1 (the first). Of one hit, or equal ones: 1."""
    if not top:
        return {}
    high, low = top[0][1], top[-1][1]
    width = high - low
    return {seq: (score - low) / width if width else 1.0 for seq, score in top}
