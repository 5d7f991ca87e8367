"""Searches that would fail quietly: most rows are others', or the embedder hangs."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory.audience import operator
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.search import meaning
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth, Message, Origin, Viewer

T0 = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOURS = timedelta(hours=9)  # between two messages: each is a talk of its own
HERE = Origin(audience="room", room="slack/T/C", workspace="slack/T")
SECRET = Origin(audience="person", person="ana", room="slack/T/D", workspace="slack/T")


async def say(store: Store, *said: tuple[str, Origin]) -> None:
    await store.ensure(Birth(id="a", name="a", kind="named", persona="I am."))
    view = await store.view("a", "")
    draft = Draft.of(view.agent, view.blocks, at=T0)
    for number, (text, origin) in enumerate(said):
        at = T0 + number * HOURS
        draft.messages.append(
            Message(seq=draft.seq(), role="user", text=text, at=at, speaker="Ana", origin=origin)
        )
    await store.commit(draft.change())


async def test_what_may_not_be_seen_crowds_out_nothing(store: Store, tmp_path: Path) -> None:
    open_ones = [f"tea of day {number}" for number in range(80)]
    await say(store, *((text, HERE) for text in open_ones), *[("tea tea tea", SECRET)] * 160)
    search = Search(store.database, HashingEmbedder(64), tmp_path / "index")
    await search.reindex(lambda *_: None)
    room = Viewer(agent="a", kind="named", channel="slack/T/C", workspace="slack/T")
    seen: list[str] = []
    for page in range(9):
        hits, total = await search.find(room, "messages", "tea", page=page, size=10)
        seen += [hit.text for hit in hits]
        assert (total > (page + 1) * 10) is (page < 7)
    assert sorted(seen) == sorted(open_ones)
    await search.close()


class Hanging(HashingEmbedder):
    """Answers no question once it hangs."""

    asked, hangs = 0, False

    async def query(self, text: str) -> bytes:
        self.asked += self.hangs
        if self.hangs:
            await asyncio.Event().wait()
        return await super().query(text)


async def test_an_embedder_that_hangs_is_waited_for_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(store, ("I like green tea", HERE), ("我喜欢绿茶", HERE))
    embedder = Hanging(64)
    search = Search(store.database, embedder, tmp_path / "index")
    await search.reindex(lambda *_: None)
    embedder.hangs = True
    monkeypatch.setattr(meaning, "WAIT", 0.01)
    for query, text in (("green tea", "I like green tea"), ("绿茶", "我喜欢绿茶")):
        hits, _ = await search.find(operator("a"), "messages", query)
        assert [hit.text for hit in hits] == [text]
    assert embedder.asked == 1
    await search.close()
