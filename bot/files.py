"""Files that come with messages: kept in the home, and read as somebody else's words."""

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.base import Adapter, Attachment, FetchFailed
from memory.types import Claim, Item
from memory.words import sanitise

READ = 20_000  # characters of a text file that stand in a message; the whole is in the home
TEXTS = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")
TEXT_NAMES = re.compile(
    r"\.(?:txt|md|csv|tsv|json|jsonl|ya?ml|toml|ini|xml|html?|log|py|js|ts|rs|go|c|h|java|sh|sql)$",
    re.IGNORECASE,
)
SECONDS = 60.0  # that one file may take


class Files:
    """Keeps what people send, one folder for each agent and person in it."""

    def __init__(self, home: Path, most: int, adapter: Callable[[str], Adapter | None]) -> None:
        self._root = home / "files"
        self._most = most  # bytes of one file
        self._adapter = adapter  # of a platform

    async def with_files(self, claim: Claim) -> Claim:
        """The claim, with what its files say in their place. What is here already is not fetched
        again. Never raises for a file that cannot be had: that is told in its place."""
        items = [
            await self._with_files(claim.agent, item) if item.payload.get("files") else item
            for item in claim.items
        ]
        return replace(claim, items=tuple(items))

    async def _with_files(self, agent: str, item: Item) -> Item:
        read = [await self._read(agent, item, plain) for plain in item.payload["files"]]
        return replace(item, payload={**item.payload, "files": read})

    async def _read(self, agent: str, item: Item, plain: Mapping[str, Any]) -> dict[str, str]:
        attachment = Attachment(**plain)
        name = sanitise(attachment.name).strip() or "file"
        path = self._path(agent, str(item.payload.get("person") or ""), item.dedup, attachment)
        try:
            data = await self._kept(path, item, attachment)
        except FetchFailed as error:
            return {"name": name, "said": f"(This file could not be kept: {error})"}
        except OSError as error:
            return {"name": name, "said": f"(This file could not be kept: {error.strerror}.)"}
        return {"name": name, "said": _said(attachment, data)}

    def _path(self, agent: str, person: str, dedup: str, attachment: Attachment) -> Path:
        plain = re.sub(r"[^\w.-]+", "_", attachment.name).strip("._")[-80:] or "file"
        name = f"{_mark(dedup)}-{_mark(attachment.ref)}-{plain}"
        return self._root / agent / (person or "nobody") / name

    async def _kept(self, path: Path, item: Item, attachment: Attachment) -> bytes:
        if await asyncio.to_thread(path.is_file):
            return await asyncio.to_thread(path.read_bytes)
        if attachment.size > self._most:
            raise FetchFailed(
                f"it has {attachment.size / 1e6:,.1f} MB, and {self._most / 1e6:,.1f} MB is the"
                " most that is kept (REVERIE_FILE_LIMIT)."
            )
        adapter = self._adapter(item.room.partition("/")[0])
        if adapter is None:
            raise FetchFailed("its platform is not connected.")
        try:
            async with asyncio.timeout(SECONDS):
                data = await adapter.fetch(attachment, self._most)
        except TimeoutError:
            raise FetchFailed("the platform was too slow.") from None
        await asyncio.to_thread(_write, path, data)
        return data

    def keep(self, agent: str, events: Iterable[str]) -> int:
        """Remove the files of an agent that did not come with these messages; how many there
        were."""
        marks = {_mark(event) for event in events}
        gone = [
            path
            for path in (self._root / agent).glob("*/*")
            if path.name.partition("-")[0] not in marks
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def forget(self, agents: Sequence[str], people: Sequence[str]) -> int:
        """Remove all files of whole agents, and of people in every agent; how many there were."""
        folders = [self._root / agent for agent in agents]
        if self._root.is_dir():
            folders += [agent / person for agent in self._root.iterdir() for person in people]
        count = 0
        for folder in folders:
            count += sum(path.is_file() for path in folder.rglob("*"))
            shutil.rmtree(folder, ignore_errors=True)
        return count


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def _said(attachment: Attachment, data: bytes) -> str:
    """What a text file says; of another, what it is."""
    kind = attachment.kind.partition(";")[0].lower()
    if kind.startswith(TEXTS) or TEXT_NAMES.search(attachment.name):
        try:
            text = sanitise(data.decode("utf-8-sig")).strip()
        except UnicodeDecodeError:
            return f"({_size(data)}; its text is not UTF-8, so it is kept but not read.)"
        if len(text) > READ:
            return f"{text[:READ]}\n(… {len(text) - READ} characters more are kept)"
        return text or "(empty)"
    return f"({_size(data)}, {kind or 'of unknown kind'}; kept, but only text can be read.)"


def _size(data: bytes) -> str:
    return f"{len(data) / 1000:,.1f} kB"
