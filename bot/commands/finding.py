"""`/memory search`: facts, passages and messages in one list, each with why it is there."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from bot.commands import records
from bot.commands import types as commands
from bot.commands.answer import Answer, Table
from bot.commands.records import BOT
from bot.errors import UserError
from memory import insight
from memory.draft import clipped
from memory.search.hybrid import alike
from memory.search.lookup import ME
from memory.store import Store
from memory.types import Fact, Filters, Hit, Shelf, Viewer
from memory.words import query_terms, sanitise

PAGE = 10  # results on a page
COLUMNS = ("#", "when", "who", "what", "where", "why")
PLACES: Mapping[Shelf, str] = {"passages": "archival", "messages": "recall"}
LONGEST = 300  # characters of a result


class Finder(Protocol):
    """What is asked of search."""

    async def find(
        self, viewer: Viewer, shelf: Shelf, query: str, *, page: int, size: int, filters: Filters
    ) -> tuple[list[Hit], int]: ...


async def found(
    store: Store, finder: Finder, zone: tzinfo, viewer: Viewer, find: commands.Find
) -> Answer:
    """A page of what a viewer may see; the newest where nothing is asked for."""
    query, filters = sanitise(find.query).strip(), filters_of(find, zone)
    rows, lines, more = await _facts(store, zone, viewer, query, filters, find.page)
    for shelf in _shelves(find):
        hits, total = await finder.find(
            viewer, shelf, query, page=find.page - 1, size=PAGE, filters=filters
        )
        rows.extend(_row(hit, PLACES[shelf], zone) for hit in hits)
        lines.extend(records.of_hit(hit, PLACES[shelf]) for hit in hits)
        more = more or total > find.page * PAGE
    table = Table(columns=COLUMNS, rows=tuple(rows), records=tuple(lines))
    text = "" if rows else "Nothing found. Try other words."
    if rows and not query_terms(query) and filters == Filters():
        text = "These words say too little to search by, so this is the newest."
    if more:
        text = f"{text} There is more: --page {find.page + 1}".strip()
    return Answer(tables=(table,) if rows else (), records=tuple(lines), text=text)


def filters_of(find: commands.Find, zone: tzinfo) -> Filters:
    """Days begin at midnight in `zone`; the last one is whole. Raises UserError."""

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    if find.since and find.until and find.since > find.until:
        raise UserError(f"--since {find.since} is after --until {find.until}. Swap them.")
    day = timedelta(days=1)
    return Filters(
        tags=(find.tag,) if find.tag else (),
        speaker=find.by.removeprefix("@"),
        since=midnight(find.since) if find.since else None,
        until=midnight(find.until + day) if find.until and find.until < date.max else None,
    )


def _shelves(find: commands.Find) -> Sequence[Shelf]:
    """Messages have no tags, and passages no speaker."""
    left: dict[Shelf, str] = {"passages": find.by, "messages": find.tag}
    return [shelf for shelf in PLACES if not left[shelf]]


async def _facts(
    store: Store, zone: tzinfo, viewer: Viewer, query: str, filters: Filters, page: int
) -> tuple[list[tuple[str, ...]], list[records.Record], bool]:
    """A page of facts, as rows and as records, and whether there are more. They have no tags."""
    blocks = await store.blocks(viewer.agent, viewer)
    likely = [] if filters.tags else alike((f for block in blocks for f in block.facts), query)
    learned = [
        fact
        for fact in likely
        if (filters.since is None or fact.learned_at >= filters.since)
        and (filters.until is None or fact.learned_at < filters.until)
    ]
    sources = await store.database.read(lambda conn: insight.sources(conn, viewer, learned))

    def who(fact: Fact) -> str:
        source = sources.get(fact.origin.source or 0)
        return records.speaker(source) if source else ""

    def row(fact: Fact) -> tuple[str, ...]:
        day = _stamp(fact.learned_at, zone)
        return (f"#{fact.seq}", day, who(fact), fact.text, fact.label, "words")

    if filters.speaker:
        said = filters.speaker.casefold()
        learned = [fact for fact in learned if who(fact).casefold() == said]
    facts = learned[(page - 1) * PAGE : page * PAGE]
    lines = [records.of_fact(fact, sources) for fact in facts]
    return [row(fact) for fact in facts], lines, len(learned) > page * PAGE


def _row(hit: Hit, place: str, zone: tzinfo) -> tuple[str, ...]:
    who = BOT if hit.speaker == ME else hit.speaker
    text = clipped(hit.text, LONGEST)
    return (f"#{hit.seq}", _stamp(hit.at, zone), who, text, place, ", ".join(hit.why))


def _stamp(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
