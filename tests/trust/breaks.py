"""Turns one guard off, to see that its absence is noticed."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import bot.commands.verbs
import bot.desk
import bot.turn
from bot.commands import forgetting
from bot.commands.verbs import Verbs
from bot.consult import Consult
from bot.desk import Desk
from bot.notify import Notify
from bot.recollect import Recollect
from memory import (
    audience,
    changes,
    consolidate,
    core,
    insight,
    links,
    merge,
    recall,
    snapshot,
)
from memory.consolidate import Run
from memory.draft import Draft
from memory.ports import Connection
from memory.search import lookup, reads
from memory.store import Store
from memory.types import Agent, Message, Origin, Summary, Viewer
from tests.trust import worlds

Patch = tuple[object, str, Callable[[Any], Any]]  # of what, which, and what takes its place
Rewrite = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A place where the rule is enforced, and how it is taken away there."""

    about: str
    patches: tuple[Patch, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()  # of SQL


@contextmanager
def patched(owner: object, name: str, value: object) -> Iterator[None]:
    before = inspect.getattr_static(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _sightless() -> Iterator[None]:
    """There is no rule meanwhile."""
    with ExitStack() as stack:
        for name in ("sees", "sees_change"):
            stack.enter_context(patched(audience, name, lambda *_: True))
        stack.enter_context(patched(audience, "visible", lambda _: "1"))
        yield


def _blind(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it would be, if it did not look at the rule."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **kwargs: Any) -> Any:
            with _sightless():
                return await function(*args, **kwargs)

        return later

    @functools.wraps(function)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        with _sightless():
            return function(*args, **kwargs)

    return at_once


def _off(owner: object, name: str) -> Patch:
    return (owner, name, _blind)


def _instead(owner: object, name: str, value: Callable[..., Any]) -> Patch:
    return (owner, name, lambda _: value)


def _all_rooms(conn: Connection, person: str, workspace: str) -> list[str]:
    return [row["agent_id"] for row in conn.all("SELECT agent_id FROM rooms")]


async def _nothing_private(*_: Any, **known: str) -> bool:
    return False


def _always_alone(function: Callable[..., Viewer]) -> Callable[..., Viewer]:
    def viewer(conn: Connection, agent: Agent, said: Origin) -> Viewer:
        return replace(function(conn, agent, said), alone=True)

    return viewer


def _always_public(function: Callable[..., None]) -> Callable[..., None]:
    def opened(conn: Connection, agent_id: str, workspace: str, kind: str) -> None:
        function(conn, agent_id, workspace, "public")

    return opened


def _never_unshared(function: Callable[..., None]) -> Callable[..., None]:
    def share(self: Draft, fact: Any, *, shared: bool) -> None:
        function(self, fact, shared=True)
        if not shared:  # it says so, and does not
            self.entries[-1] = replace(self.entries[-1], diffs=())

    return share


def _shared(origin: Origin) -> Origin:
    return replace(origin, audience="workspace")


def _learned_by_all(function: Callable[..., bool]) -> Callable[..., bool]:
    def learn(self: Run, message: Message, quote: str, *, known: frozenset[int]) -> bool:
        wide = replace(message, origin=_shared(message.origin))
        return function(self, wide, quote, known=known)

    return learn


def _away_for_all(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda draft, fact, origin: function(draft, fact, _shared(origin))


def _of_the_room(made: Callable[..., Summary]) -> Callable[..., Summary]:
    """A summary as wide as can be."""
    return lambda **told: made(**{**told, "audience": "room"})


def _brings_nothing_back(conn: Connection, leaving: Any, at: Any) -> tuple[int, int]:
    return 0, 0


def _for_everybody(function: Callable[..., Any]) -> Callable[..., Any]:
    """Tools that are given an operator's eyes."""

    @functools.wraps(function)
    async def call_tools(*args: Any) -> Any:
        *front, viewer, turn = args
        return await function(*front, audience.operator(viewer.agent), turn)

    return call_tools


def _as_direct(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is asked in a room is taken for the person's own."""
    return lambda invocation, *rest: function(replace(invocation, own=True), *rest)


NO_ROOMS: Final[Rewrite] = ("a.agent_id IN (SELECT value FROM json_each(:v_rooms))", "1")
ANY_FACT: Final[Rewrite] = ("f.agent_id IN (SELECT value FROM json_each(:v_rooms))", "1")
UNSHARED: Final[Rewrite] = (
    "f.audience = 'workspace' AND f.state = 'active' AND f.workspace = :v_workspace", "1",
)  # fmt: skip
COUNTED: Final[Rewrite] = (f"p.agent_id = :v_agent AND {audience.visible('p')}) AS passages",
                           "p.agent_id = :v_agent) AS passages")  # fmt: skip
HYDRATE: Final = _off(lookup, "hydrate")
ROUTED: Final = (bot.desk, "_as_event", _as_direct)

BREAKS: Final = {
    "view_blocks": Guard(about="core memory in a prompt", patches=(_off(core, "_blocks"),)),
    "view_shared": Guard(
        about="others' shared facts in a prompt; with the query's own condition",
        patches=(_off(core, "shared"),), rewrites=(UNSHARED,),
    ),
    "view_history": Guard(about="messages in a prompt", patches=(_off(recall, "window"),)),
    "view_summary": Guard(about="a summary in a prompt", patches=(_off(recall, "summary"),)),
    "summary_audience": Guard(
        about="whose a summary is", patches=((bot.turn, "Summary", _of_the_room),)
    ),
    "view_counts": Guard(about="how many passages there are", rewrites=(COUNTED,)),
    "find": Guard(
        about="what a search ranks; with hydrate", patches=(_off(lookup, "ranked"), HYDRATE)
    ),
    "hydrate": Guard(
        about="rows of hits; with seen, which all hits pass before",
        patches=(_off(reads, "seen"), HYDRATE),
    ),
    "newest": Guard(about="the newest; with hydrate", patches=(_off(lookup, "newest"),)),
    "between": Guard(about="what was said in a span of days", patches=(_off(lookup, "between"),)),
    "elsewhere": Guard(
        about="rooms' messages and passages in a direct message; with the query's own condition",
        patches=(_off(reads, "elsewhere"),), rewrites=(NO_ROOMS,),
    ),
    "elsewhere_facts": Guard(
        about="rooms' facts in a direct message; with the query's own condition",
        patches=(_off(core, "of_rooms"),), rewrites=(ANY_FACT,),
    ),
    "tools": Guard(
        about="whose eyes tools have", patches=((bot.turn.Turns, "_call_tools", _for_everybody),)
    ),
    "ask_agent": Guard(about="what a named agent knows", patches=(_off(Consult, "_known"),)),
    "recollect": Guard(
        about="what is recalled unasked", patches=(_off(Recollect, "_found"),)
    ),
    "notify": Guard(
        about="what may be said in another room",
        patches=(_instead(Notify, "_private", _nothing_private),),
    ),
    "verbs_show": Guard(about="/memory show", patches=(_off(Verbs, "_show"),)),
    "verbs_search": Guard(about="/memory search", patches=(_off(bot.commands.verbs, "found"),)),
    "verbs_sources": Guard(about="what facts come from", patches=(_off(insight, "sources"),)),
    "verbs_why": Guard(about="/memory why", patches=(_off(insight, "reason"),)),
    "verbs_history": Guard(about="/memory history", patches=(_off(Verbs, "_history"),)),
    "verbs_undo": Guard(about="/memory undo", patches=(_off(changes, "undo"),)),
    "verbs_edit": Guard(about="verbs that change facts", patches=(_off(Store, "edit"),)),
    "verbs_forget": Guard(about="/memory forget N", patches=(_off(forgetting, "lookup"),)),
    "export": Guard(about="/memory export", patches=(_off(snapshot, "seen_by"),)),
    "autocomplete": Guard(
        about="choices while typing; with the way to the place's agent",
        patches=(_off(Desk, "facts"), ROUTED),
    ),
    "commands": Guard(
        about="which agent a command is for, and for whose eyes",
        patches=(ROUTED, (bot.desk, "_origin", _as_direct)),
    ),
    "alone": Guard(
        about="who is in a room", patches=((audience, "viewer", _always_alone),)
    ),
    "readable_rooms": Guard(
        about="the rooms that a person can read",
        patches=(_instead(audience, "readable_rooms", _all_rooms),),
    ),
    "left": Guard(
        about="who left a room", patches=(_instead(audience, "left", lambda *_: None),)
    ),
    "opened": Guard(
        about="which rooms are public", patches=((audience, "opened", _always_public),)
    ),
    "guests": Guard(
        about="who of a room is no member of its workspace",
        patches=(_instead(audience, "has_guests", lambda *_: False),),
    ),
    "linked": Guard(
        about="for whom what comes with a link is",
        patches=((merge, "elsewhere", lambda elsewhere: lambda o: _shared(elsewhere(o))),),
    ),
    "unlink": Guard(
        about="what came with a link that ended",
        patches=(_instead(links, "_give_back", _brings_nothing_back),),
    ),
    "heartbeat_joins": Guard(
        about="which facts a heartbeat takes for one",
        patches=(_instead(consolidate, "eyes", lambda fact: ()),),
    ),
    "heartbeat_learns": Guard(
        about="for whom what a heartbeat learns is", patches=((Run, "learn", _learned_by_all),)
    ),
    "heartbeat_archives": Guard(
        about="for whom what a heartbeat puts away is",
        patches=((merge, "put_away", _away_for_all),),
    ),
    "unshare": Guard(
        about="a fact that is no longer shared", patches=((Draft, "share", _never_unshared),)
    ),
}  # fmt: skip


@contextmanager
def broken(name: str) -> Iterator[None]:
    """One guard is off; none where there is no name. Raises KeyError."""
    guard = BREAKS[name] if name else Guard(about="")
    with ExitStack() as stack:
        for owner, attribute, made in guard.patches:
            stack.enter_context(patched(owner, attribute, made(getattr(owner, attribute))))
        rewrites = list(guard.rewrites)
        stack.enter_context(patched(worlds, "REWRITES", rewrites))
        yield
