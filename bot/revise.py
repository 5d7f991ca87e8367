"""A person edits a message, or deletes it: what was learned from it is learned anew, or retired."""

from dataclasses import replace
from typing import Protocol

from bot.decide import Heard, Recalled, Spent
from bot.types import Done
from memory import insight, recall, unsaid
from memory.draft import Draft
from memory.ports import Connection
from memory.store import Store
from memory.types import Claim, Fact, Item, Message, Passage, View


class Thinker(Protocol):
    """What is asked of the step loop."""

    store: Store

    async def answer(
        self, claim: Claim, view: View, draft: Draft, turn: list[Message], closing: bool,
        spent: Spent,
    ) -> Heard: ...  # fmt: skip


async def revise(thinker: Thinker, claim: Claim) -> Done:
    """First what is no longer said is retired; then, as a step of its own, the model reads the new
    words and may write to memory. It is not heard: nobody asked for an answer."""
    done = Done(reason="changed")
    store = thinker.store
    if claim.step == 0:
        draft = await _draft(store, claim)
        again = False
        for item in claim.items:
            found = await _said(store, claim.agent, item)
            if found is not None and found[0].text != _text(item):
                unsaid.revise(draft, found[0], _text(item), found[1])
                again = again or _learns(found[0], item)
        await store.commit(draft.change(claim=claim, done=not again))
        if not again:
            return done
        claim = replace(claim, step=1)
    draft = await _draft(store, claim)
    for item in claim.items:
        found = await _said(store, claim.agent, item)
        if found is not None and _learns(found[0], item):
            await _learn(thinker, claim, draft, found[0])
    await store.commit(draft.change(claim=claim, done=True))
    return done


async def _draft(store: Store, claim: Claim) -> Draft:
    view = await store.view(claim.agent, claim.items[0].room)
    return Draft.of(view.agent, view.blocks, actor="person" if claim.step == 0 else "agent")


async def _learn(thinker: Thinker, claim: Claim, draft: Draft, message: Message) -> None:
    view = await thinker.store.view(claim.agent, claim.items[0].room)
    before = [row for row in view.history if row.seq < message.seq]
    view = replace(view, blocks=tuple(draft.blocks.values()), history=tuple(before))
    draft.origin = replace(message.origin, source=message.seq)
    draft.said_at = message.at
    draft.messages = [message]
    await thinker.answer(claim, view, draft, [message], False, Spent(recalled=Recalled()))
    draft.messages = []


def _text(item: Item) -> str:
    return str(item.payload.get("text") or "")


def _learns(message: Message, item: Item) -> bool:
    """Whether there is anything to learn: what a person had forgotten stays so."""
    return bool(_text(item)) and not message.forgotten


async def _said(
    store: Store, agent: str, item: Item
) -> tuple[Message, list[Fact | Passage]] | None:
    """The message that was changed, and what was learned from it."""
    event = str(item.payload["event"])

    def read(conn: Connection) -> tuple[Message, list[Fact | Passage]] | None:
        message = recall.by_event(conn, agent, event)
        return (message, insight.learned(conn, agent, message.seq)) if message else None

    return await store.database.read(read)
