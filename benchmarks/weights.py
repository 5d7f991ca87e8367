"""The weights of the ranking, by cross-validation: chosen on all dialogues but the scored one."""

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import Cell, show
from bot.app import build_embedder
from bot.config import Settings
from bot.eval import dialogue
from bot.eval.retrieval import Bench, Scored, bench, summed
from memory.search.ranking import WEIGHTS, Weights

CHOICES = {
    "meaning": (0.2, 0.3, 0.4, 0.5),
    "own": (2.0, 3.0, 5.0),
    "speaker": (0.2, 0.4, 0.6),
    "time": (0.2, 0.4, 0.6),
    "session": (0.3, 0.5, 0.7),
}
SHOWN = ("R@1", "R@10", "nDCG@10", "hit@10", "session@5")


def candidates(count: int, seed: int) -> list[Weights]:
    """The shipped weights first, then some of the grid by chance. Words are the measure: 2."""
    chance = random.Random(seed)
    drawn = (
        replace(WEIGHTS, **{name: chance.choice(values) for name, values in CHOICES.items()})
        for _ in range(count)
    )
    return list(dict.fromkeys([WEIGHTS, *drawn]))


def goodness(scored: Sequence[Scored]) -> float:
    """What is made as great as possible: R@10 and nDCG@10 together."""
    found = summed(scored)["all"]
    return found["R@10"][0] + found["nDCG@10"][0]


async def measured(
    made: Bench, dialogues: Sequence[dialogue.Dialogue], weights: Weights
) -> dict[str, list[Scored]]:
    return {each.name: await made.run(each, "ours", weights) for each in dialogues}


async def main(given: argparse.Namespace) -> None:
    dialogues = [each for folder in given.data for each in dialogue.load(folder)]
    tried = candidates(given.count, given.seed)
    embedder = build_embedder(Settings.load())
    async with bench(embedder) as made:
        await made.fill(dialogues, lambda done, total: None)
        table = [await measured(made, dialogues, weights) for weights in tried]
    held: list[Scored] = []
    rows: list[list[Cell]] = []
    for out in (each.name for each in dialogues):
        best = max(
            range(len(tried)),
            key=lambda n: sum(goodness(rows) for name, rows in table[n].items() if name != out),
        )
        held.extend(table[best][out])
        rows.append([out, *_row(table[best][out]), _named(tried[best])])
    rows.append(["all, held out", *_row(held), ""])
    shipped = [each for found in table[0].values() for each in found]
    rows.append(["all, as shipped", *_row(shipped), _named(WEIGHTS)])
    show(f"{len(tried)} sets of weights", ["scored on", *SHOWN, "weights"], rows)


def _row(scored: Sequence[Scored]) -> list[Cell]:
    found = summed(scored)["all"]
    return [f"{found[name][0]:.3f}" for name in SHOWN]


def _named(weights: Weights) -> str:
    return " ".join(f"{name} {getattr(weights, name):g}" for name in CHOICES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="folders of dialogues")
    parser.add_argument("--count", type=int, default=24, help="sets of weights")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(main(parser.parse_args()))
