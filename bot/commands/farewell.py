"""What `/forgetme` does and says: every trace of a person goes, and they get a receipt."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from adapters.base import Shown
from bot.errors import Unconfirmed
from bot.files import Files
from memory import agents, links
from memory.agents import identity_id
from memory.forget.erase import Receipt
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Identity, now

LINE = "/forgetme"
ASKED = (
    "This removes every trace of you, in direct messages and in rooms, and from all your linked"
    " accounts: facts, archive, messages, summaries, the journal, files. It cannot be undone, not"
    " even by whoever runs me. If you want a copy first, use `/memory export`. If you mean it, type"
    f" `{LINE} yes`.\n\n这会清除关于你的一切,无法撤销。如果确定,请输入 `{LINE} 是`。"
)


class Farewell:
    """Forgets whoever asks for it."""

    def __init__(
        self, store: Store, search: Search, files: Files, clock: Callable[[], datetime] = now
    ) -> None:
        self._store = store
        self._search = search
        self._files = files
        self._clock = clock

    async def obey(self, identity: Identity, *, confirmed: bool) -> Shown:
        """Raises Unconfirmed, or a MemoryFault where nothing was removed."""
        if not confirmed:
            raise Unconfirmed(ASKED, LINE)
        account = identity_id(identity.platform, identity.space, identity.user)
        ids = await self._store.database.read(
            lambda conn: links.person_ids(conn, agents.person_id(conn, account))
        )
        receipt = await self._store.forget_person(account, at=self._clock())
        clean = await self._search.sweep()
        files = await asyncio.to_thread(self._files.forget, receipt.gone, ids)
        return Shown(text=_told(receipt, files, clean=clean))


def _told(receipt: Receipt, files: int, *, clean: bool) -> str:
    rows = {
        "facts": receipt.facts,
        "passages of the archive": receipt.passages,
        "messages, yours and the answers to them": receipt.messages,
        "journal entries": receipt.changes,
        "summaries": receipt.summaries,
        "timers": receipt.timers,
        "messages on their way": receipt.waiting,
        "files": files,
    }
    lines = [f"- {count:,} {name}" for name, count in rows.items() if count]
    text = "I have forgotten you. This was removed, for good:\n\n"
    text += "\n".join(lines) or "- nothing"
    if receipt.rooms:
        text += f"\n\nPart of it was in {len(receipt.rooms):,} rooms."
    if not clean:
        text += (
            "\n\nThe space that it took on disk is still being overwritten; that ends within"
            " minutes, or at the next start."
        )
    return text + (
        "\n\nWhat stays: what others said, also about you; this chat's own history, which is the"
        " platform's; copies and backups that whoever runs me has made. If you write to me again,"
        " we begin anew."
    )
