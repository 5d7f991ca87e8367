"""`/memory forget`: a fact, a passage, or what somebody said; by its number, or by its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot import phrases
from bot.commands import edits
from bot.commands.finding import Finder
from bot.errors import UserError
from memory import audience, changes, insight, recall, unsaid
from memory.draft import Draft, clipped
from memory.errors import Conflict, NotFound, NotYours
from memory.ports import Connection
from memory.store import Store
from memory.types import Fact, Filters, Message, Passage, Viewer

FITTING = 50  # messages that are looked at for words


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a number stands for, as far as a viewer may see it."""

    version: int  # of the agent, when it was looked up
    thing: Fact | Passage | None
    message: Message | None  # that has the number, or that the passage was made from
    learned: Sequence[Fact | Passage]  # from that message


class Forgetting:
    """Forgets for whoever sees what the viewer sees, and tells it in a sentence.

    A message goes as if it had been deleted, with what was learned from it. Who may have that is
    audience.may_forget: whoever said it, or an admin; what the agent said itself, in a direct
    message the one who was told, and in a room an admin.
    """

    def __init__(self, store: Store, finder: Finder, viewer: Viewer, actor: str) -> None:
        self._store = store
        self._finder = finder
        self._viewer = viewer
        self._actor = actor

    async def forget(self, target: int | str) -> str:
        """By number or by words. Raises UserError or a MemoryFault that says what to do."""
        if isinstance(target, int):
            return await self._numbered(target)
        try:
            return await self._edited(lambda draft: edits.forget(draft, target))
        except edits.Unknown:
            return await self._numbered((await self._said(target)).seq)

    async def _numbered(self, number: int) -> str:
        meant = await self._store.database.read(lambda conn: lookup(conn, self._viewer, number))
        match meant.thing, meant.message:
            case Fact(state=state), _ if state != "active":
                raise UserError(f"#{number} is no longer in core memory: it was {state}.")
            case Passage() as passage, _:
                return await self._passage(meant, passage)
            case None, Message() as message:
                return await self._message(meant, message)
            case None, None:
                raise NotFound(phrases.both("forget_nothing", number=str(number)))
        return await self._edited(lambda draft: edits.forget(draft, number))

    async def _message(self, meant: Meant, message: Message) -> str:
        text, number = message.text, str(message.seq)
        if not audience.may_forget(self._viewer, recall.remark(message)):
            raise NotYours(phrases.say("forget_others", text, number=number))
        if message.forgotten:
            raise UserError(phrases.say("forgot_before", text, number=number))

        def work(draft: Draft) -> str:
            _require(draft, meant)
            unsaid.forget(draft, message, meant.learned)
            name = "forgot_learned" if meant.learned else "forgot"
            return phrases.say(name, text, number=number, text=clipped(text))

        return await self._edited(work)

    async def _passage(self, meant: Meant, passage: Passage) -> str:
        """With the message that it was made from, where that may be forgotten too: it would be
        found in its place."""
        said = meant.message
        mine = said is not None and audience.may_forget(self._viewer, recall.remark(said))
        more = [unsaid.hidden(said)] if said is not None and mine and not said.forgotten else []

        def work(draft: Draft) -> str:
            _require(draft, meant)
            draft.remove(passage, action="forget", more=more)
            return f"Forgot #{passage.seq}: {clipped(passage.text)} (`/memory undo` brings it back)"

        return await self._edited(work)

    async def _edited(self, work: Callable[[Draft], str]) -> str:
        return await self._store.edit(
            self._viewer.agent, work, actor=self._actor, viewer=self._viewer
        )

    async def _said(self, words: str) -> Message:
        """The one message of theirs that has all of the words. Raises NotFound that lists the
        messages it may be."""
        hits, _ = await self._finder.find(
            self._viewer, "messages", words, page=0, size=FITTING, filters=Filters()
        )
        seqs = [hit.seq for hit in hits]
        rows = await self._store.database.read(
            lambda conn: recall.get(conn, self._viewer.agent, seqs)
        )
        own = replace(self._viewer, steward=False)
        theirs = [
            row
            for row in rows.values()
            if row.role == "user" and audience.may_forget(own, recall.remark(row))
        ]
        found = edits.having(theirs, words)
        if not found:
            raise NotFound(phrases.say("forget_none", words, words=clipped(words)))
        if len(found) > 1:
            told = phrases.say("forget_which", words, count=str(len(found)))
            raise NotFound("\n".join([told, *edits.listed(found)]))
        return found[0]


def _require(draft: Draft, meant: Meant) -> None:
    if draft.agent.version != meant.version:  # it may be gone, or back, by now
        raise Conflict


def lookup(conn: Connection, viewer: Viewer, number: int) -> Meant:
    """Raises NotFound where there is no such agent."""
    agent = changes.require(conn, viewer.agent)
    thing = changes.thing(conn, agent.id, number)
    if thing is not None and not audience.sees(viewer, agent.id, thing.origin):
        thing = None
    source = thing.origin.source if isinstance(thing, Passage) else number
    message = recall.get(conn, agent.id, [source]).get(source) if source is not None else None
    if message is not None and not (
        recall.told(message) and audience.sees(viewer, agent.id, message.origin)
    ):
        message = None
    learned = insight.learned(conn, agent.id, message.seq) if message is not None else []
    return Meant(version=agent.version, thing=thing, message=message, learned=learned)
