"""A world with rooms, and a model that does as it is told there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.base import Address, Attachment, Invocation, RoomKind, Shown
from bot.llm.offline.model import OfflineModel
from bot.testing.fakes import Script, ScriptedLLM
from bot.types import Completion, Prompt
from memory.types import ToolCall
from tests.scenario.world import World, says, world

KINDS: dict[str, RoomKind] = {"general": "public", "random": "public", "board": "private"}
SECRETS = ["My salary is 83000 euros at Acme", "我的工资是每月八万三千欧元"]


def does(*wishes: ToolCall) -> Script:
    """Calls these when it is asked, and says what came of the last; greets who says hello."""

    def script(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "tool":
            return says(f"so: {last.text}")
        return says("hi") if last.text == "hello" else Completion(calls=wishes)

    return script


class Offline(ScriptedLLM):
    """The offline model, and what it was shown."""

    async def complete(self, prompt: Prompt) -> Completion:
        self.shown.append(prompt)
        return await OfflineModel().complete(prompt)


class Town:
    """Rooms, and each person's direct messages."""

    def __init__(self, w: World) -> None:
        self.w = w
        self._said = 0

    async def say(
        self, text: str, user: str = "ana", room: str = "", *, agent: str | None = None,
        files: Sequence[Attachment] = (),
    ) -> str:  # fmt: skip
        """What is answered there, once all is done."""
        self._said += 1
        channel = room or f"dm-{user}"
        await self.w.adapter.say(
            text, event=f"{self._said}", user=user, channel=channel, agent=agent, files=files,
            room=KINDS[room] if room else "dm", mentioned=True,
        )  # fmt: skip
        await self.w.settled()
        return self.posts(channel)[-1] if self.posts(channel) else ""

    async def obey(self, line: str, user: str = "ana", room: str = "") -> str:
        return (await self.shown(line, user, room)).plain()

    async def shown(self, line: str, user: str = "ana", room: str = "") -> Shown:
        address = self.address(room or f"dm-{user}")
        shown = await self.w.app.desk.command(
            Invocation(
                address=address, user=user, name=user.title(), line=line, room_name=room,
                room_kind=KINDS[room] if room else "dm", admin=True,
            )
        )  # fmt: skip
        await self.w.settled()
        return shown

    def address(self, channel: str) -> Address:
        return Address(platform="terminal", space="local", channel=channel)

    async def asked(self) -> Shown:
        """The only question that anybody was asked."""
        [(_, shown)] = await self.w.adapter.whispered(1)
        return shown

    async def choose(self, label: str, user: str = "ana") -> str:
        shown = await self.asked()
        line = next(button.line for button in shown.buttons if button.label == label)
        return await self.obey(line, user)

    def posts(self, channel: str) -> list[str]:
        return [post.text for post in self.w.adapter.posts if post.address.channel == channel]


@asynccontextmanager
async def town(
    home: Path, model: Script | ScriptedLLM, *known: tuple[str, str]
) -> AsyncIterator[Town]:
    """known: (user, room) of those who have said hello there."""
    llm = model if isinstance(model, ScriptedLLM) else ScriptedLLM(model)
    async with world(home, llm=llm) as w:
        here = Town(w)
        for user, room in known:
            await here.say("hello", user, room)
        w.adapter.posts.clear()
        yield here
