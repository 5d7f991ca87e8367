"""Slack without a Slack, for tests of what may be learned from whom."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from adapters.base import Address, Attachment, Invocation, RoomKind, Shown
from bot.testing.fakes import Script
from memory.agents import identity_id
from memory.ports import Embedder
from memory.types import now
from tests.scenario.world import World, says, world

ANA = identity_id("slack", "local", "ana")
DM = Address(platform="slack", space="local", channel="dm")
HALL = replace(DM, channel="hall")


async def obey(
    w: World,
    line: str,
    *,
    user: str = "ana",
    address: Address = DM,
    room: RoomKind = "dm",
    governs: bool = False,
    aside: bool = False,
) -> Shown:
    return await w.app.desk.command(
        Invocation(
            address=address, user=user, name=user.title(), line=line, room_kind=room,
            room_name=address.channel, admin=governs, governs=governs, aside=aside,
        )
    )  # fmt: skip


def slack(
    home: Path, script: Script | None = None, embedder: Embedder | None = None, **settings: object
) -> AbstractAsyncContextManager[World]:
    return world(
        home, script or (lambda _: says("ok")), platform="slack", settings=settings,
        embedder=embedder,
    )  # fmt: skip


async def heard(w: World, text: str, **how: object) -> None:
    await w.adapter.say(text, event=f"{now().timestamp()}", **how)  # type: ignore[arg-type]
    await w.settled()
    await w.app.asks.tell()


async def in_thread(w: World, thread: str, text: str, user: str = "ana", **how: object) -> None:
    await heard(
        w, text, user=user, channel="hall", thread=thread, room="public", mentioned=True, **how
    )


async def found(w: World, words: str, **how: object) -> str:
    return (await obey(w, f"/memory search {words}", **how)).plain()  # type: ignore[arg-type]


async def texts(w: World, agent: str = ANA) -> list[str]:
    return [row.text for row in await w.recall(agent) if row.role == "user"]


def file(name: str) -> Attachment:
    return Attachment(name=name, kind="text/plain", size=10, ref=name)


def all_bytes(home: Path) -> bytes:
    """Every byte of every file of a home."""
    return b"\0".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())
