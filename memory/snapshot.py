"""An agent as one JSON document: everything it remembers, out and in again.

Reading verifies all of it before anything is written, and writing is one transaction. Vectors go
along, so that searches give the same answers at once; what has none yet is queued again.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from math import isfinite

from pydantic import ValidationError

from memory import agents, archive, audience, codec, core, journal, recall, shelf
from memory.errors import BadInput, Conflict, NotFound
from memory.ports import Connection, Database
from memory.types import Agent, Block, Entry, Fact, Message, Passage, Shelf, Summary, Viewer

FORMAT = "reverie-agent"
VERSION = 1
MOST = 2**53  # of a number: what every reader of JSON keeps exactly

Progress = Callable[[int, int], None]  # rows done, rows in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """The meaning of one row, in one embedder's space."""

    shelf: Shelf
    embedder: str
    seq: int
    vec: str  # little-endian float16, in base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One agent, whole."""

    format: str
    version: int
    agent: Agent
    blocks: tuple[Block, ...]  # without facts: those follow
    facts: tuple[Fact, ...]
    messages: tuple[Message, ...]
    summaries: tuple[Summary, ...]
    archives: tuple[str, ...]
    passages: tuple[Passage, ...]
    journal: tuple[Entry, ...]
    vectors: tuple[Vector, ...] = ()
    checksum: str = ""  # SHA-256 of all the rest


def take(conn: Connection, agent: Agent) -> Snapshot:
    """Everything of an agent, as it stands in this transaction."""
    blocks = tuple(replace(block, facts=()) for block in core.blocks(conn, agent.id))
    return Snapshot(
        format=FORMAT,
        version=VERSION,
        agent=replace(agent, number=0),
        blocks=blocks,
        facts=tuple(core.all_facts(conn, agent.id)),
        messages=tuple(recall.page(conn, agent.id, limit=-1)),
        summaries=tuple(recall.summaries(conn, agent.id)),
        archives=tuple(archive.archives(conn, agent.id)),
        passages=tuple(archive.page(conn, agent.id, limit=-1)),
        journal=tuple(journal.page(conn, agent.id, newest_first=False, limit=-1)),
        vectors=tuple(
            Vector(
                shelf=row["shelf"],
                embedder=row["embedder"],
                seq=row["seq"],
                vec=b64encode(row["vec"]).decode(),
            )
            for row in shelf.vectors(conn, agent.id)
        ),
    )


def seen_by(viewer: Viewer, snapshot: Snapshot) -> Snapshot:
    """The same, without what a viewer may not see."""

    def seen(thing: Fact | Passage | Message) -> bool:
        if not audience.sees(viewer, snapshot.agent.id, thing.origin):
            return False
        if isinstance(thing, Message) and thing.forgotten:  # theirs alone, to bring it back
            return audience.may_forget(viewer, recall.remark(thing))
        return True

    told = {message.seq for message in snapshot.messages if seen(message)}
    told |= {passage.seq for passage in snapshot.passages if seen(passage)}
    whole = len(told) == len(snapshot.messages) + len(snapshot.passages)
    return replace(
        snapshot,
        facts=tuple(filter(seen, snapshot.facts)),
        messages=tuple(filter(seen, snapshot.messages)),
        passages=tuple(filter(seen, snapshot.passages)),
        summaries=snapshot.summaries if whole else (),
        journal=tuple(
            entry
            for entry in snapshot.journal
            if audience.sees_change(viewer, snapshot.agent.id, entry)
        ),
        vectors=tuple(vector for vector in snapshot.vectors if vector.seq in told),
    )


def dump(snapshot: Snapshot) -> str:
    """The document: indented JSON, with its checksum."""
    document = codec.plain(Snapshot, snapshot)
    document["checksum"] = _checksum(document)
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _checksum(document: dict[str, object]) -> str:
    rest = {key: value for key, value in document.items() if key != "checksum"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def load(text: str) -> Snapshot:
    """Read and verify a document. Raises BadInput that says what is wrong with it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"This is not a JSON file: {error}.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(f"This is not an export of an agent: its format is not '{FORMAT}'.")
    if document.get("version") != VERSION:
        raise BadInput(
            f"This export has format version {document.get('version')}; this Reverie reads"
            f" {VERSION}. Use the version of Reverie that wrote it."
        )
    try:
        matches = _checksum(document) == document.get("checksum")
        snapshot = codec.record(Snapshot, document)
    except (ValidationError, UnicodeEncodeError) as error:
        raise BadInput(f"This export is damaged: {_first(error)}") from error
    if not matches:
        raise BadInput("This export was changed after it was written: its checksum is wrong.")
    problem = next(_problems(snapshot), None)
    if problem:
        raise BadInput(f"This export does not hold together: {problem}")
    return snapshot


def _first(error: ValidationError | UnicodeEncodeError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds text that is not Unicode."
    item = error.errors()[0]
    place = ".".join(str(part) for part in item["loc"])
    return f"{place}: {item['msg']}."


def _rows(snapshot: Snapshot) -> Sequence[Fact | Message | Passage | Entry]:
    """Everything of it that has a number of its own."""
    return (*snapshot.facts, *snapshot.messages, *snapshot.passages, *snapshot.journal)


def _problems(snapshot: Snapshot) -> Iterator[str]:
    seqs = [row.seq for row in _rows(snapshot)]
    doubled = [seq for seq, times in Counter(seqs).items() if times > 1]
    if doubled:
        yield f"number {doubled[0]} stands for two things."
    if min(seqs, default=1) < 1 or max(seqs, default=0) > snapshot.agent.last_seq:
        yield "a number is outside the agent's own count."
    if snapshot.agent.last_seq >= shelf.SEQS:
        yield "the agent's own count is too large."
    yield from (problem for value in _values(snapshot) if (problem := _problem(value)))
    yield from _block_problems(snapshot)
    entries = {entry.seq for entry in snapshot.journal}
    for entry in snapshot.journal:
        for other in (entry.undoes, entry.undone_by):
            if other is not None and other not in entries:
                yield f"change #{entry.seq} refers to change #{other}, which is missing."
    yield from _vector_problems(snapshot)
    names = set(snapshot.archives)
    for passage in snapshot.passages:
        if passage.archive not in names:
            yield f"passage #{passage.seq} is in an archive '{passage.archive}' that is missing."


def _values(thing: object) -> Iterator[object]:
    """Every single value of records within records."""
    if is_dataclass(thing):
        for part in fields(thing):
            yield from _values(getattr(thing, part.name))
    elif isinstance(thing, Mapping):
        yield from _values(tuple(thing.items()))
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _values(part)
    else:
        yield thing


def _problem(value: object) -> str | None:
    """Why a value cannot be kept in a database as it is."""
    match value:
        case str() if "\0" in value:
            return "a text has a NUL character."
        case datetime() if value.tzinfo is None:
            return f"the time {value} has no time zone."
        case int() if abs(value) > MOST:
            return f"the number {value:.3e} is too large."
        case float() if not isfinite(value):
            return f"{value} is no number."
    return None


def _vector_problems(snapshot: Snapshot) -> Iterator[str]:
    rows: dict[Shelf, set[int]] = {
        "messages": {message.seq for message in snapshot.messages if recall.spoken(message)},
        "passages": {passage.seq for passage in snapshot.passages},
    }
    for vector in snapshot.vectors:
        if vector.seq not in rows[vector.shelf]:
            yield f"a vector belongs to row #{vector.seq}, which is missing."
        try:
            length = len(b64decode(vector.vec, validate=True))
        except ValueError:
            length = 1
        if not length or length % 2:
            yield f"the vector of row #{vector.seq} is damaged."


def _block_problems(snapshot: Snapshot) -> Iterator[str]:
    blocks = {block.label: block for block in snapshot.blocks}
    if len(blocks) != len(snapshot.blocks):
        yield "two blocks have one label."
    facts = {fact.seq for fact in snapshot.facts}
    lengths: Counter[str] = Counter()
    for fact in snapshot.facts:
        if fact.label not in blocks:
            yield f"fact #{fact.seq} is in a block '{fact.label}' that is missing."
        if fact.superseded_by is not None and fact.superseded_by not in facts:
            yield f"fact #{fact.seq} refers to fact #{fact.superseded_by}, which is missing."
        if fact.state == "active":
            lengths[fact.label] += len(fact.text) + 1
    for label, block in blocks.items():
        if lengths[label] - 1 > block.limit:
            yield f"the block '{label}' is longer than its limit."


def renamed(snapshot: Snapshot, name: str) -> Snapshot:
    """The same agent under another name, with the id that belongs to it."""
    agent = replace(snapshot.agent, id=agents.named_id(name), name=name, kind="named")
    return replace(snapshot, agent=agent)


def write(conn: Connection, snapshot: Snapshot, progress: Progress) -> Agent:
    """Write a verified snapshot. Raises Conflict where the agent exists already."""
    if agents.find(conn, snapshot.agent.id) is not None:
        raise Conflict(
            f"There is an agent '{snapshot.agent.name}' already. Delete it first, or import under"
            " another name (--name)."
        )
    agent = agents.insert(conn, snapshot.agent)
    conn.execute(  # a new turn must not be taken for an old one
        "UPDATE agents SET inbox_seq = :turn WHERE agent_id = :agent",
        turn=max((message.turn for message in snapshot.messages), default=0),
        agent=agent.id,
    )
    for position, block in enumerate(snapshot.blocks):
        core.insert_block(conn, agent.id, block, position)
    for name in snapshot.archives:
        archive.insert_archive(conn, agent.id, name, agent.created_at)
    for summary in snapshot.summaries:
        recall.put_summary(conn, agent.id, summary, agent.created_at)
    _write_rows(conn, agent, snapshot, progress)
    made: dict[tuple[Shelf, str], dict[int, bytes]] = {}
    for vector in snapshot.vectors:
        texts = made.setdefault((vector.shelf, vector.embedder), {})
        texts[vector.seq] = b64decode(vector.vec)
    for (kind, embedder), vectors in made.items():
        shelf.put_vectors(conn, kind, agent.id, embedder, vectors)
    return agent


async def export(database: Database, agent_id: str, viewer: Viewer | None = None) -> str:
    """The agent's document, with what a viewer may see; whole without one. Raises NotFound."""

    def work(conn: Connection) -> Snapshot:
        agent = agents.find(conn, agent_id)
        if agent is None:
            raise NotFound("There is no such agent.")
        whole = take(conn, agent)
        return whole if viewer is None else seen_by(viewer, whole)

    return dump(await database.read(work))


async def restore(database: Database, text: str, *, name: str | None, progress: Progress) -> Agent:
    """Verify a document, then write all of it or nothing.

    Raises BadInput for a document that cannot be used, Conflict where the agent exists.
    """
    snapshot = load(text)
    if name is not None:
        snapshot = renamed(snapshot, name)
    return await database.write(lambda conn: write(conn, snapshot, progress))


def _write_rows(conn: Connection, agent: Agent, snapshot: Snapshot, progress: Progress) -> None:
    rows = _rows(snapshot)
    for done, row in enumerate(rows, start=1):
        match row:
            case Fact():
                core.put_fact(conn, agent.id, row)
            case Message():
                recall.insert(conn, agent.id, agent.number, row)
            case Passage():
                archive.insert(conn, agent.id, agent.number, row)
            case Entry():
                journal.insert(conn, agent.id, row)
        if done % 100 == 0 or done == len(rows):
            progress(done, len(rows))
