"""How well a ranking finds what answers a question. Pure.

R@k: the share of a question's evidence among the first k. hit@k: whether any is. nDCG@10 and MRR
as usual, every piece of evidence worth the same. session@5: whether a session with evidence is
among the first five different sessions. All are means over questions; ranges are 95 % intervals
by the normal approximation.
"""

import math
from collections.abc import Collection, Sequence

MEASURES = ("R@1", "R@5", "R@10", "R@20", "nDCG@10", "MRR", "hit@10", "session@5")
DEPTH = 20  # places that count
SESSIONS = 5


def score(
    found: Sequence[str], sessions: Sequence[int], evidence: Collection[str], right: Collection[int]
) -> tuple[float, ...]:
    """One question's MEASURES. found: ids, best first; sessions: of each of them. right: the
    sessions of the evidence."""
    places = [place for place, each in enumerate(found[:DEPTH]) if each in evidence]
    gain = sum(1 / math.log2(place + 2) for place in places if place < 10)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(10, len(evidence))))
    first = list(dict.fromkeys(sessions))[:SESSIONS]
    return (
        *(sum(place < k for place in places) / len(evidence) for k in (1, 5, 10, 20)),
        gain / ideal,
        1 / (places[0] + 1) if places else 0.0,
        float(any(place < 10 for place in places)),
        float(any(session in right for session in first)),
    )


def mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval."""
    count = len(values)
    middle = sum(values) / count
    variance = sum((value - middle) ** 2 for value in values) / max(count - 1, 1)
    return middle, 1.96 * math.sqrt(variance / count)
