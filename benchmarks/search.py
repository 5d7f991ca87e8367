"""Search: archival and recall memory beside bare FAISS and bare FTS5, over the same rows."""

import argparse
import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import faiss
import numpy as np

from benchmarks.common import Cell, machine, median, percentile, profiled, scratch, show
from memory import archive, recall
from memory.agents import named_id
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.embed import local
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.search.ranking import WEIGHTS
from memory.sessions import BEFORE
from memory.store import Store
from memory.types import Birth, Message, Origin, Passage, Shelf, now
from memory.words import any_of, index_text, query_terms

DIM = 384
CLUSTERS = 64
FOUND = 10  # hits of a page
ANA = Birth(id=named_id("bench"), name="bench", kind="named", persona="I am a benchmark.")

Vectors = np.ndarray[Any, np.dtype[np.float32]]


class Known:
    """An embedder whose vectors were made before: what remains is the search itself."""

    name = "bench-384"
    dim = DIM

    def __init__(self, vectors: dict[str, bytes]) -> None:
        self._vectors = vectors

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        return [self._vectors[text] for text in texts]

    async def query(self, text: str) -> bytes:
        return self._vectors[text]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The rows of one agent's shelf, and what is asked of them."""

    texts: list[str]
    vectors: Vectors
    questions: list[str]
    asked: Vectors

    @property
    def known(self) -> dict[str, bytes]:
        return {
            q: v.astype("<f2").tobytes() for q, v in zip(self.questions, self.asked, strict=True)
        }


def world(size: int, questions: int) -> World:
    """Sentences of common and rare words, a quarter of them Chinese; vectors in noisy clusters."""
    chance, dice = random.Random(size), np.random.default_rng(size)
    latin = [
        "".join(chance.choices("aeioulnrstkmdbp", k=chance.randint(3, 9))) for _ in range(8000)
    ]
    han = [chr(code) for code in range(0x4E00, 0x4E00 + 2000)]
    weights = [1 / rank for rank in range(10, 8010)]
    texts = [
        "".join(chance.choices(han, weights[:2000], k=18)) if number % 4 == 0
        else " ".join(chance.choices(latin, weights, k=14))
        for number in range(size)
    ]  # fmt: skip
    centres = dice.normal(size=(CLUSTERS, DIM))
    vectors = _unit(centres[dice.integers(CLUSTERS, size=size)] + dice.normal(size=(size, DIM)))
    about = [chance.randrange(size) for _ in range(questions)]
    asked = _unit(vectors[about] + dice.normal(scale=0.03, size=(questions, DIM)))
    return World(
        texts=texts, vectors=vectors, questions=[_part(texts[n]) for n in about], asked=asked
    )


def _unit(vectors: Any) -> Any:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype("<f2").astype(np.float32)


def _part(text: str) -> str:
    """Some words of a text, as a person asks for it."""
    return " ".join(text.split()[2:7]) if " " in text else text[3:9]


# --- building -------------------------------------------------------------------------------------


def write(conn: Connection, kind: Shelf, agent: str, number: int, made: World) -> None:
    """All rows with their words by the store's own functions, their vectors in one go."""
    at, origin = now(), Origin()
    for seq, text in enumerate(made.texts, start=FIRST):
        if kind == "passages":
            row = Passage(seq=seq, archive=archive.MAIN, text=text, at=at, origin=origin)
            archive.insert(conn, agent, number, row)
        else:
            recall.insert(
                conn, agent, number, Message(seq=seq, role="user", text=text, at=at, origin=origin)
            )
    conn.execute("DELETE FROM embed_queue")
    names = {"agent": agent, "shelf": kind, "embedder": Known.name}
    conn.many(
        "INSERT INTO vectors(agent_id, shelf, embedder, seq, ver, vec)"
        " VALUES(:agent, :shelf, :embedder, :seq, :ver, :vec)",
        [
            {**names, "seq": FIRST + n, "ver": n + 1, "vec": vector.astype("<f2").tobytes()}
            for n, vector in enumerate(made.vectors)
        ],
    )
    conn.execute(
        "INSERT INTO index_state(agent_id, shelf, embedder, version, count)"
        " VALUES(:agent, :shelf, :embedder, :size, :size)",
        **names,
        size=len(made.texts),
    )


FIRST = 1000  # seq of the first row: an agent has a few already


class Bare:
    """What the two libraries take when nothing of ours stands around them."""

    def __init__(self, kind: Shelf, made: World, path: Path) -> None:
        faiss.omp_set_num_threads(1)
        self.flat = faiss.IndexFlatIP(DIM)
        self.flat.add(made.vectors)
        self.words = sqlite3.connect(path, check_same_thread=False)
        self.words.execute("CREATE VIRTUAL TABLE bare USING fts5(own, near, tokenize='ascii')")
        self.words.executemany(
            "INSERT INTO bare(rowid, own, near) VALUES(?, ?, ?)", indexed(kind, made.texts)
        )
        self.words.commit()

    def by_meaning(self, vector: Any) -> None:
        self.flat.search(vector.reshape(1, -1), FOUND)

    def by_words(self, question: str) -> None:
        sql = "SELECT rowid, own FROM bare WHERE bare MATCH ? ORDER BY bm25(bare, ?, ?) LIMIT ?"
        match = any_of(query_terms(question))
        self.words.execute(sql, (match, WEIGHTS.own, WEIGHTS.near, FOUND)).fetchall()


def indexed(kind: Shelf, texts: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """The same words as ours has: of a message, those of the two before it too."""
    for number, text in enumerate(texts):
        near = texts[max(0, number - BEFORE) : number] if kind == "messages" else []
        yield FIRST + number, index_text(text), index_text(" ".join(near))


# --- measuring ------------------------------------------------------------------------------------


async def measured(home: Path, kind: Shelf, size: int, given: argparse.Namespace) -> "Figures":
    made = world(size, given.questions)
    path = home / f"{kind}{size}.db"
    database = SqliteDatabase(path)
    database.start(MIGRATIONS)
    try:
        agent, _ = await Store(database).ensure(ANA)
        await database.write(lambda conn: write(conn, kind, agent.id, agent.number, made))
        folder = home / f"{kind}{size}"
        bare = Bare(kind, made, home / f"{kind}{size}-bare.db")
        rebuild = await first_search(database, folder, kind, made)
        load = await first_search(database, folder, kind, made)
        search = Search(database, Known(made.known), folder)
        await ours(search, kind, made.questions[0])
        with profiled(given.profile):
            times = await compared(bare, search, kind, made)
        await search.close()
        return Figures(size=size, rebuild=rebuild, load=load, times=times)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Milliseconds."""

    size: int
    rebuild: float  # the first search where there is no index file
    load: float  # the first search where there is one
    times: list[tuple[float, ...]]  # of each question: FAISS, FTS5, both on threads, ours

    def row(self) -> list[Cell]:
        flat, words, hops, whole = (median(column) for column in zip(*self.times, strict=True))
        slowest = percentile([each[-1] for each in self.times], 0.99)
        bare = flat + words
        row: list[Cell] = [self.size, flat, words, hops, whole, slowest]
        return [*row, whole / bare, whole / hops, self.load, self.rebuild]


async def first_search(database: SqliteDatabase, folder: Path, kind: Shelf, made: World) -> float:
    """As after a start: nothing is open but the database."""
    search = Search(database, Known(made.known), folder)
    took = await ours(search, kind, made.questions[0])
    await search.close()
    return took


async def compared(bare: Bare, search: Search, kind: Shelf, made: World) -> list[tuple[float, ...]]:
    """Each question is asked in all ways, one after the other."""
    times: list[tuple[float, ...]] = []
    for question, vector in zip(made.questions, made.asked, strict=True):
        flat = clock(partial(bare.by_meaning, vector))
        words = clock(partial(bare.by_words, question))
        began = time.perf_counter()
        await asyncio.to_thread(bare.by_words, question)
        await asyncio.to_thread(bare.by_meaning, vector)
        hops = (time.perf_counter() - began) * 1000
        times.append((flat, words, hops, await ours(search, kind, question)))
    return times


def clock(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


async def ours(search: Search, kind: Shelf, question: str) -> float:
    began = time.perf_counter()
    hits, _ = await search.find(operator(ANA.id), kind, question, size=FOUND)
    assert hits
    return (time.perf_counter() - began) * 1000


async def embedding_ms(questions: Sequence[str]) -> str:
    """What is on top for a question that was not asked before."""
    if not local.available():
        return "the local embedder is not installed here"
    embedder = local.LocalEmbedder()
    await embedder.query("warm up")
    times = []
    for question in questions:
        began = time.perf_counter()
        await embedder.query(question)
        times.append((time.perf_counter() - began) * 1000)
    await embedder.close()
    return f"p50 {median(times):.0f} ms ({embedder.name})"


async def main(given: argparse.Namespace) -> None:
    with scratch(given.folder) as home:
        print(machine(home), flush=True)
        shelves: tuple[Shelf, ...] = ("passages", "messages")
        for kind in shelves:
            found = [await measured(home, kind, size, given) for size in given.sizes]
            show(
                f"{NAMES[kind]}, ms a search",
                HEADS,
                [figures.row() for figures in found],
            )
        extra = await embedding_ms(world(200, 20).questions)
    print(
        "FAISS, FTS5: medians of the libraries alone, asked the same question in turn.\n"
        "on threads: both, as a program on an event loop must call them. aim: ours/both at most"
        " 3.\nfirst: the first search after a start; rebuild: the same with its"
        f" index file gone.\nEmbedding a new question is extra: {extra}."
    )


HEADS = [
    *("rows", "FAISS", "FTS5", "on threads", "ours p50", "ours p99"),
    *("ours/both", "ours/threads", "first", "rebuild"),
]
NAMES = {"passages": "Archival memory", "messages": "Recall memory"}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000], help="rows")
    parser.add_argument(
        "--large", dest="sizes", action="store_const", const=[1000, 10_000, 100_000]
    )
    parser.add_argument("--questions", type=int, default=100, help="of each row of a table")
    parser.add_argument("--folder", type=Path, help="where databases are made; a real disk")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    asyncio.run(main(parser.parse_args()))
