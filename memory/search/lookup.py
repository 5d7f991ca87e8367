"""One search as steps of SQL: what has the words, what is known of it, and what it says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from memory import agents, archive, recall, spaces
from memory.codec import micros, moment
from memory.errors import NotFound
from memory.ports import Connection, Row
from memory.search import ranking, reads, spelling
from memory.search.question import Question, named
from memory.search.ranking import Candidate, Ranked, Weights
from memory.search.when import Span
from memory.spaces import Space
from memory.types import Filters, Hit, Message, Shelf, Viewer

POOL = 60  # candidates of each kind that are ranked together; of more, none gets better
LATER = timedelta(days=3)  # after a time, in which it is still told of
ME = "you"  # how an agent's own words are attributed, when it reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the word index says of a query."""

    hits: list[tuple[int, float]]
    about: Mapping[int, Row]  # of each hit: seq, at, session, speaker
    spaces: list[Space]  # vectors of the shelf, the best first
    among: frozenset[int] | None  # the rows that the filters leave


def by_words(
    conn: Connection,
    viewer: Viewer,
    kind: Shelf,
    question: Question,
    pool: int,
    filters: Filters,
    embedder: str,
    weights: Weights,
) -> Words:
    agent = agents.find(conn, viewer.agent)
    if agent is None:
        raise NotFound("There is no such agent.")
    narrow = reads.narrowed(kind, filters)
    among = None
    if narrow is not reads.EVERY:
        among = frozenset(row["seq"] for row in reads.newest(conn, kind, viewer, narrow, 0, -1))
    mended = spelling.mend(conn, kind, agent.number, viewer, question.text)
    asked = list(dict.fromkeys(mended.get(term, term) for term in question.terms))
    frequency, total = reads.frequencies(conn, kind, asked)
    hits = reads.by_words(conn, kind, agent.number, asked, pool if among is None else -1, weights)
    about = {
        row["seq"]: row for row in reads.seen(conn, kind, viewer, [seq for seq, _ in hits], narrow)
    }
    hits = [hit for hit in hits if hit[0] in about]
    ideal = ranking.ideal(asked, frequency, total)
    return Words(
        hits=[(seq, score / ideal) for seq, score in hits],
        about=about,
        spaces=spaces.of(conn, kind, viewer.agent, embedder) if embedder else [],
        among=among,
    )


def ranked(
    conn: Connection,
    viewer: Viewer,
    kind: Shelf,
    question: Question,
    filters: Filters,
    words: Words,
    near: Sequence[tuple[int, float]],
    weights: Weights,
) -> list[Ranked]:
    """The best by words, by meaning and of the time asked for together; then what else has the
    words.

    Always the same candidates are weighed against each other, so that pages neither overlap nor
    leave anything out.
    """
    said, similar = dict(words.hits[:POOL]), dict(near)
    about = {seq: words.about[seq] for seq in said}
    more = [seq for seq in similar if seq not in about]
    narrow = reads.narrowed(kind, filters)
    rows = reads.seen(conn, kind, viewer, more, narrow)
    if question.span is not None:
        rows += reads.newest(conn, kind, viewer, _within(kind, question.span, filters), 0, POOL)
    about |= {row["seq"]: row for row in rows}
    who = named(question.text, {row["speaker"] for row in about.values()})
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
    rest = (Ranked(seq, 0.0, ("words",)) for seq, _ in words.hits[POOL:] if seq not in about)
    return [*best, *rest]


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
    asked = [each.seq for each in ranked]
    seqs = [row["seq"] for row in reads.seen(conn, kind, viewer, asked)]
    if kind == "messages":
        messages = recall.get(conn, viewer.agent, seqs)
        return [
            message_hit(messages[seq], score, why) for seq, score, why in ranked if seq in messages
        ]
    passages = archive.get(conn, viewer.agent, seqs)
    return [
        Hit(
            shelf="passages", seq=seq, text=passages[seq].text, at=passages[seq].at, speaker="",
            score=score, why=why, tags=passages[seq].tags,
        )
        for seq, score, why in ranked
        if seq in passages
    ]  # fmt: skip


def weighed(hits: Sequence[Hit], words: Words, near: Sequence[tuple[int, float]]) -> list[Hit]:
    """The hits with what says how good they are, and not only which is better."""
    said, similar = dict(words.hits), dict(near)
    usual, spread = ranking.usual([each for _, each in near])
    return [
        replace(
            hit,
            words=said.get(hit.seq, 0.0),
            apart=(similar[hit.seq] - usual) / spread if hit.seq in similar else None,
        )
        for hit in hits
    ]


def message_hit(message: Message, score: float, why: tuple[str, ...]) -> Hit:
    return Hit(
        shelf="messages",
        seq=message.seq,
        text=message.text,
        at=message.at,
        speaker=ME if message.role == "assistant" else message.speaker,
        score=score,
        why=why,
    )


def row_hit(row: Row, kind: Shelf) -> Hit:
    said = kind == "messages"
    return Hit(
        shelf=kind,
        seq=row["seq"],
        text=row["text"],
        at=moment(row["at"]),
        speaker="" if not said else ME if row["role"] == "assistant" else row["speaker"],
        score=row["score"],
        why=("words",),
        agent=row["name"],
        tags=() if said else tuple(json.loads(row["tags"])),
    )


def newest(
    conn: Connection,
    viewer: Viewer,
    kind: Shelf,
    span: Span | None,
    filters: Filters,
    page: int,
    size: int,
) -> tuple[list[Hit], int]:
    narrow = _within(kind, span, filters) if span else reads.narrowed(kind, filters)
    why = ("time",) if span else ()
    rows = reads.newest(conn, kind, viewer, narrow, page * size, size)
    hits = hydrate(conn, viewer, kind, [Ranked(row["seq"], 0.0, why) for row in rows])
    return hits, reads.count(conn, kind, viewer, narrow)
