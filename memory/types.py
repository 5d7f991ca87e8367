"""The records that memory keeps. Frozen; behaviour lives elsewhere.

Times are aware datetimes in UTC. `seq` is a number of one agent's own counter: messages, facts,
passages and journal entries share it, so a seq names one thing of an agent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Audience = Literal["person", "room", "workspace"]  # who may see it, from narrow to wide
Role = Literal["user", "assistant", "tool"]
FactState = Literal["active", "superseded", "archived", "removed"]
Shelf = Literal["messages", "passages"]  # the two kinds of row that searches find


def now() -> datetime:
    """The time, in UTC, to the microsecond."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where something was said: whose words, in which room, for whose eyes, by which message."""

    audience: Audience = "person"
    person: str | None = None
    room: str = ""
    workspace: str = ""  # platform/space; of a shared fact: where it is known
    source: int | None = None  # seq of the message it was learned from


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Whoever can read what is said in one place, taken together.

    alone: one person reads it, as in a direct message. rooms: ids of the room agents whose rooms
    all of them can read. everything: an operator, who can read the files anyway. steward: an admin,
    who may change by hand what is known of others.
    """

    agent: str
    kind: str
    person: str | None = None
    channel: str = ""  # platform/space/channel
    workspace: str = ""  # platform/space
    alone: bool = False
    rooms: frozenset[str] = frozenset()
    everything: bool = False
    steward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A persistent mind. `version` grows with every change of its memory, and fences writers."""

    id: str
    name: str
    kind: Literal["person", "room", "named"]
    person: str | None
    created_at: datetime
    version: int = 0
    last_seq: int = 0
    number: int = 0  # a small number for search indexes of this database; never leaves it
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as a platform knows them."""

    platform: str
    space: str
    user: str
    name: str
    guest: bool = False  # they are not of the workspace where they are seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What an agent is made from when it is met for the first time."""

    id: str
    name: str
    kind: Literal["person", "room", "named"]
    persona: str
    human: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human. `id` is the id of the person's own agent."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a block."""

    seq: int
    label: str
    position: float  # order within the block
    text: str
    origin: Origin
    learned_at: datetime
    confirmed_at: datetime
    used_at: datetime
    valid_from: datetime  # when it came to stand in its block
    valid_to: datetime | None = None  # when it no longer stood there
    pinned: bool = False
    superseded_by: int | None = None
    state: FactState = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A labelled part of core memory: its active facts, in order."""

    label: str
    limit: int  # characters
    read_only: bool = False
    description: str = ""
    person: str | None = None  # in a room: whom it is about
    facts: tuple[Fact, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(fact.text for fact in self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool. `arguments` is JSON as the model wrote it, right or wrong."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One row of recall.

    `text` is what was said to or by the person; an assistant's unsent words are `thoughts`.
    A tool's row answers the call whose id is `answers`.
    """

    seq: int
    role: Role
    text: str
    at: datetime
    origin: Origin
    speaker: str = ""
    thoughts: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None
    turn: int = 0
    step: int = 0
    event: str = ""  # the platform's own id of the message
    tainted: bool = False  # not the speaker's own words, such as a file's
    fleeting: bool = False  # said where nothing was learned: not searched, and removed soon
    forgotten: bool = False  # by hand: neither searched nor shown, until that is undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One entry of archival memory. `archive` names the set it belongs to."""

    seq: int
    archive: str
    text: str
    at: datetime
    origin: Origin
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A message or passage that a search found, best first. `score` orders hits of one search."""

    shelf: Shelf
    seq: int
    text: str
    at: datetime
    speaker: str
    score: float
    why: tuple[str, ...]  # of "words", "meaning", "speaker", "time"
    words: float = 0.0  # how much of the question it has in words, or stands beside: 0 to 1
    apart: float | None = None  # how much nearer than all that is near: in standard deviations
    agent: str = ""  # the name of the agent that has it, where that is another one
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a search is limited to: every one that is set holds."""

    tags: tuple[str, ...] = ()  # all of them; only passages have any
    archive: str = ""  # the name of one; only passages are in any
    speaker: str = ""  # whose words, by name; only messages have one
    room: str = ""  # platform/space/channel, with all its threads, or one thread of it
    since: datetime | None = None
    until: datetime | None = None  # not included


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Whether a message is forgotten, as the journal has it: its words are in recall alone."""

    seq: int
    role: Role
    origin: Origin
    forgotten: bool


Thing = Fact | Passage | Remark  # what a change is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A thing before and after a change. None: it was not, or is no longer, there."""

    before: Thing | None
    after: Thing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One journal row: a change of memory that can be explained and undone."""

    seq: int
    at: datetime
    actor: str  # "agent", "person", "operator", "heartbeat"
    action: str  # the tool or command: core_memory_append, edit, undo, …
    summary: str
    source: int | None = None  # seq of the message that led to it
    diffs: tuple[Diff, ...] = ()
    undoes: int | None = None
    undone_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row of an agent's inbox: something that makes it act."""

    id: int
    kind: str  # "message", "heartbeat"
    dedup: str
    room: str  # the conversation: rows of one room are taken in one turn
    payload: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A turn's hold on inbox rows. A commit under a claim that was lost writes nothing."""

    agent: str
    turn: int  # id of the first row
    step: int  # the next step to take: 0 for a new turn
    attempts: int
    failures: int = 0  # how often it failed unexpectedly, or took the process down with it
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A row of the outbox: a reply on its way. `key` is its idempotency key."""

    agent: str
    id: int
    key: str
    target: Mapping[str, Any]
    text: str
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to one person; what it is about waits until they choose."""

    id: int  # a number of the agent's own counter
    # "reply": may it be said there; "notify": may it be posted; "memory": may it be kept; "note",
    # "notice": only told
    kind: str
    person: str
    target: Mapping[str, Any]  # where the person is, and how the platform knows them
    payload: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that a step wants sent."""

    key: str
    target: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What fell out of a conversation's window. Messages up to `upto` are no longer shown."""

    room: str
    upto: int
    text: str
    audience: Audience = "person"
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a turn sees of an agent, read in one snapshot."""

    agent: Agent
    blocks: tuple[Block, ...]
    summary: Summary | None
    history: tuple[Message, ...]  # of the room, after the summary, oldest first
    shared: tuple[tuple[str, Fact], ...]  # facts of others that this workspace knows, with names
    viewer: Viewer
    passages: int  # how many there are
    older: int  # messages of the room that the summary stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What model calls took: tokens, and money in millionths where prices are known."""

    kind: Literal["turn", "heartbeat"]
    calls: int = 0
    prompt: int = 0
    completion: int = 0
    money: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def plus(self, prompt: int, completion: int, money: int, calls: int = 1) -> "Spending":
        """With one more call, or several."""
        return Spending(
            kind=self.kind,
            calls=self.calls + calls,
            prompt=self.prompt + prompt,
            completion=self.completion + completion,
            money=self.money + money,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was spent on one day, such as 2026-01-31 in UTC."""

    day: str
    spending: Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class Mused:
    """An agent was looked through. `again_at`: when it is worth it once more though nothing was
    said; None: never."""

    again_at: datetime | None
    read: bool = True  # False: the model was away, so what was said is still to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one step or command wants kept: all of it is written, or nothing.

    `version` is the agent's version that the change was made on; another one is a Conflict.
    """

    agent: str
    version: int
    last_seq: int
    messages: tuple[Message, ...] = ()
    entries: tuple[Entry, ...] = ()
    replies: tuple[Reply, ...] = ()
    asks: tuple[Ask, ...] = ()
    summary: Summary | None = None
    revised: tuple[Message, ...] = ()  # messages that have another text now; "" for a deleted one
    used: tuple[int, ...] = ()  # facts whose used_at moves to `at`
    at: datetime = field(default_factory=now)
    usage: Spending | None = None
    mused: Mused | None = None
    claim: Claim | None = None  # the inbox rows this step works on
    done: bool = False  # the turn is over: its rows are finished in the same transaction
