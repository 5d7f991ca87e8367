"""What happens in a small world, and who may see what by it."""

from dataclasses import replace

from adapters.base import RoomKind
from bot.command_line import parse
from bot.commands import Verb
from bot.errors import ReverieError
from memory.errors import MemoryFault
from tests.trust.worlds import CODE, Account, Mark, Place, World, marks_in


class Life(World):
    """A world in which people talk, share, edit, leave, and link their accounts."""

    async def live(self, events: int) -> None:
        """Some say something, then this many things happen."""
        await self._say()
        for place, people in self.places:
            if self.dice.random() < 0.25:
                await self.say(self.dice.choice(people), place)
        changes = (self._say, self._share, self._share, self._share, self._edit, self._add,
                   self._leave, self._leave, self._link, self._turn_over)  # fmt: skip
        for _ in range(events):
            await self.dice.choice(changes)()

    async def _say(self) -> None:
        place, people = self.dice.choice(self.places)
        await self.say(self.dice.choice(people), place)

    async def _fact(self) -> tuple[Mark, str, int] | None:
        """A fact that stands in core memory: its mark, its agent and its number there."""
        facts = [mark for mark in self.marks if mark.kind == "fact"]
        if not facts:
            return None
        shared = [mark for mark in facts if mark.shared]  # these have more to lose
        mark = self.dice.choice(shared or facts)
        if not (mark.place.direct or mark.account in self.inside(mark.place)):
            return None  # they have left since
        agent, _ = await self.origin(mark.account, mark.place)
        for block in await self.store.blocks(agent):
            for fact in block.facts:
                if mark.number in marks_in(fact.text):
                    return mark, agent, fact.seq
        return None

    async def _share(self) -> None:
        """Share a fact, or take that back: in the place where it was said, as its teller."""
        found = await self._fact()
        if found is None:
            return
        mark, agent, number = found
        share = mark.shared is None
        told = await self._obeyed(mark, agent, f"{'' if share else 'un'}share {number}")
        if share and told.startswith("Everybody"):
            mark.shared = mark.place.address.workspace
        elif not share and "no longer shared" in told:
            mark.shared = None

    async def _edit(self) -> None:
        found = await self._fact()
        if found is not None:
            mark, agent, number = found
            _, text = self.mark(mark.account, mark.place, "fact")
            await self._obeyed(mark, agent, f"edit {number} {text}")

    async def _obeyed(self, mark: Mark, agent: str, rest: str) -> str:
        """A verb in a mark's place. Named agents are not reached by commands: so by their verbs."""
        if mark.place.agent is None:
            return (await self.command(mark.account, mark.place, f"/memory {rest}"))[0]
        _, origin = await self.origin(mark.account, mark.place)
        verb = parse(f"/memory {rest}")
        assert isinstance(verb, Verb)
        viewer = await self.store.viewer(agent, origin)
        try:
            return (await self.verbs.run(viewer, verb, origin=origin)).text
        except (ReverieError, MemoryFault) as error:
            return str(error)

    async def _add(self) -> None:
        """By hand, about oneself; sometimes given in a room, for one's own memory."""
        place, people = self.dice.choice([one for one in self.places if one[0].agent is None])
        account = self.dice.choice(people)
        own = not place.direct and self.dice.random() < 0.5
        home = next(one for one, who in self.places if one.direct and who == [account])
        _, text = self.mark(account, home if own else place, "fact")
        await self.command(account, place, f"/memory add {text}", own=own)

    async def _leave(self) -> None:
        spoken = [(place, who) for place, _ in self.places for who in self.inside(place)]
        if spoken:
            place, who = self.dice.choice(sorted(spoken, key=repr))
            await self.desk.left(place.address, who.user, who.realm)
            self.members[place.channel].discard(who)

    async def _link(self) -> None:
        """Two accounts of one person become one."""
        one = next(place for place in self.places if place[1][0].platform == "slack")
        account = one[1][0]
        twin = next(
            (place for place in self.places if place[1][0].platform == "discord"
             and place[0].direct and place[1][0].name == account.name), None,
        )  # fmt: skip
        if twin is None or any(len(group) > 1 for group in self.groups):
            return
        code = CODE.search((await self.command(account, one[0], "/link"))[0])
        assert code is not None
        told, _ = await self.command(twin[1][0], twin[0], f"/link {code[0]} yes")
        self.groups = [group for group in self.groups if not {account, twin[1][0]} & group]
        self.groups.append({account, twin[1][0]})
        assert "linked" in told.lower() or "joined" in told.lower(), told

    async def _turn_over(self) -> None:
        """A room becomes public, or no longer is; somebody says so by writing there."""
        rooms = [
            n for n, (place, _) in enumerate(self.places) if not place.direct and not place.agent
        ]
        chosen = self.dice.choice(rooms)
        place, people = self.places[chosen]
        kind: RoomKind = "private" if place.kind == "public" else "public"
        self.places[chosen] = (replace(place, kind=kind), people)
        await self.say(self.dice.choice(people), self.places[chosen][0])

    # --- who may see what: product.md, section 2, read plainly ---

    def inside(self, place: Place) -> set[Account]:
        """Who has spoken in a room and has not left it since."""
        return self.members.get(place.channel, set())

    def person(self, account: Account) -> set[Account]:
        return next(group for group in self.groups if account in group)

    def may(self, account: Account, place: Place, mark: Mark) -> bool:
        """Whether what is read in a place, by that account or aloud, may have a mark."""
        if mark.shared == place.address.workspace:
            return True
        said_there = mark.place.channel == place.channel
        if not place.direct:
            return said_there and not mark.place.direct
        if mark.place.direct:
            return mark.account in self.person(account)
        if said_there or self.person(account) & self.inside(mark.place):
            return True
        public = self.public.get(mark.place.channel, False)
        return public and mark.place.address.workspace == place.address.workspace
