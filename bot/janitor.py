"""Removes what is no longer to be kept: rows first, then the files that came with them, then what
is left of them in the bytes of index files and of the database."""

import asyncio
from collections import Counter
from datetime import date, datetime

from bot.files import Files
from memory import queue, recall
from memory.forget import leftovers
from memory.forget.retention import Retention
from memory.ports import Connection, Database
from memory.search.hybrid import Search


class Janitor:
    """To be sent through the house every minute or so."""

    def __init__(
        self, database: Database, retention: Retention, search: Search, files: Files
    ) -> None:
        self._database = database
        self._retention = retention
        self._search = search
        self._files = files
        self._cleared: set[tuple[str, int]] = set()  # leftovers whose files are gone already
        self._scrubbed: date | None = None  # rewriting the database takes its time: once a day

    async def sweep(self, at: datetime) -> Counter[str]:
        """How much of each kind was removed."""
        counts = await self._retention.sweep(at)
        left = {(r["agent_id"], r["at"]) for r in await self._database.read(leftovers.page)}
        for agent in {agent for agent, _ in left - self._cleared}:
            counts["files"] += await self._clear(agent)
        self._cleared = left
        if left and self._scrubbed != at.date() and await self._search.sweep():
            self._scrubbed = at.date()
        return +counts

    async def _clear(self, agent: str) -> int:
        """Remove the files of an agent whose messages are gone."""

        def read(conn: Connection) -> set[str]:
            return {*recall.with_files(conn, agent), *queue.open_events(conn, agent)}

        events = await self._database.read(read)
        return await asyncio.to_thread(self._files.keep, agent, events)
