"""The verbs of `/memory`, for every platform and the command line alike.

They answer with tables and sentences that others render. What they change is a journal entry.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo

from bot import phrases
from bot.commands import edits, records
from bot.commands import types as commands
from bot.commands.answer import Answer, Table
from bot.commands.finding import Finder, found
from bot.commands.forgetting import Forgetting
from bot.commands.records import Record
from memory import audience, insight, recall, snapshot
from memory.errors import NotFound
from memory.forget import retention
from memory.store import Store
from memory.types import (
    Block,
    Entry,
    Fact,
    Message,
    Origin,
    Passage,
    Shelf,
    Usage,
    Viewer,
    now,
)

PAGE = 10  # results, or changes, on a page
PLACES: Mapping[Shelf, str] = {"passages": "archival", "messages": "recall"}


class Verbs:
    """Runs verbs on the memory of agents."""

    def __init__(self, store: Store, finder: Finder, zone: tzinfo) -> None:
        self._store = store
        self._finder = finder
        self._zone = zone

    async def run(
        self,
        viewer: Viewer,
        verb: commands.Verb,
        *,
        actor: str = "person",
        origin: Origin | None = None,
        about: str = "",
    ) -> Answer:
        """Do it, for whoever sees what the viewer sees.

        actor: "person" or "operator", as the journal will have it. origin: who does it, where.
        about: the event of the message that it is about.

        Raises UserError or a MemoryFault, each a sentence that says what to do.
        """
        match verb:
            case commands.Show(as_of=None):
                return await self._show(viewer)
            case commands.Show(as_of=date() as day):
                return await self._show_then(viewer, day)
            case commands.Spent(days=days):
                return await self.spent(viewer.agent, days)
            case commands.Persona(text=""):
                return await self._show(viewer, "persona")
            case commands.Find() as find:
                return await found(self._store, self._finder, self._zone, viewer, find)
            case commands.History(page=page):
                return await self._history(viewer, page)
            case commands.Why(number=number):
                return await self._why(viewer, number)
            case commands.Export():
                text = await snapshot.export(self._store.database, viewer.agent, viewer)
                record = {"type": "export", "document": json.loads(text)}
                return Answer(document=text, records=(record,))
            case commands.Pause(paused=paused):
                await self._store.database.write(
                    lambda conn: retention.pause(conn, viewer.agent, paused=paused)
                )
                said = phrases.both("paused" if paused else "resumed")
                return Answer(text=said, records=({"type": "pause", "text": said},))
            case _:
                said = await self._write(viewer, verb, actor, origin or Origin(), about)
                return Answer(text=said, records=({"type": "done", "text": said},))

    async def _write(
        self, viewer: Viewer, verb: commands.Verb, actor: str, origin: Origin, about: str
    ) -> str:
        agent_id = viewer.agent
        match verb:
            case commands.Forget(target=target):
                return await Forgetting(self._store, self._finder, viewer, actor).forget(target)
            case commands.Undo(number=number):
                undone = await self._store.undo(agent_id, number, actor=actor, viewer=viewer)
                return f"Took back #{undone.seq}: {undone.summary}"
            case _:
                source = await self._store.database.read(
                    lambda conn: recall.by_event(conn, agent_id, about) if about else None
                )
                return await self._store.edit(
                    agent_id,
                    lambda draft: edits.apply(draft, verb),
                    actor=actor,
                    origin=replace(origin, source=source.seq if source else None),
                    viewer=viewer,
                )

    # --- reading ---

    async def _show(self, viewer: Viewer, only: str = "") -> Answer:
        found = await self._store.blocks(viewer.agent, viewer)
        answer = await self._shown(viewer, [one for one in found if only in ("", one.label)])
        known = any(table.rows for table in answer.tables)
        text = "" if known else "Nothing yet. Tell me something, or use `/memory add`."
        return replace(answer, text=text)

    async def _show_then(self, viewer: Viewer, day: date) -> Answer:
        """What was known at the end of a day, as days are here."""
        end = datetime.combine(day, time.max, tzinfo=self._zone)
        answer = await self._shown(viewer, await self._store.as_of(viewer.agent, end, viewer))
        if not any(table.rows for table in answer.tables):
            return Answer(text=f"At the end of {day} I knew nothing that I still have.")
        return replace(answer, lead=f"This is what I knew at the end of {day}:")

    async def _shown(self, viewer: Viewer, blocks: Sequence[Block]) -> Answer:
        """Blocks, with pinned facts first."""
        blocks = [
            replace(block, facts=tuple(sorted(block.facts, key=lambda fact: not fact.pinned)))
            for block in blocks
        ]
        facts = [fact for block in blocks for fact in block.facts]
        sources = await self._store.database.read(lambda conn: insight.sources(conn, viewer, facts))
        lines: list[Record] = []
        for block in blocks:
            lines.append(records.of_block(block))
            lines.extend(records.of_fact(fact, sources) for fact in block.facts)
        tables = tuple(self._block_table(block, sources) for block in blocks)
        return Answer(tables=tables, records=tuple(lines))

    def _block_table(self, block: Block, sources: Mapping[int, Message]) -> Table:
        marks = " · read-only" if block.read_only else ""
        return Table(
            title=f"{block.label} · {len(block.text):,} of {block.limit:,} characters{marks}",
            columns=("#", "fact", "learned", "from", ""),
            rows=tuple(
                (
                    f"#{fact.seq}",
                    fact.text,
                    self._day(fact.learned_at),
                    self._from(fact, sources),
                    _mark(fact),
                )
                for fact in block.facts
            ),
            records=tuple(records.of_fact(fact, sources) for fact in block.facts),
        )

    async def spent(self, agent_id: str | None, days: int) -> Answer:
        """What model calls took on each of the last days (in UTC), today among them, the newest
        first; None: those of all agents together."""
        found = (await self._store.usage(agent_id, now() - timedelta(days=days - 1)))[::-1]
        if not found:
            return Answer(text=f"No model was called in the last {days} days.")
        table = Table(
            title=f"What model calls took in the last {days} days (in UTC)",
            columns=("day", "for", "calls", "tokens", "money"),
            rows=tuple((one.day, f"{one.spending.kind}s", *_figures(one)) for one in found),
        )
        return Answer(
            tables=(table,),
            records=tuple(records.of_usage(one) for one in found),
            text=f"Together: {', '.join(cell for cell in _figures(*found) if cell)}",
        )

    async def _history(self, viewer: Viewer, page: int) -> Answer:
        entries = await self._store.history(viewer.agent, (page - 1) * PAGE, PAGE + 1)
        text = f"Older changes: --page {page + 1}" if len(entries) > PAGE else ""
        entries = [
            entry for entry in entries[:PAGE] if audience.sees_change(viewer, viewer.agent, entry)
        ]
        if not entries:
            return Answer(text="No changes." if page == 1 else f"No changes on page {page}.")
        lines = tuple(records.of_entry(entry) for entry in entries)
        return Answer(tables=(self._changes(entries),), records=lines, text=text)

    def _changes(self, entries: Sequence[Entry], title: str = "") -> Table:
        return Table(
            title=title,
            columns=("#", "when", "by", "change", "what", ""),
            rows=tuple(
                (
                    f"#{entry.seq}",
                    self._time(entry.at),
                    entry.actor,
                    entry.action,
                    entry.summary,
                    f"undone by #{entry.undone_by}" if entry.undone_by else "",
                )
                for entry in entries
            ),
            records=tuple(records.of_entry(entry) for entry in entries),
        )

    async def _why(self, viewer: Viewer, number: int) -> Answer:
        reason = await self._store.database.read(lambda conn: insight.reason(conn, viewer, number))
        if reason is None:
            raise NotFound(f"There is no fact or passage #{number}. {edits.SHOW}")
        thing, source = reason.thing, reason.source
        lines = [self._heading(thing)]
        if source is not None:
            lines.append(
                f"{records.speaker(source)} said on {self._time(source.at)} (#{source.seq}):"
                f"\n{source.text}"
            )
        else:
            lines.append("No message led to it: it was written by hand.")
        lines.extend(f"It took the place of #{old.seq}: {old.text}" for old in reason.superseded)
        record = {
            **(
                records.of_fact(thing, {}) if isinstance(thing, Fact) else records.of_passage(thing)
            ),
            "source": records.of_message(source) if source else None,
            "superseded": [records.of_fact(old, {}) for old in reason.superseded],
            "changes": [records.of_entry(entry) for entry in reason.entries],
        }
        return Answer(
            lead="\n".join(lines),
            tables=(self._changes(reason.entries, "Its changes"),),
            records=(record,),
        )

    def _heading(self, thing: Fact | Passage) -> str:
        if isinstance(thing, Passage):
            return f"#{thing.seq} in archival memory, {self._time(thing.at)}: {thing.text}"
        state = "" if thing.state == "active" else f", {thing.state}"
        heir = f" by #{thing.superseded_by}" if thing.superseded_by else ""
        when = self._time(thing.learned_at)
        return f"#{thing.seq} in '{thing.label}', learned {when}{state}{heir}: {thing.text}"

    # --- words for moments and places ---

    def _from(self, fact: Fact, sources: Mapping[int, Message]) -> str:
        source = sources.get(fact.origin.source or 0)
        if source is None:
            return "by hand"
        return f"{records.speaker(source)}, {self._time(source.at)} (#{source.seq})"

    def _day(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d")

    def _time(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")


def _mark(fact: Fact) -> str:
    """What is special about a fact: pinned, or no longer so."""
    if fact.state != "active":
        return fact.state
    return "pinned" if fact.pinned else ""


def _figures(*usages: Usage) -> tuple[str, str, str]:
    """Calls, tokens and money; no money where prices are not set."""
    spent = [usage.spending for usage in usages]
    calls, tokens = sum(one.calls for one in spent), sum(one.tokens for one in spent)
    money = sum(one.money for one in spent) / 1e6
    counted = f"{calls:,} call{'s' * (calls != 1)}"
    return counted, f"{tokens:,} tokens", f"{money:,.4f} in money" if money else ""
