"""Scale: what one archive costs as it grows to a million passages, as a table and as a plot."""

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.common import machine, median, percentile, scratch, show
from benchmarks.memory import rss
from benchmarks.search import ANA, CLUSTERS, DIM, FOUND, Known, Vectors
from memory import archive
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.index.cache import IndexCache
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Origin, Passage, now

CHUNK = 10_000  # passages written in one transaction
DICE = 1

Figures = dict[str, float]

# --- in a process of its own ----------------------------------------------------------------------


def chunks(size: int) -> Iterator[tuple[list[str], Vectors]]:
    """Sentences of common and rare words, a quarter of them Chinese; vectors in noisy clusters."""
    chance, dice = random.Random(DICE), np.random.default_rng(DICE)
    latin = [
        "".join(chance.choices("aeioulnrstkmdbp", k=chance.randint(3, 9))) for _ in range(8000)
    ]
    han = [chr(code) for code in range(0x4E00, 0x4E00 + 2000)]
    weights = [1 / rank for rank in range(10, 8010)]
    centres = dice.standard_normal((CLUSTERS, DIM), np.float32)
    for start in range(0, size, CHUNK):
        count = min(CHUNK, size - start)
        texts = [
            "".join(chance.choices(han, weights[:2000], k=18)) if number % 4 == 0
            else " ".join(chance.choices(latin, weights, k=14))
            for number in range(count)
        ]  # fmt: skip
        near = centres[dice.integers(CLUSTERS, size=count)]
        yield texts, unit(near + dice.standard_normal((count, DIM), np.float32))


def unit(vectors: Vectors) -> Vectors:
    one: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return one


def writing(
    agent: str, number: int, first: int, texts: Sequence[str], vectors: Vectors
) -> Callable[[Connection], None]:
    """Passages with their words by the store's own functions, their vectors in one go."""
    at, names = now(), {"agent": agent, "shelf": "passages", "embedder": Known.name}

    def work(conn: Connection) -> None:
        for seq, text in enumerate(texts, start=first):
            row = Passage(seq=seq, archive=archive.MAIN, text=text, at=at, origin=Origin())
            archive.insert(conn, agent, number, row)
        conn.execute("DELETE FROM embed_queue")
        conn.many(
            "INSERT INTO vectors(agent_id, shelf, embedder, seq, ver, vec)"
            " VALUES(:agent, :shelf, :embedder, :seq, :seq, :vec)",
            [
                {**names, "seq": seq, "vec": vector.astype("<f2").tobytes()}
                for seq, vector in enumerate(vectors, start=first)
            ],
        )
        conn.execute(
            "INSERT INTO index_state(agent_id, shelf, embedder, version, count)"
            " VALUES(:agent, :shelf, :embedder, :last, :more) ON CONFLICT DO UPDATE"
            " SET version = :last, count = count + :more",
            **names,
            last=first + len(texts) - 1,
            more=len(texts),
        )

    return work


async def written(database: SqliteDatabase, home: Path, size: int) -> Figures:
    """The rows, and then the index of them."""
    agent, _ = await Store(database).ensure(ANA)
    began, first = time.perf_counter(), 1000  # an agent has a few rows already
    for texts, vectors in chunks(size):
        await database.write(writing(agent.id, agent.number, first, texts, vectors))
        first += len(texts)
    rows = time.perf_counter() - began
    cache = IndexCache(home / "index", database, Known({}))
    began = time.perf_counter()
    await cache.rebuild(agent.id, "passages")
    built = time.perf_counter() - began
    await database.scrub()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"rows": rows, "build": built, "peak": peak / 1000, **await database.read(sizes)}


def sizes(conn: Connection) -> Figures:
    """Bytes on disk by what they hold."""
    parts = {"words": "%\\_words%", "vectors": "vectors%", "text": "passages"}
    found = {
        name: conn.one(
            "SELECT total(pgsize) AS n FROM dbstat WHERE name LIKE :like ESCAPE '\\'", like=like
        )
        for name, like in parts.items()
    }
    return {name: float(row["n"]) if row else 0.0 for name, row in found.items()}


async def searched(database: SqliteDatabase, home: Path, questions: int) -> Figures:
    """As after a start: nothing is open but the database. Then one question after the other."""
    asked = await database.read(lambda conn: about(conn, questions))
    known = Known({text: vector.astype("<f2").tobytes() for text, vector in asked})
    search = Search(database, known, home / "index")
    cache = IndexCache(home / "index", database, known, read_only=True)
    before, began = rss(), time.perf_counter()
    await search.find(operator(ANA.id), "passages", asked[0][0], size=FOUND)
    first = time.perf_counter() - began
    after = rss()
    whole, meaning, right = [], [], 0
    true = await database.read(lambda conn: exact(conn, np.array([each for _, each in asked])))
    for (text, vector), best in zip(asked, true, strict=True):
        began = time.perf_counter()
        await search.find(operator(ANA.id), "passages", text, size=FOUND)
        whole.append((time.perf_counter() - began) * 1000)
        sought = vector.astype("<f2").tobytes()
        await cache.search(ANA.id, "passages", sought, FOUND)
        began = time.perf_counter()
        near = await cache.search(ANA.id, "passages", sought, FOUND)
        meaning.append((time.perf_counter() - began) * 1000)
        right += len(best & {seq for seq, _ in near})
    file = sum(path.stat().st_size for path in (home / "index").rglob("*.faiss"))
    return {
        "first": first * 1000, "p50": median(whole), "p99": percentile(whole, 0.99),
        "meaning": median(meaning), "recall": right / FOUND / len(asked),
        "memory": (after - before) / 1000, "file": file,
    }  # fmt: skip


def about(conn: Connection, questions: int) -> list[tuple[str, Vectors]]:
    """Questions: some words of a passage, and a vector that is near to its own."""
    last = conn.one("SELECT max(seq) AS last FROM passages")
    chance, dice = random.Random(DICE), np.random.default_rng(DICE)
    asked = []
    for _ in range(questions):
        row = conn.one(
            "SELECT p.text, v.vec FROM passages AS p JOIN vectors AS v USING (agent_id, seq)"
            " WHERE agent_id = :agent AND seq = :seq AND v.shelf = 'passages'",
            agent=ANA.id,
            seq=chance.randint(1000, last["last"] if last else 0),
        )
        assert row is not None
        words = row["text"].split()
        noise = dice.normal(scale=0.03, size=DIM).astype(np.float32)
        vector = np.frombuffer(row["vec"], "<f2").astype(np.float32) + noise
        asked.append((" ".join(words[2:7]) or words[0][3:9], unit(vector.reshape(1, -1))[0]))
    return asked


def exact(conn: Connection, asked: Vectors) -> list[set[int]]:
    """The seqs that are truly nearest, by looking at every vector."""
    seqs, scores = np.zeros((len(asked), 0), np.int64), np.zeros((len(asked), 0), np.float32)
    last = -1
    while rows := conn.all(
        "SELECT seq, vec FROM vectors WHERE agent_id = :agent AND shelf = 'passages'"
        " AND embedder = :embedder AND seq > :last ORDER BY seq LIMIT 20000",
        agent=ANA.id,
        embedder=Known.name,
        last=last,
    ):
        last = rows[-1]["seq"]
        held = np.frombuffer(b"".join(row["vec"] for row in rows), "<f2").reshape(-1, DIM)
        new = np.array([[row["seq"] for row in rows]] * len(asked))
        seqs = np.hstack([seqs, new])
        scores = np.hstack([scores, asked @ held.astype(np.float32).T])
        best = np.argsort(-scores, axis=1)[:, :FOUND]
        seqs, scores = np.take_along_axis(seqs, best, 1), np.take_along_axis(scores, best, 1)
    return [set(row.tolist()) for row in seqs]


async def part(given: argparse.Namespace) -> None:
    database = SqliteDatabase(given.folder / "reverie.db")
    database.start(MIGRATIONS)
    try:
        if given.inside == "write":
            found = await written(database, given.folder, given.sizes[0])
        else:
            found = await searched(database, given.folder, given.questions)
    finally:
        await database.close()
    print(json.dumps(found))


# --- outside --------------------------------------------------------------------------------------


def measured(home: Path, size: int, questions: int) -> Figures:
    home.mkdir()
    found: Figures = {"size": size}
    for inside in ("write", "search"):
        command = [sys.executable, __file__, "--inside", inside, "--folder", str(home)]
        command += ["--sizes", str(size), "--questions", str(questions)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found |= json.loads(done.stdout)
    return found


def tables(found: Sequence[Figures]) -> None:
    show(
        "Time and memory",
        ["passages", "write s", "index s", "first ms", "p50 ms", "p99 ms", "of it index",
         "recall@10", "memory MB", "peak MB"],
        [[int(one["size"]), *(one[name] for name in ("rows", "build", "first", "p50", "p99",
          "meaning", "recall", "memory", "peak"))] for one in found],
    )  # fmt: skip
    show(
        "Bytes for each passage",
        ["passages", "text", "words", "vectors", "index file", "in memory"],
        [[int(one["size"]), *(one[name] / one["size"] for name in ("text", "words", "vectors",
          "file")), one["memory"] * 1e6 / one["size"]] for one in found],
    )  # fmt: skip


PANELS = (
    ("a search, p50, ms", "p50"), ("first search, ms", "first"),
    ("building the index, s", "build"), ("index in memory, MB", "memory"),
)  # fmt: skip


def plot(found: Sequence[Figures]) -> str:
    """The cost curves as SVG: both axes logarithmic, a panel for each figure."""
    wide, high = 340, 220
    panels = [
        f'<g transform="translate({wide * (n % 2)} {high * (n // 2)})">'
        + panel(title, [(one["size"], one[name]) for one in found]) + "</g>"
        for n, (title, name) in enumerate(PANELS)
    ]  # fmt: skip
    style = "text{font:12px sans-serif;fill:#444}path{fill:none;stroke:#36c;stroke-width:2}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * wide} {2 * high}">'
        f"<title>What an archive costs as it grows</title><style>{style}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def panel(title: str, points: Sequence[tuple[float, float]]) -> str:
    """One curve, with its figures written at its points."""
    sizes, values = zip(*points, strict=True)
    at = [
        (50 + 250 * part_of(size, sizes[0], sizes[-1]),
         170 - 120 * part_of(value, min(values), max(values)))
        for size, value in points
    ]  # fmt: skip
    line = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in at)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="#36c"/>'
        f'<text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="middle">{value:,.3g}</text>'
        f'<text x="{x:.0f}" y="195" text-anchor="middle">{size:,.0f}</text>'
        for (x, y), (size, value) in zip(at, points, strict=True)
    )
    return f'<text x="50" y="24" font-weight="bold">{title}</text><path d="{line}"/>{marks}'


def part_of(value: float, low: float, high: float) -> float:
    """Where a value lies between two others, logarithmically: 0 to 1."""
    return float(np.log(value / low) / np.log(high / low)) if high > low else 0.0


def main(given: argparse.Namespace) -> None:
    with scratch(given.folder) as folder:
        print(machine(folder), flush=True)
        found = []
        for size in given.sizes:
            found.append(measured(folder / str(size), size, given.questions))
            print(json.dumps(found[-1]), flush=True)
    tables(found)
    if given.plot:
        given.plot.write_text(plot(found), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where databases are made; a real disk")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the curves, as SVG")
    parser.add_argument("--inside", choices=["write", "search"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        asyncio.run(part(given))
    else:
        main(given)
