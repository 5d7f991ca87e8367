"""What happens in a small world, and who may see what by it."""

from dataclasses import replace

from adapters.base import RoomKind
from bot.commands.line import parse
from bot.commands.types import Verb
from bot.errors import ReverieError
from memory.errors import MemoryFault
from memory.heartbeats import Due
from tests.trust.worlds import CODE, Account, Mark, Place, World, marks_in


class Life(World):
    """A world in which people talk, share, edit, leave, and link their accounts."""

    linked_at: int | None = None  # how many marks there were then

    async def live(self, events: int) -> None:
        """Some say something, then this many things happen."""
        await self._say()
        for place, people in self.places:
            if self.dice.random() < 0.25:
                await self.say(self.dice.choice(people), place)
        changes = (self._say, *[self._share] * 5, self._edit, self._add,
                   self._leave, self._leave, self._link, self._link, self._turn_over, self._beat,
                   self._beat)  # fmt: skip
        for _ in range(events):
            await self.dice.choice(changes)()

    async def _say(self) -> None:
        place, people = self.dice.choice(self.places)
        await self.say(self.dice.choice(people), place)

    async def _fact(self) -> tuple[Mark, str, int, str] | None:
        """A fact that stands in core memory: its mark, its agent, its number there, its text."""
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
                    return mark, agent, fact.seq, fact.text
        return None

    async def _share(self) -> None:
        """Share a fact, or take that back: in the place where it was said, as its teller."""
        found = await self._fact()
        if found is None:
            return
        mark, agent, number, text = found
        share = mark.shared is None
        told = await self._obeyed(mark, agent, f"{'' if share else 'un'}share {number}")
        with_it = [self.marks[one] for one in marks_in(text)]  # a heartbeat joins lines
        for one in with_it:
            if share and told.startswith("Everybody"):
                one.shared = mark.place.address.workspace
            elif not share and "no longer shared" in told:
                one.shared = None

    async def _edit(self) -> None:
        found = await self._fact()
        if found is not None:
            mark, agent, number, _ = found
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
        """Two accounts of one person become one; or two again."""
        one = next(place for place in self.places if place[1][0].platform == "slack")
        account = one[1][0]
        twin = next(
            (place for place in self.places if place[1][0].platform == "discord"
             and place[0].direct and place[1][0].name == account.name), None,
        )  # fmt: skip
        if twin is None:
            return None
        if self.linked_at is not None:
            return await self._unlink((one[0], account), (twin[0], twin[1][0]), self.linked_at)
        code = CODE.search((await self.command(account, one[0], "/link"))[0])
        assert code is not None
        told, _ = await self.command(twin[1][0], twin[0], f"/link {code[0]} yes")
        self.groups = [group for group in self.groups if not {account, twin[1][0]} & group]
        self.groups.append({account, twin[1][0]})
        self.linked_at = len(self.marks)
        assert "linked" in told.lower() or "joined" in told.lower(), told
        return None

    async def _unlink(
        self, one: tuple[Place, Account], twin: tuple[Place, Account], since: int
    ) -> None:
        """What the twin said meanwhile stays with the other; of what it brought, if changed."""
        place, account = self.dice.choice((one, twin))
        told, _ = await self.command(account, place, "/unlink")
        assert "Parted" in told, told
        if "were changed there since" in told:
            since = 0
        theirs = [mark for mark in self.marks if mark.account == twin[1] and mark.place.direct]
        for mark in theirs:
            (mark.kept if mark.number >= since else mark.past).add(one[1])
        self.groups = [group for group in self.groups if one[1] not in group]
        self.groups += [{one[1]}, {twin[1]}]
        self.linked_at = None

    async def _beat(self) -> None:
        """An agent looks through its memory, rather one that has some."""
        agents = await self.store.agents()
        agent = max(self.dice.choices(agents, k=4), key=lambda one: one.last_seq)
        at = self._now()
        due = Due(agent=agent.id, last_seq=agent.last_seq, mused_at=at, settings=agent.settings)
        if await self.store.put_heartbeats([due], at, 1):
            claim = await self.store.claim(agent.id, at)
            assert claim is not None
            await self.turning.run(claim)

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
        if mark.shared == place.address.workspace and not self.outsiders(account, place):
            return True
        said_there = mark.place.channel == place.channel
        if not place.direct:
            return said_there and not mark.place.direct
        if mark.place.direct or self.person(account) & mark.kept:
            return bool(self.person(account) & {mark.account, *mark.kept})
        if said_there or self.person(account) & self.inside(mark.place):
            return True
        public = self.public.get(mark.place.channel, False) and not account.guest
        return public and mark.place.address.workspace == place.address.workspace

    def outsiders(self, account: Account, place: Place) -> bool:
        """Whether guests read along. No platform lets a named agent speak in a room by itself."""
        there = {account} if place.direct else self.inside(place)
        return place.agent is None and any(one.guest for one in there)
