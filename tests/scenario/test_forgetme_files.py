"""After /forgetme no file of the home has a byte of the person; what is others' is all there."""

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack
from typing import Any

import pytest

from memory import archive, codec, recall, shelf
from memory.audience import operator
from memory.database.sqlite import SqliteConnection
from memory.index import faiss
from memory.ports import Connection
from memory.schema import FIRST
from memory.snapshot import Snapshot, dump, load
from memory.types import Entry, Fact, Message, Passage, Shelf, Summary
from memory.words import terms
from tests.scenario.forget_world import (
    ANA,
    ANA_TOO,
    BEN,
    CHEN,
    DIM,
    ROOMS,
    World,
    account,
    live,
    opened,
    room_of,
)

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")

ROOT = Path(__file__).parents[2]
SHELVES: tuple[Shelf, ...] = ("messages", "passages")
OTHERS = (account(BEN), account(CHEN), *sorted({room_of(room).id for room in ROOMS}))
Row = Fact | Message | Passage | Entry | Summary


@pytest.mark.parametrize("seed", range(4))
async def test_no_file_has_a_byte_of_the_person(tmp_path: Path, seed: int) -> None:
    async with opened(tmp_path / "home", seed) as world:
        await live(world, turns=25)
        await world.index()
        theirs, others = world.of(ANA), [*world.of(BEN), *world.of(CHEN)]
        before = {agent: await world.export(agent) for agent in OTHERS}
        wanted = {agent: without(whole, theirs) for agent, whole in before.items()}
        own = await world.export(account(ANA))
        vectors = vectors_of(own, numbers(own))
        for agent, whole in before.items():
            vectors += vectors_of(whole, numbers(whole) - numbers(wanted[agent]))
        replies = await world.database.read(lambda conn: replies_of(conn, theirs))

        assert {word for _, word in world.seen(theirs)} == set(theirs)  # the checks can fail
        assert theirs_among(await world.database.read(words_of_index), theirs)
        content = world.files()
        assert sum(vector in data for vector in vectors for data in content.values()) > 20

        await forget(world)

        await check(world, theirs, vectors)
        assert {word for _, word in world.seen(others)} == set(others)
        for agent, whole in wanted.items():
            now = await world.export(agent)
            assert load(dump(now))
            assert replace(now, vectors=()) == whole
            assert {v.seq for v in now.vectors} == numbers(whole) & {
                v.seq for v in before[agent].vectors
            }
        assert await world.database.read(lambda conn: replies_of(conn, theirs)) == replies
        await findable(world, wanted, others)
        await world.index()  # every index is built again, and has no more than that
        await check(world, theirs, vectors)
        await findable(world, wanted, others)


async def forget(world: World) -> None:
    receipt = await world.store.forget_person(account(ANA), at=world.at)
    assert set(receipt.gone) == {account(ANA), account(ANA_TOO)}
    assert set(receipt.rooms) == {room_of(room).id for room in ROOMS}
    assert await world.search.sweep()


async def check(world: World, theirs: Sequence[str], vectors: Sequence[bytes]) -> None:
    """That no file has any of it."""
    assert world.seen(theirs) == set()
    assert not theirs_among(await world.database.read(words_of_index), theirs)
    for data in world.files().values():
        assert not [vector for vector in vectors if vector in data]
    assert await world.database.read(leaves) == await world.database.read(fresh_leaves)


def about(row: Row, marks: Iterable[str]) -> bool:
    """Whether a row has words of a person, or the id of one of their accounts."""
    text = json.dumps(codec.plain(type(row), row), ensure_ascii=False)
    return any(mark in text for mark in marks)


def without(whole: Snapshot, theirs: Sequence[str]) -> Snapshot:
    """What is to be left: every row that says nothing of the person, and only those."""
    marks = [*theirs, account(ANA), account(ANA_TOO)]
    facts = {fact.seq for fact in whole.facts if not about(fact, marks)}
    return replace(
        whole,
        agent=replace(whole.agent, version=whole.agent.version + any_of(whole, marks)),
        blocks=tuple(block for block in whole.blocks if block.person not in marks),
        facts=tuple(
            replace(fact, superseded_by=fact.superseded_by if fact.superseded_by in facts else None)
            for fact in whole.facts
            if fact.seq in facts
        ),
        messages=tuple(row for row in whole.messages if not about(row, marks)),
        summaries=tuple(row for row in whole.summaries if not about(row, marks)),
        passages=tuple(row for row in whole.passages if not about(row, marks)),
        journal=tuple(row for row in whole.journal if not about(row, marks)),
        vectors=(),
    )


def any_of(whole: Snapshot, marks: Sequence[str]) -> bool:
    return any(about(row, marks) for row in whole.messages)


def numbers(whole: Snapshot) -> set[int]:
    return {row.seq for row in whole.messages} | {row.seq for row in whole.passages}


def vectors_of(whole: Snapshot, seqs: set[int]) -> list[bytes]:
    """The vectors of some rows, as the database and as FAISS has them."""
    halves = [b64decode(vector.vec) for vector in whole.vectors if vector.seq in seqs]
    return [*halves, *(pack(f"<{DIM}f", *unpack(f"<{DIM}e", half)) for half in halves)]


def replies_of(conn: Connection, theirs: Sequence[str]) -> list[tuple[Any, ...]]:
    """Those that have none of these words."""
    rows = conn.all("SELECT agent_id, id, key, text, state FROM outbox WHERE text <> ''")
    return [tuple(row) for row in rows if not any(word in row["text"] for word in theirs)]


def words_of_index(conn: Connection) -> set[str]:
    return {row["term"] for kind in SHELVES for row in conn.all(f"SELECT term FROM {kind}_terms")}


def theirs_among(indexed: set[str], theirs: Sequence[str]) -> set[str]:
    """The terms that are the person's, down to single characters of theirs."""
    rare = {character for word in theirs for character in word if "\u3400" < character < "\u4dc0"}
    words = {term for word in theirs for term in terms(word)}
    return {term for term in indexed if term in words or rare & set(term)}


def leaves(conn: Connection) -> list[bytes]:
    """The pages of the word indexes."""
    return [
        row["block"]
        for kind in SHELVES
        for row in conn.all(f"SELECT block FROM {kind}_words_data WHERE id > 10 ORDER BY id")
    ]


def fresh_leaves(conn: Connection) -> list[bytes]:
    """Those of indexes that were never told of anything but the rows that there are."""
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.executescript(FIRST)
        fresh = SqliteConnection(raw)
        for agent in conn.all("SELECT agent_id, number FROM agents ORDER BY number"):
            name, number = agent["agent_id"], agent["number"]
            for message in recall.page(conn, name, limit=-1):
                recall.insert(fresh, name, number, message)
            for passage in archive.page(conn, name, limit=-1):
                archive.insert(fresh, name, number, passage)
        shelf.merge_words(fresh)
        return leaves(fresh)


async def findable(world: World, wanted: dict[str, Snapshot], others: Sequence[str]) -> None:
    """That searches find, by words and by meaning, everything that is left."""
    looked = 0
    for agent, whole in wanted.items():
        forgotten = {fact.origin.source for fact in whole.facts if fact.state == "removed"}
        said = [row for row in whole.messages if recall.spoken(row) and row.seq not in forgotten]
        rows: list[tuple[Shelf, int, str]] = [
            *(("messages", row.seq, row.text) for row in said),
            *(("passages", row.seq, row.text) for row in whole.passages),
        ]
        for kind, seq, text in rows:
            for word in [word for word in others if word in text][:1]:
                hits, _ = await world.search.find(operator(agent), kind, word, size=500)
                assert "words" in next(hit for hit in hits if hit.seq == seq).why
                looked += 1
        hits, _ = await world.search.find(operator(agent), "messages", "You said", size=500)
        assert not hits or any("meaning" in hit.why for hit in hits)
    assert looked > 10


# --- killed in the middle -------------------------------------------------------------------------

DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.scenario.forget_world import ANA, account, opened, T0

where, home = sys.argv[1], Path(sys.argv[2])


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


async def main():
    async with opened(home) as world:
        whole, left = world.database.write, int(where) if where.isdigit() else -1

        async def write(work, **more):
            def counted(conn):
                execute = conn.execute

                def count(*args, **params):
                    nonlocal left
                    left -= 1
                    return die() if left == 0 else execute(*args, **params)

                conn.execute = count
                return work(conn)

            return await whole(counted, **more)

        world.database.write = write
        if where == "scrub":
            world.database.scrub = die
        await world.store.forget_person(account(ANA), at=T0)
        if where == "commit":
            die()
        await world.search.sweep()


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A home in which people have talked, and what Ana said."""
    home = tmp_path_factory.mktemp("lived") / "home"

    async def make() -> list[str]:
        async with opened(home, seed=7) as world:
            await live(world, turns=6)
            await world.index()
            return world.of(ANA)

    return home, asyncio.run(make())


@pytest.mark.parametrize("where", ["1", "40", "90", "commit", "scrub"])
async def test_killed_it_leaves_all_or_nothing(
    tmp_path: Path, lived: tuple[Path, list[str]], where: str
) -> None:
    home, theirs = tmp_path / "home", lived[1]
    shutil.copytree(lived[0], home)
    await asyncio.to_thread(die, where, home)
    async with opened(home) as world:
        world.marks[account(ANA)] = theirs
        before = await world.database.read(rows)
        if where.isdigit():
            async with opened(lived[0]) as untouched:
                assert before == await untouched.database.read(rows)
            await world.store.forget_person(account(ANA), at=world.at)
        assert not [row for row in await world.database.read(rows) if any(w in row for w in theirs)]
        assert world.seen(theirs)
        assert await world.search.sweep()  # as at every start
        assert world.seen(theirs) == set()
        left = {path.parent for path in world.files() if path.suffix == ".faiss"}
        assert len(left) == 2  # Ben's own and Chen's


def die(where: str, home: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, where, str(home)], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL


def rows(conn: Connection) -> list[str]:
    """Every row of every table, as text."""
    tables = conn.all(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRT%'"
    )
    return [
        f"{table['name']}: {tuple(row)}"
        for table in tables
        for row in conn.all(f"SELECT * FROM {table['name']}")
    ]
