"""A store with one agent, a heart and a clock that stands still: heartbeats without the rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.heartbeat import Heart, Pace
from bot.schedule import Schedule
from bot.testing.fakes import Script, ScriptedLLM
from memory.audience import own
from memory.draft import Draft
from memory.store import Store
from memory.types import Birth, Block, Claim, Message
from tests.scenario.world import says

NOTHING = says('{"lines": [], "facts": []}')
BIRTH = Birth(id="ana", name="Ana", kind="named", persona="I am here.")
DAY = timedelta(days=1)


class House:
    """A store with one agent, a heart, and a clock that stands still."""

    def __init__(self, store: Store, script: Script = lambda _: NOTHING, **pace: object) -> None:
        self.store = store
        self.at = datetime(2027, 1, 1, 12, tzinfo=UTC)
        self.llm = ScriptedLLM(script)
        self.pace = Pace(**pace)  # type: ignore[arg-type]
        self.heart = Heart(store, self.llm, self.pace, clock=lambda: self.at)
        self.woken: list[str] = []
        self.schedule = Schedule(store, self.pace, UTC, self.woken.append, clock=lambda: self.at)

    async def tell(self, *texts: str, save: bool = True) -> None:
        agent = (await self.store.ensure(BIRTH))[0]
        draft = Draft.of(agent, await self.store.blocks("ana"), at=self.at)
        for text in texts:
            said = Message(seq=draft.seq(), role="user", text=text, at=self.at, origin=own(agent))
            draft.messages.append(said)
            draft.origin = replace(said.origin, source=said.seq)
            if save:
                draft.append("human", text)
        await self.store.commit(draft.change())

    async def claimed(self) -> Claim:
        claim = await self.store.claim("ana", self.at)
        assert claim is not None
        return claim

    async def beat(self) -> int:
        count = await self.schedule.sweep()
        if count:
            await self.heart.run(await self.claimed())
        return count

    async def human(self) -> Block:
        return next(b for b in await self.store.blocks("ana") if b.label == "human")


async def human_of(store: Store) -> list[str]:
    return [fact.text for block in await store.blocks("ana") if block.label == "human"
            for fact in block.facts]  # fmt: skip
