"""`reverie eval retrieval`: whether searches find what answers a question, in a home of its own.

Everything is as in use: the store, its word index, FAISS files, the embedder that is configured.
Only the questions' vectors are kept between methods.
"""

import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bot.eval.dialogue import Asked, Dialogue, Turn
from bot.eval.scores import MEASURES, mean, score
from memory.agents import named_id
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.ports import Connection, Embedder
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.search.ranking import WEIGHTS, Weights
from memory.store import Store
from memory.types import Birth, Message, Origin

DEEP = 200  # hits that are looked at: five sessions are in them
ALONE = Weights(meaning=0, words=1, near=0, speaker=0, time=0, session=0)
METHODS: dict[str, Weights] = {
    "ours": WEIGHTS,
    "words only": ALONE,
    "meaning only": replace(ALONE, meaning=1, words=0),
    "substring": ALONE,  # weighs nothing: `_substring`
    "no meaning": replace(WEIGHTS, meaning=0),
    "no words": replace(WEIGHTS, words=0),
    "no neighbours": replace(WEIGHTS, near=0),
    "no sessions": replace(WEIGHTS, session=0),
    "no speaker": replace(WEIGHTS, speaker=0),
    "no time": replace(WEIGHTS, time=0),
}
WITH_VECTORS = frozenset(METHODS) - {"words only", "substring", "no meaning"}
Progress = Callable[[int, int], None]  # done, in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a method got for one question: MEASURES in their order, 0 to 1."""

    method: str
    dialogue: str
    category: str
    values: tuple[float, ...]


class _Remembering:
    """An embedder that keeps what it was asked for: methods ask the same questions."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: dict[str, bytes] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dim(self) -> int:
        return self._embedder.dim

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        return await self._embedder.passages(texts)

    async def query(self, text: str) -> bytes:
        if text not in self._kept:
            self._kept[text] = await self._embedder.query(text)
        return self._kept[text]

    async def close(self) -> None:
        """It is closed by whoever made it."""


class Bench:
    """Dialogues, each the recall of an agent of its own."""

    def __init__(self, store: Store, embedder: Embedder | None, folder: Path) -> None:
        self._store = store
        self._embedder = _Remembering(embedder) if embedder else None
        self._folder = folder
        self._ids: dict[str, dict[int, Turn]] = {}

    async def fill(self, dialogues: Sequence[Dialogue], progress: Progress) -> None:
        """Write all turns, and embed them."""
        for dialogue in dialogues:
            self._ids[dialogue.name] = await self._told(dialogue)
        await Search(self._store.database, self._embedder, self._folder).reindex(progress)

    async def _told(self, dialogue: Dialogue) -> dict[int, Turn]:
        agent = named_id(dialogue.name)
        await self._store.ensure(
            Birth(id=agent, name=dialogue.name, kind="named", persona="I am measured.")
        )
        view = await self._store.view(agent, dialogue.name)
        draft = Draft.of(view.agent, view.blocks)
        turns = {draft.seq(): turn for turn in dialogue.turns}
        draft.messages.extend(
            Message(
                seq=seq, role="user", text=turn.text, at=turn.at, speaker=turn.speaker,
                origin=Origin(room=dialogue.name),
            )
            for seq, turn in turns.items()
        )  # fmt: skip
        await self._store.commit(draft.change())
        return turns

    async def run(
        self, dialogue: Dialogue, method: str, weights: Weights | None = None
    ) -> list[Scored]:
        """All questions of a dialogue, asked a day after its last turn. weights: other ones than
        the method's."""
        asked_at = dialogue.turns[-1].at + timedelta(days=1)
        search = Search(
            self._store.database,
            self._embedder if method in WITH_VECTORS else None,
            self._folder,
            read_only=True,
            clock=lambda: asked_at,
            weights=weights or METHODS[method],
        )
        turns = self._ids[dialogue.name]
        sessions = {turn.id: turn.session for turn in dialogue.turns}
        scored = []
        for question in dialogue.questions:
            seqs = await self._found(search, dialogue, method, question)
            found = [turns[seq] for seq in seqs]
            values = score(
                [turn.id for turn in found],
                [turn.session for turn in found],
                question.evidence,
                {sessions[each] for each in question.evidence},
            )
            scored.append(
                Scored(
                    method=method,
                    dialogue=dialogue.name,
                    category=question.category,
                    values=values,
                )
            )
        return scored

    async def _found(
        self, search: Search, dialogue: Dialogue, method: str, question: Asked
    ) -> list[int]:
        agent = named_id(dialogue.name)
        if method == "substring":
            return await self._store.database.read(
                lambda conn: _substring(conn, agent, question.text)
            )
        hits, _ = await search.find(operator(agent), "messages", question.text, size=DEEP)
        return [hit.seq for hit in hits]


def _substring(conn: Connection, agent: str, question: str) -> list[int]:
    """The messages that hold the question as it stands, newest first: how Letta searches recall
    (`func.lower(text).contains(func.lower(query))`, as read in its source by design/retrieval.md).
    """
    rows = conn.all(
        "SELECT seq FROM messages WHERE agent_id = :agent AND instr(lower(text), lower(:question))"
        " ORDER BY seq DESC LIMIT :limit",
        agent=agent,
        question=question,
        limit=DEEP,
    )
    return [row["seq"] for row in rows]


@asynccontextmanager
async def bench(embedder: Embedder | None) -> AsyncIterator[Bench]:
    """A bench in a passing home."""
    with tempfile.TemporaryDirectory(prefix="reverie-eval-") as name:
        folder = Path(name)
        database = SqliteDatabase(folder / "reverie.db")
        database.start(MIGRATIONS)
        try:
            yield Bench(Store(database), embedder, folder / "index")
        finally:
            await database.close()


def summed(scored: Sequence[Scored]) -> dict[str, dict[str, tuple[float, float]]]:
    """By category, "all" first: each measure's mean, and half the width of its 95 % interval."""
    groups: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    for each in scored:
        groups["all"].append(each.values)
        groups[each.category].append(each.values)
    return {
        name: {
            measure: mean([row[number] for row in rows]) for number, measure in enumerate(MEASURES)
        }
        for name, rows in groups.items()
    }
