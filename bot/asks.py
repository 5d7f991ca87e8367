"""Questions to one person: shown to them alone, with a button for each choice, and obeyed."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from adapters.base import Adapter, Address, Button, SendFailed, Shown
from bot import phrases
from bot.commands.types import Choose
from bot.errors import UserError
from bot.notify import confirmed
from memory.draft import Draft
from memory.store import Store
from memory.types import Ask, Origin, Reply

log = logging.getLogger(__name__)

CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "reply": (("Show it to me", "me"), ("Say it there", "here"), ("Drop it", "drop")),
    "memory": (("Save it", "save"), ("Do not", "drop")),
    "notify": (("Post it", "post"), ("Do not", "drop")),
    "note": (),
    "notice": (),
}
OVER = "This question is answered already, or it was not for you."


class Asks:
    """Shows what waits for a choice, and does what was chosen."""

    def __init__(
        self, store: Store, adapters: Mapping[str, Adapter], wake: Callable[[str], None]
    ) -> None:
        self._store = store
        self._wake = wake
        self._adapters = adapters
        self._telling = asyncio.Lock()  # so that nothing is shown twice

    async def tell(self) -> None:
        """Show every question that nobody was shown yet. What cannot be shown now is shown next
        time; what never can be is let go."""
        async with self._telling:
            for agent, ask in await self._store.unasked():
                address = Address(**ask.target["address"])
                adapter = self._adapters.get(address.platform)
                if adapter is not None and await _told(adapter, address, agent, ask):
                    await self._store.asked(agent, ask.id)

    async def obey(self, command: Choose, account: str) -> Shown:
        """Do what a person chose. Raises UserError where it is not theirs to choose, or no more."""
        agent, number, choice = command.agent, command.number, command.choice
        ask = await self._store.answer(agent, number, await self._store.accounts(account))
        if ask is None:
            raise UserError(OVER)
        match choice:
            case "here":
                reply = Reply(key=f"ask:{number}", target=ask.target, text=ask.payload["text"])
                await self._store.say(agent, reply)
                self._wake(agent)
                return Shown(text="Said.")
            case "post":
                await self._store.say(agent, await confirmed(self._store, ask))
                self._wake(agent)
                return Shown(text=f"Posted in #{ask.payload['name']}.")
            case "me":
                return Shown(text=str(ask.payload["text"]))
            case "save":
                return Shown(text=await self._save(agent, ask))
            case _:
                return Shown(text="Dropped.")

    async def _save(self, agent: str, ask: Ask) -> str:
        """What a file or a tool said is kept, since the person it is about says so."""

        def work(draft: Draft) -> str:
            wish = ask.payload
            if wish["tool"] == "core_memory_append":
                return draft.append(wish["section"], wish["content"])
            if wish["tool"] == "core_memory_replace":
                return draft.replace(wish["section"], wish["old_content"], wish["new_content"])
            return draft.insert(wish["content"], wish["tags"])

        origin = Origin(**ask.payload["origin"])
        return await self._store.edit(agent, work, actor="person", origin=origin)


async def _told(adapter: Adapter, address: Address, agent: str, ask: Ask) -> bool:
    """Whether there is nothing left to try."""
    try:
        await adapter.whisper(address, ask.target["user"], _shown(agent, ask))
    except SendFailed as error:
        log.warning("a question was not shown: %s", error, extra={"action": "not_asked"})
        return error.final
    return True


def _shown(agent: str, ask: Ask) -> Shown:
    buttons = tuple(
        Button(label=label, line=f"/answer {agent} {ask.id} {choice}", danger=choice == "here")
        for label, choice in CHOICES[ask.kind]
    )
    if ask.kind in ("notice", "note"):
        text = str(ask.payload["text"])
    elif ask.kind == "notify":
        name, said = "post_private" if ask.payload["private"] else "post", ask.payload["text"]
        shown = said.replace("\n", "\n> ")
        text = phrases.say(name, said, room=ask.payload["name"], text=shown)
    elif ask.kind == "reply":
        text = (
            "My answer there quotes what you told me elsewhere, so I held it back. Only you see"
            f" this:\n\n> {ask.payload['text']}"
        )
    else:
        wish = ask.payload
        new = wish.get("new_content") or wish.get("content") or "(nothing)"
        old = f" in place of “{wish['old_content']}”" if wish.get("old_content") else ""
        text = f"{wish['from']} would have me remember{old}:\n\n> {new}\n\nShall I?"
    return Shown(text=text, buttons=buttons)
