"""One search as steps of SQL: what has the words, what is known of it, and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memory import agents, spaces
from memory.codec import micros, moment
from memory.errors import NotFound
from memory.ports import Connection, Row
from memory.search import ranking, reads, spelling
from memory.search.question import Question, named
from memory.search.ranking import Candidate, Ranked, Weights
from memory.search.when import Span
from memory.spaces import Space
from memory.types import Filters, Hit, Shelf, Viewer

POOL = 60  # candidates of each kind that are ranked together; of more, none gets better
LATER = timedelta(days=3)  # after a time, in which it is still told of
ME = "you"  # how an agent's own words are attributed, when it reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A search: who asks which shelf what, and what it is limited to."""

    viewer: Viewer
    kind: Shelf
    question: Question
    filters: Filters


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the word index says of a question."""

    hits: list[tuple[int, float]]  # seq, the part of the question; the viewer may not see each
    spaces: list[Space]  # vectors of the shelf, the best first
    among: frozenset[int] | None  # the only rows that are looked at


def by_words(
    conn: Connection, asked: Asked, pool: int, embedder: str, weights: Weights, *, seen: bool
) -> Words:
    """The best so many by words. seen: of the rows alone that the viewer may see; their number is
    what this takes time for, so it is only asked for where others crowd them out."""
    viewer, kind, question = asked.viewer, asked.kind, asked.question
    agent = agents.find(conn, viewer.agent)
    if agent is None:
        raise NotFound("There is no such agent.")
    narrow = reads.narrowed(kind, asked.filters)
    among = None
    if seen or narrow is not reads.EVERY:
        among = frozenset(row["seq"] for row in reads.newest(conn, kind, viewer, narrow, 0, -1))
    mended = spelling.mend(conn, kind, agent.number, viewer, question.text)
    wanted = list(dict.fromkeys(mended.get(term, term) for term in question.terms))
    frequency, total = reads.frequencies(conn, kind, wanted)
    hits = reads.by_words(conn, kind, agent.number, wanted, pool if among is None else -1, weights)
    ideal = ranking.ideal(wanted, frequency, total)
    return Words(
        hits=[(seq, score / ideal) for seq, score in hits if among is None or seq in among],
        spaces=spaces.of(conn, kind, viewer.agent, embedder) if embedder else [],
        among=among,
    )


def ranked(
    conn: Connection,
    asked: Asked,
    words: Words,
    near: Sequence[tuple[int, float]],
    weights: Weights,
) -> list[Ranked]:
    """The best by words, by meaning and of the time asked for together; then what else has the
    words.

    Always the same candidates are weighed against each other, so that pages neither overlap nor
    leave anything out.
    """
    viewer, kind, question = asked.viewer, asked.kind, asked.question
    similar = dict(near)
    narrow = reads.narrowed(kind, asked.filters)
    seqs = dict.fromkeys([*(seq for seq, _ in words.hits), *similar])
    there = {row["seq"]: row for row in reads.seen(conn, kind, viewer, list(seqs), narrow)}
    hits = [hit for hit in words.hits if hit[0] in there]
    said = dict(hits[:POOL])
    about = {seq: there[seq] for seq in seqs if seq in said or (seq in similar and seq in there)}
    if question.span is not None:
        within = _within(kind, question.span, asked.filters)
        about |= {row["seq"]: row for row in reads.newest(conn, kind, viewer, within, 0, POOL)}
    who = named(question, {row["speaker"] for row in about.values()})
    candidates = [
        Candidate(
            seq,
            said.get(seq, 0.0),
            similar.get(seq),
            bool(who) and row["speaker"] == who,
            _when(row["at"], question.span),
            row["session"],
        )
        for seq, row in about.items()
    ]
    best = ranking.rank(candidates, weights)
    rest = (Ranked(seq, 0.0, ("words",), part) for seq, part in hits[POOL:] if seq not in about)
    return [*best, *rest]


def crowded_out(words: Words, near: Sequence[tuple[int, float]], ranked: Sequence[Ranked]) -> bool:
    """Whether most of the best by words, or by meaning, may not be seen: then what may be is to be
    looked through alone."""
    if words.among is not None:
        return False
    said = sum(each.words > 0 for each in ranked)
    meant = sum(each.apart is not None for each in ranked)
    return any(
        found >= POOL and shown < POOL // 2
        for found, shown in ((len(words.hits), said), (len(near), meant))
    )


def _within(kind: Shelf, span: Span, filters: Filters) -> reads.Narrow:
    since = max(span.start, filters.since or span.start)
    until = min(span.end + LATER, filters.until or span.end + LATER)
    return reads.narrowed(kind, replace(filters, since=since, until=until))


def _when(at: int, span: Span | None) -> float:
    """1 within the time that a question names, then less and less: it is told of soon after."""
    if span is None or at < micros(span.start):
        return 0.0
    late = max(0, at - micros(span.end)) / (LATER // timedelta(microseconds=1))
    return max(0.0, 1.0 - late)


def hydrate(conn: Connection, viewer: Viewer, kind: Shelf, ranked: Sequence[Ranked]) -> list[Hit]:
    rows = reads.told(conn, kind, viewer, [each.seq for each in ranked])
    there = {row["seq"]: row for row in rows}
    return [_hit(kind, there[each.seq], each) for each in ranked if each.seq in there]


def _hit(kind: Shelf, row: Row, ranked: Ranked, agent: str = "") -> Hit:
    said = kind == "messages"
    return Hit(
        shelf=kind,
        seq=row["seq"],
        text=row["text"],
        at=moment(row["at"]),
        speaker="" if not said else ME if row["role"] == "assistant" else row["speaker"],
        score=ranked.score,
        why=ranked.why,
        words=ranked.words,
        apart=ranked.apart,
        agent=agent,
        tags=() if said else tuple(json.loads(row["tags"])),
    )


def newest(conn: Connection, asked: Asked, page: int, size: int) -> tuple[list[Hit], int]:
    viewer, kind, span = asked.viewer, asked.kind, asked.question.span
    narrow = _within(kind, span, asked.filters) if span else reads.narrowed(kind, asked.filters)
    why = ("time",) if span else ()
    rows = reads.newest(conn, kind, viewer, narrow, page * size, size)
    hits = hydrate(conn, viewer, kind, [Ranked(row["seq"], 0.0, why) for row in rows])
    return hits, reads.count(conn, kind, viewer, narrow)


def between(
    conn: Connection, viewer: Viewer, start: datetime, end: datetime, page: int, size: int
) -> tuple[list[Hit], int]:
    """What was said from `start` up to, not including, `end`, oldest first; and how much."""
    narrow = reads.narrowed("messages", Filters(since=start, until=end))
    rows = reads.oldest(conn, "messages", viewer, narrow, page * size, size)
    hits = [_hit("messages", row, Ranked(row["seq"], 0.0, ())) for row in rows]
    return hits, reads.count(conn, "messages", viewer, narrow)


def elsewhere(conn: Connection, viewer: Viewer, kind: Shelf, query: str, size: int) -> list[Hit]:
    """What other agents have, rooms that all readers can read: by words, best first."""
    return [
        _hit(kind, row, Ranked(row["seq"], row["score"], ("words",)), row["name"])
        for row in reads.elsewhere(conn, kind, viewer, query, size)
    ]
