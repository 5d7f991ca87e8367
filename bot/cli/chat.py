"""`reverie chat` and `reverie run`: a conversation in the terminal, or through pipes."""

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

from adapters.base import Address, Event, Hearing, Invocation, Post
from adapters.terminal import Terminal
from bot.app import App, opened
from bot.cli.screen import Screen
from bot.commands import line as command_line
from bot.commands import types as commands
from bot.commands.answer import Answer
from bot.config import Settings
from bot.errors import ReverieError, UserError
from bot.intake import PERSONA, route
from bot.turn import Step
from bot.types import Done
from memory.agents import named_id
from memory.audience import operator
from memory.errors import MemoryFault
from memory.types import Birth, Claim, now
from memory.words import sanitise

PATIENCE = 120.0  # seconds that a script waits for answers when its input has ended
HERE = Address(platform="terminal", space="local", channel="dm")
EARLIEST, LATEST = 1000, 9000  # years that every time zone, and every format, can show
UNANSWERED = 3  # exit code: the session ended, and some of it is not answered yet


class Chat:
    """What the terminal's lines mean: messages, commands, and with --json whole records."""

    def __init__(
        self, app: App, screen: Screen, *, user: str, agent: str | None, as_json: bool
    ) -> None:
        self._app = app
        self._screen = screen
        self._user = user
        self._agent = agent
        self._json = as_json
        self._answered: dict[str, asyncio.Event] = {}
        self._away = False  # the model, as far as is known
        self._unread = False  # standard output takes no more

    async def begin(self) -> None:
        """Say what this is and who answers; make the agent that was asked for."""
        settings = self._app.settings
        self._screen.banner(
            model=self._app.llm.name,
            offline=settings.offline,
            home=str(settings.home),
            search=self._app.search.meaning,
        )
        if self._agent is not None:
            await self._choose(self._agent, PERSONA)

    async def _choose(self, name: str, persona: str) -> None:
        birth = Birth(id=named_id(name), name=name, kind="named", persona=persona)
        _, fresh = await self._app.store.ensure(birth)
        if fresh:
            self._screen.note("created", f"the agent '{name}'")
        self._agent = name

    # --- lines in ---

    async def line(self, line: str, hearing: Hearing) -> bool:
        """One line of input: a message, or a command, which is obeyed here."""
        try:
            command = None if self._json and _record(line) else command_line.parse(line)
            if isinstance(command, commands.Quit):
                return False
            if command is not None:
                await self._obey(command, line, hearing)
            elif line.strip():
                await self._say(self._message(line), hearing)
        except (ReverieError, MemoryFault) as error:
            self._screen.error(str(error))
        except OSError:  # nobody reads what we say: what is not shown is shown next time
            return False
        return not self._unread

    def _message(self, line: str) -> Event:
        fields = (_record(line) if self._json else None) or {"text": line}
        name = fields.get("speaker") or self._user
        return Event(
            id=fields.get("id") or uuid.uuid4().hex,
            address=HERE,
            user=name,
            name=name,
            text=fields["text"],
            at=_time(fields.get("at"), self._app.zone),
            agent=self._agent,
        )

    async def _say(self, event: Event, hearing: Hearing) -> None:
        """Hearing, and wait for the answer: the next line is read after it."""
        agent = (await self._app.store.homes(route(event)[0].id))[0]
        key = f"{HERE.platform}:{event.id}"
        answered = self._answered.setdefault(key, asyncio.Event())
        fresh = await hearing.deliver(event)
        state = await self._app.store.state_of(agent, key)
        if state is None:
            return  # it said nothing that could be kept
        if fresh:
            self._screen.accepted(event.id)
        if state[1] == "done" or self._away:
            answered.set()
        await answered.wait()
        del self._answered[key]
        await self._app.outbox.drained(agent)
        if not fresh:
            await self._repeat(agent, event.id, key)

    async def _repeat(self, agent: str, event: str, key: str) -> None:
        """An event that was received before: its answers are shown again, under their keys."""
        state = await self._app.store.state_of(agent, key)
        if state is None:
            return
        for reply in await self._app.store.replies_of(agent, state[0]):
            self._screen.reply(reply.key, reply.text, [event], again=True)

    async def ended(self) -> None:
        """A script's input is over: wait until everything is answered, within patience."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE if not self._screen.rich else 0.0):
                await self._app.worker.settled()

    # --- answers out ---

    def show(self, post: Post) -> None:
        try:
            self._screen.reply(post.key, post.text, post.answers)
        except OSError:  # nobody reads any more: the reply stays in the outbox for the next time
            self._unread = True
            self._app.stop()
            self._app.outbox.stop()
            raise

    def watch(self, step: Step) -> None:
        """A step was committed: what it saved may be said now, and not before."""
        for message in step.change.messages:
            if message.role == "assistant" and message.thoughts:
                self._screen.thought(message.thoughts)
        for entry in step.change.entries:
            self._screen.note("saved", entry.summary)
        if isinstance(step.next, Done):
            self._away = False
            self._release(step.claim)

    def delayed(self, claim: Claim) -> None:
        """The model is away: the next lines need not wait for an answer to this one."""
        self._away = True
        self._release(claim)

    def _release(self, claim: Claim) -> None:
        for item in claim.items:
            if item.dedup in self._answered:
                self._answered[item.dedup].set()

    # --- commands ---

    async def _obey(self, command: commands.Command, line: str, hearing: Hearing) -> None:
        match command:
            case commands.Create(name=name, persona=persona):
                if await self._app.store.named(name) is not None:
                    raise UserError(f"There is an agent '{name}' already.")
                await self._choose(name, persona or PERSONA)
            case commands.ListAgents():
                for agent in await self._app.store.agents():
                    self._screen.line(f"{agent.name}  ({agent.kind})")
            case commands.Help(text=text):
                self._screen.line(text)
            case commands.Verb():
                self._screen.answer(await self._verb(command))
            case _:
                given = Invocation(
                    address=HERE, user=self._user, name=self._user, line=line, agent=self._agent,
                    governs=True,
                )  # fmt: skip
                self._screen.line((await hearing.command(given)).plain())

    async def _verb(self, command: commands.Verb) -> Answer:
        """A memory verb, for the agent that this chat is with."""
        probe = Event(
            id="", address=HERE, user=self._user, name=self._user, text="", at=now(),
            agent=self._agent,
        )  # fmt: skip
        agent, _ = await self._app.store.ensure(*route(probe))
        return await self._app.verbs.run(operator(agent.id), command, actor="person")


def _record(line: str) -> dict[str, str] | None:
    """A JSON line with a text, and perhaps id, speaker and at; None for any other line."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return None
    known = {key: sanitise(str(value[key])) for key in ("id", "speaker", "at") if value.get(key)}
    return known | {"text": value["text"]}


def _time(text: str | None, zone: tzinfo) -> datetime:
    if text is None:
        return now()
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        if not EARLIEST <= at.year <= LATEST:
            raise ValueError
    except (ValueError, OverflowError):
        raise UserError(
            f"'at' must be a time such as 2026-11-22T20:47:00+00:00, not {text!r}."
        ) from None
    return at


@contextmanager
def stoppable(app: App) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the session in order; a second Ctrl-C ends it at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        app.stop()
        loop.remove_signal_handler(signal.SIGINT)

    with suppress(NotImplementedError):  # Windows
        loop.add_signal_handler(signal.SIGINT, stop)
        loop.add_signal_handler(signal.SIGTERM, app.stop)
    with _sane_terminal():
        yield


@contextmanager
def _sane_terminal() -> Iterator[None]:
    """Leave the terminal as it was, even when a line was being edited."""
    if termios is None or sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)


async def main(
    settings: Settings, *, user: str, agent: str | None, as_json: bool, thoughts: bool
) -> int:
    """Talk until the input ends; the exit code."""
    screen = Screen(as_json=as_json, thoughts=thoughts)
    async with opened(settings) as app:
        chat = Chat(app, screen, user=user, agent=agent, as_json=as_json)
        app.watch, app.delayed = chat.watch, chat.delayed
        await chat.begin()
        with stoppable(app):
            await app.run([Terminal(chat, prompt=screen.prompt)])
        left = await _left(app)
    if left:
        screen.error(f"{left}: kept, and taken up the next time I run.")
    return UNANSWERED if left else 0


async def _left(app: App) -> str:
    """What is not answered, or not shown, when the session ends."""
    store = app.store
    open_rows = sum([await store.open_count(agent) for agent, _ in await store.waiting()])
    unsent = sum([len(await store.unsent(agent)) for agent in await store.with_unsent()])
    parts = []
    if open_rows:
        parts.append(f"{open_rows} message{'s' * (open_rows > 1)} not answered yet")
    if unsent:
        parts.append(f"{unsent} answer{'s' * (unsent > 1)} not shown yet")
    return ", ".join(parts)
