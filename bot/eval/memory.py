"""`reverie eval memory`: plays scripted histories against the configured model, and scores what it
answers.

Everything is the real program, in a passing home of its own for each history; only the platform is
this player, and the clock is moved by it: weeks pass in a moment, with a heartbeat every night.
"""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import cast

from adapters.base import (
    Address,
    Attachment,
    Event,
    FetchFailed,
    Hearing,
    Invocation,
    Post,
    Shown,
)
from bot.app import App, build_embedder, build_model, opened, zone_of
from bot.config import Settings
from bot.errors import UserError
from bot.eval.history import KINDS, LANGUAGES, History, Language, Score, Turn, load, score
from bot.llm.base import LLM
from memory.ports import Connection, Embedder
from memory.types import Claim, now

SWEEPS = (time(4), time(13))  # when heartbeats are looked for: one of them is in no quiet hours
OUTAGES = 3  # in a row, with longer and longer waits between: then the model will not come back
DELAYED = "delayed:"  # begins the key of a post which only says that the model is away
POLL, PATIENCE = 0.005, 20.0  # seconds between two looks at what is not embedded yet, and of all

Progress = Callable[[int, int], None]  # done, in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A question, and how it was answered."""

    history: History
    turn: Turn
    said: str
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of each question, in order; and what it was that answered."""

    heading: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How questions of one kind (None: of all) in one language (None: in all) were answered."""

    kind: str | None
    language: Language | None
    scores: Counter[Score]


def chosen(
    languages: Sequence[Language], only: str | None = None, limit: int | None = None
) -> list[History]:
    """The histories to be played: of one name or kind, so many of each language.

    Raises UserError where none is called so.
    """
    found: list[History] = []
    for language in languages:
        fitting = [each for each in load(language) if only in (None, each.name, each.kind)]
        found += fitting[:limit]
    if not found:
        raise UserError(
            f"No history, and no kind of them, is called '{only}'. Kinds: {', '.join(KINDS)}."
        )
    return found


async def evaluate(
    settings: Settings, histories: Sequence[History], told: Progress, *, jobs: int = 1
) -> Report:
    """Play them with the configured model, `jobs` at a time.

    Raises UserError where the model stays away.
    """
    llm, embedder = build_model(settings, zone_of(settings)), build_embedder(settings)
    try:
        outcomes = await _each(settings, histories, told, jobs, llm, embedder)
    finally:
        await llm.close()
        if embedder is not None:
            await embedder.close()
    search = f"words and meaning ({embedder.name})" if embedder is not None else "words alone"
    count = "1 history" if len(histories) == 1 else f"{len(histories)} histories"
    heading = f"{count}, played with {llm.name}; search by {search}."
    return Report(heading=heading, outcomes=tuple(outcomes))


async def _each(
    settings: Settings, histories: Sequence[History], told: Progress, jobs: int, llm: LLM,
    embedder: Embedder | None,
) -> list[Outcome]:  # fmt: skip
    slots, done = asyncio.Semaphore(jobs), 0

    async def one(history: History) -> list[Outcome]:
        nonlocal done
        async with slots:
            outcomes = await play(history, settings, llm, embedder)
        done += 1
        told(done, len(histories))
        return outcomes

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one(each), name=each.name) for each in histories]
    return [outcome for task in running for outcome in task.result()]


async def play(
    history: History, settings: Settings, llm: LLM, embedder: Embedder | None
) -> list[Outcome]:
    """What came of each question of a history. Neither the model nor the embedder is closed.

    Raises UserError where the model stays away.
    """
    lent = cast(LLM, _Lent(llm))
    followed = cast(Embedder, _Lent(embedder)) if embedder is not None else None
    with tempfile.TemporaryDirectory(prefix="reverie-") as home:
        clock = Clock()
        async with opened(
            _passing(settings, Path(home)), llm=lent, embedder=followed, clock=clock
        ) as app:
            player = Player(history, app, clock, embeds=embedder is not None)
            await app.run([player])
            if not player.over:
                raise UserError(
                    f"The model is away: '{history.name}' could not be played to its end."
                    " `reverie doctor` tries the model."
                )
    return player.outcomes


def _passing(settings: Settings, home: Path) -> Settings:
    """The same, but nothing of it is kept, and nobody outside is told anything."""
    here = {
        "home": home,
        "database_url": None,
        "timezone": "UTC",
        "tools": (),
        "notice": False,
        "opt_in": False,
        "retention_person_days": 0,
        "retention_room_days": 0,
    }
    return settings.model_copy(update=here)


class _Lent:
    """Lends a model or an embedder to many homes, one of which would close it."""

    def __init__(self, thing: object) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> object:
        return getattr(self._thing, name)

    async def close(self) -> None: ...


class Clock:
    """The time in a history. It begins on the next Monday, so that nothing of memory is younger
    than the agents that remember it."""

    def __init__(self) -> None:
        today = datetime.combine(now().date(), time(), UTC)
        self.first = self.at = today + timedelta(days=7 - today.weekday())

    def __call__(self) -> datetime:
        return self.at


class Player:
    """Implements adapters.base.Adapter: the people of a history, and what they are answered."""

    name = "stage"

    def __init__(self, history: History, app: App, clock: Clock, *, embeds: bool) -> None:
        self.outcomes: list[Outcome] = []
        self.over = False
        self._history = history
        self._app = app
        self._clock = clock
        self._embeds = embeds
        self._said = 0
        self._heard: list[str] = []  # what was posted since the last thing that was said
        self._outages = 0
        app.delayed = self._delayed

    async def run(self, hearing: Hearing) -> None:
        for room, who in {turn.room: turn.who for turn in self._history.turns if turn.room}.items():
            await hearing.command(self._given("/mode listen", who, room, admin=True))
        for turn in self._history.turns:
            await self._pass_to(self._clock.first + turn.after)
            await self._act(turn, hearing)
        self.over = True

    async def send(self, post: Post) -> str:
        if not post.key.startswith(DELAYED):
            self._outages = 0
            self._heard.append(post.text)
        return post.key

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        raise FetchFailed("Histories have no files.")

    def link(self, address: Address, event: str) -> str:
        return ""

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        """What one person alone is shown is no answer to what somebody asks in a room."""

    async def working(self, address: Address, *, begun: bool) -> None:
        """Nobody looks on."""

    # --- what people do ---

    async def _act(self, turn: Turn, hearing: Hearing) -> None:
        if turn.verb == "forget":
            await self._forget(turn, hearing)
            return
        self._said += 1
        self._heard.clear()
        await hearing.deliver(
            Event(
                id=str(self._said),
                address=_address(turn.who, turn.room),
                user=turn.who,
                name=turn.who,
                text=turn.text,
                at=self._clock.at,
                room_kind="public" if turn.room else "dm",
                room_name=turn.room,
                mentioned=turn.verb != "chat",
            )
        )
        await self._settled()
        if turn.verb == "ask":
            said = "\n".join(self._heard)
            self.outcomes.append(
                Outcome(history=self._history, turn=turn, said=said, score=score(turn, said))
            )

    async def _forget(self, turn: Turn, hearing: Hearing) -> None:
        """Search memory for it, and press "Forget" beside whatever says it."""
        query = turn.text.replace("|", " ")
        found = await hearing.command(
            self._given(f"/memory search {query}", turn.who, turn.room, admin=False)
        )
        for line in (line for part in found.parts for line in part.lines):
            for button in line.buttons:
                meant = re.search(turn.text, line.text, re.IGNORECASE)
                if meant and button.line.startswith("/memory forget "):
                    await hearing.command(
                        self._given(button.line, turn.who, turn.room, admin=False)
                    )

    def _given(self, line: str, who: str, room: str, *, admin: bool) -> Invocation:
        return Invocation(
            address=_address(who, room), user=who, name=who, line=line, admin=admin,
            room_kind="public" if room else "dm", room_name=room,
        )  # fmt: skip

    # --- what happens meanwhile ---

    async def _pass_to(self, at: datetime) -> None:
        """Let the time pass, with the heartbeats that are due in it."""
        while (beat := _next(self._clock.at)) < at:
            self._clock.at = beat
            if await self._app.schedule.sweep():
                await self._settled()
        self._clock.at = at

    async def _settled(self) -> None:
        """Returns when everything is done, sent, and found by its meaning."""
        await self._app.worker.settled()
        for agent in await self._app.store.with_unsent():
            await self._app.outbox.drained(agent)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._embedded()
        except TimeoutError:  # the embedder is away: search is by words then
            self._embeds = False

    async def _embedded(self) -> None:
        database = self._app.store.database
        while self._embeds and await database.read(_unembedded):  # noqa: ASYNC110 -- rows tell it
            await asyncio.sleep(POLL)

    def _delayed(self, claim: Claim) -> None:
        self._outages += 1
        if self._outages == OUTAGES:
            self._app.stop()


def _next(at: datetime) -> datetime:
    """The next time after this one at which heartbeats are looked for."""
    midnight = datetime.combine(at.date(), time(), UTC)
    days = (midnight, midnight + timedelta(days=1))
    return next(
        beat
        for day in days
        for beat in (datetime.combine(day.date(), hour, UTC) for hour in SWEEPS)
        if beat > at
    )


def _unembedded(conn: Connection) -> bool:
    return conn.one("SELECT 1 AS waits FROM embed_queue WHERE tries = 0 LIMIT 1") is not None


def _address(who: str, room: str) -> Address:
    return Address(platform=Player.name, space="local", channel=room or f"dm-{who}")


# --- what it comes to -----------------------------------------------------------------------------


def tallies(outcomes: Sequence[Outcome]) -> Iterator[Tally]:
    """By kind and language, then by language, then all; of what was asked at all."""
    kinds: tuple[str | None, ...] = (*KINDS, None)
    languages: tuple[Language | None, ...] = (*LANGUAGES, None)
    for kind in kinds:
        for language in languages if kind is None else LANGUAGES:
            scores = Counter(
                outcome.score
                for outcome in outcomes
                if kind in (None, outcome.history.kind)
                and language in (None, outcome.history.language)
            )
            if scores:
                yield Tally(kind=kind, language=language, scores=scores)
