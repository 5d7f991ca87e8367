"""The step loop: one model call with its tool calls, committed whole, until the turn is done."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial

from bot import phrases, taint
from bot.consult import Consult
from bot.context import Overflow, Window, build
from bot.decide import (
    NOTHING,
    Heard,
    Limits,
    Spent,
    asked_in,
    decide,
    must_close,
    replied_in,
    spoken_words,
    words_of,
)
from bot.errors import ContextTooLong, ModelRejected, ReverieError
from bot.heartbeat import Heart
from bot.hush import tools_for
from bot.llm.base import LLM
from bot.llm.offline.digest import digest
from bot.llm.tokens import usage_of
from bot.notify import Notify
from bot.outbound import Outbound, discreet, honest, without
from bot.recollect import Recollect
from bot.revise import revise
from bot.rows import arrived, clean, origin_of, target_of
from bot.tools.base import Registry, call, parse_arguments, wants_heartbeat
from bot.tools.memory import Finder
from bot.tools.reach import ReachContext
from bot.types import Again, Completion, Done, Prices, Prompt, ToolResult
from memory import stale
from memory.draft import Draft
from memory.errors import Conflict, MemoryFault
from memory.secrets.mask import masked
from memory.store import Store
from memory.types import (
    Change,
    Claim,
    Message,
    Reply,
    Summary,
    View,
    Viewer,
    now,
)
from memory.words import sanitise

log = logging.getLogger(__name__)

RETAKES = 5  # of a step whose memory changed under it
TOOL_SECONDS = 60.0
HELD_BACK = "Not sent: another call of this step failed. Mend that, then send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a committed step amounts to, for whoever watches."""

    claim: Claim
    change: Change
    next: Again | Done


class _Stopped(Exception):
    """Somebody asked for the end of this turn."""


class Turns:
    """Runs turns. Holds nothing of an agent between steps: what matters is in the store."""

    def __init__(
        self,
        store: Store,
        finder: Finder,
        llm: LLM,
        tools: Registry,
        heart: Heart,
        *,
        zone: tzinfo,
        limits: Limits | None = None,
        prices: Prices | None = None,
        watch: Callable[[Step], None] | None = None,
        clock: Callable[[], datetime] = now,
        recollect: Recollect | None = None,
    ) -> None:
        """recollect: None: what memory has is found by tools alone."""
        self.store = store
        self.finder = finder
        self.llm = llm
        self.tools = tools
        self.heart = heart
        self.zone = zone
        self.limits = limits or Limits()
        self.prices = prices or Prices()
        self.watch = watch or (lambda _: None)
        self.clock = clock
        self.recollect = recollect
        self.outbound = Outbound(store)
        self._thinking: dict[str, asyncio.Future[Heard]] = {}  # agent -> what it is at

    def stop(self, agent: str) -> bool:
        """End the turn that is running for an agent, in a sentence. False: none is."""
        thinking = self._thinking.get(agent)
        return thinking is not None and thinking.cancel()

    async def run(self, claim: Claim) -> Done:
        """All the work on one batch of inbox rows.

        Raises ModelUnavailable or ModelMisconfigured where it should be tried again later; steps
        that were committed stand, and the turn goes on after them.
        """
        if claim.items[0].kind == "heard":
            return await self._kept(claim)
        if claim.items[0].kind == "changed":
            return await revise(self, claim)
        if claim.items[0].kind == "heartbeat":
            return await self.heart.run(claim)
        spent = Spent()
        while True:
            next_ = await self._committed_step(claim, spent)
            if isinstance(next_, Done):
                return next_
            claim = replace(claim, step=claim.step + 1)

    async def _kept(self, claim: Claim) -> Done:
        """What was only heard goes into recall, without a thought."""
        _, draft = await self._begun(claim)
        done = Done(reason="heard")
        step = Step(claim=claim, change=draft.change(claim=claim, done=True), next=done)
        await self.store.commit(step.change)
        self.watch(step)
        return done

    async def _begun(self, claim: Claim) -> tuple[View, Draft]:
        """What the agent knows, and a draft that has the claim's rows."""
        item = claim.items[-1]
        view = await self.store.view(claim.agent, item.room, origin_of(item))
        draft = Draft.of(view.agent, view.blocks, at=self.clock())
        if claim.step == 0:
            draft.messages.extend(arrived(claim, draft))
        return view, draft

    async def _committed_step(self, claim: Claim, spent: Spent) -> Again | Done:
        """One step, taken again where memory changed under it."""
        for _ in range(RETAKES):
            try:
                step = await self.take_step(claim, spent)
                await self.store.commit(step.change)
            except _Stopped:
                return await self.give_up(claim, "the person asked to stop", "stopped")
            except Conflict:
                log.info("step retaken", extra={"action": "step_retaken", "agent": claim.agent})
                spent.recalled = None  # it may be what was forgotten meanwhile
                continue
            spent.unbilled = NOTHING
            self.watch(step)
            return step.next
        raise Conflict("Memory kept changing while this turn was thinking.")

    async def take_step(self, claim: Claim, spent: Spent) -> Step:
        """One model call and its tools, as a change that is not yet committed."""
        view, draft = await self._begun(claim)
        turn = [row for row in view.history if row.turn == claim.turn] + draft.messages
        question = next((row for row in reversed(turn) if row.role == "user"), None)
        if question is not None:
            draft.origin = replace(question.origin, source=question.seq)
            draft.said_at = question.at
        closing = must_close(turn, claim.step, self.limits, spent, self.tools.kind)
        try:
            heard = await self._unless_stopped(
                claim.agent, self.answer(claim, view, draft, turn, closing, spent)
            )
        except (ModelRejected, ContextTooLong) as error:
            log.warning("%s", error, extra={"action": "model_refused", "agent": claim.agent})
            draft.usage = spent.unbilled
            name = "too_long" if isinstance(error, ContextTooLong) else "rejected"
            return self._ended(claim, draft, turn, name, str(error))
        return await self._settled(claim, view, draft, turn, heard, closing, spent)

    async def _unless_stopped(self, agent: str, answer: Coroutine[None, None, Heard]) -> Heard:
        """Raises _Stopped when `stop` ended it; nothing of it is kept then."""
        task = asyncio.current_task()
        self._thinking[agent] = thinking = asyncio.ensure_future(answer)
        try:
            return await thinking
        except asyncio.CancelledError:
            if task is not None and task.cancelling():  # the program is ending
                raise
            raise _Stopped from None
        finally:
            del self._thinking[agent]

    async def answer(
        self, claim: Claim, view: View, draft: Draft, turn: list[Message], closing: bool,
        spent: Spent,
    ) -> Heard:  # fmt: skip
        """The model's answer to a draft's messages, and what its tools made of it."""
        tools = tools_for(self.tools, view.agent, turn)
        if spent.recalled is None and self.recollect is not None:
            window = Window(tokens=await self.llm.window(), count=self.llm.count)
            spent.recalled = await self.recollect(view, turn, window)
        for attempt in range(3):
            prompt = await self._prompt(view, draft, tools, closing, spent)
            try:
                completion = clean(await self.llm.complete(prompt))
            except ContextTooLong:
                if attempt == 2:
                    raise
                spent.shrink *= 0.6
                continue
            self._bill(spent, prompt, completion)
            heard = await self._call_tools(
                claim, draft, spent, completion, tools, view, view.viewer, turn
            )
            draft.usage = spent.unbilled
            return heard
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _bill(self, spent: Spent, prompt: Prompt, completion: Completion) -> None:
        spent.bill(usage_of(prompt, completion, self.llm.count), self.prices)

    async def _prompt(
        self, view: View, draft: Draft, tools: Registry, closing: bool, spent: Spent
    ) -> Prompt:
        """The prompt; what does not fit is summarised first, and the summary kept."""
        tokens = int(await self.llm.window() * spent.shrink)
        window = Window(tokens=tokens, count=self.llm.count)
        while True:
            built = build(
                view, draft.messages, tools.specs, window, self.zone, closing=closing,
                recalled=spent.recalled.text if spent.recalled else None,
            )  # fmt: skip
            if not isinstance(built, Overflow):
                return built
            previous = view.summary.text if view.summary else ""
            origin = built.messages[-1].origin
            draft.summary = Summary(
                room=origin.room,
                upto=built.upto,
                text=await self._summary(previous, built.messages, spent),
                audience=origin.audience,
                person=origin.person,
            )
            view = replace(
                view,
                summary=draft.summary,
                history=view.history[len(built.messages) :],
                older=view.older + len(built.messages),
            )

    async def _summary(self, previous: str, messages: Sequence[Message], spent: Spent) -> str:
        """By the model; where even that is too long for it, a plain digest."""
        try:
            completion = await self.llm.summarise(previous, messages)
        except ContextTooLong:
            completion = Completion(text=digest(messages, old=previous, tz=self.zone))
        else:
            self._bill(spent, Prompt(system=previous, messages=tuple(messages)), completion)
        return masked(sanitise(completion.text))[0]

    async def _call_tools(
        self, claim: Claim, draft: Draft, spent: Spent, completion: Completion, tools: Registry,
        view: View, viewer: Viewer, turn: Sequence[Message],
    ) -> Heard:  # fmt: skip
        heard = Heard(completion=completion)
        scene = taint.Scene(
            view=view, turn=turn, results=heard.results, person=draft.origin.person,
            recalled=spent.recalled.foreign if spent.recalled else "",
        )  # fmt: skip
        notify = Notify(store=self.store, claim=claim, draft=draft, scene=scene, viewer=viewer)
        consult = Consult(
            store=self.store, finder=self.finder, llm=self.llm, zone=self.zone, claim=claim,
            draft=draft, viewer=viewer, bill=partial(self._bill, spent),
        )  # fmt: skip
        for number, wish in enumerate(completion.calls):
            key = f"{claim.agent}:{claim.turn}:{claim.step}:{number}"
            context = ReachContext(
                call_id=key, draft=draft, finder=self.finder, viewer=viewer, zone=self.zone,
                heard=scene.words, speaker=draft.speaker, said=heard.said, notify=notify,
                consult=consult,
            )  # fmt: skip
            try:
                tool = tools.get(wish.name)
                heard.kinds.append(tool.kind)
                arguments = parse_arguments(tool, wish.arguments)
                told = taint.held(wish.name, arguments, claim, draft, scene)
                if told:
                    heard.results.append(ToolResult(call=wish, text=told))
                    continue
                async with asyncio.timeout(TOOL_SECONDS):
                    text = sanitise(await call(tool, arguments, context))
                heard.results.append(ToolResult(call=wish, text=text))
                heard.heartbeat |= wants_heartbeat(wish.arguments)
            except (ReverieError, MemoryFault, TimeoutError) as error:
                slow = f"{wish.name} took longer than {TOOL_SECONDS:.0f} seconds."
                text = sanitise(f"Error: {slow if isinstance(error, TimeoutError) else error}")
                heard.results.append(ToolResult(call=wish, text=text, failed=True))
        if heard.failed:
            heard.results = [self._held_back(result) for result in heard.results]
        return heard

    def _held_back(self, result: ToolResult) -> ToolResult:
        """The model must not think that it has spoken."""
        sent = self.tools.kind(result.call.name) == "send" and not result.failed
        return replace(result, text=HELD_BACK) if sent else result

    async def _settled(
        self, claim: Claim, view: View, draft: Draft, turn: list[Message], heard: Heard,
        closing: bool, spent: Spent,
    ) -> Step:  # fmt: skip
        """What was heard, as rows and replies; and what comes next."""
        spoken = spoken_words(heard, turn)
        next_ = decide(heard, bool(spoken) or replied_in(turn), closing)
        if isinstance(next_, Done) and not spoken and not replied_in(turn) and asked_in(turn):
            spoken = [phrases.say("wordless", words_of(turn))]
        spoken = [honest(words, turn, heard) for words in spoken]
        checked = await self.outbound.check(claim, view, draft, turn, spoken)
        ends = isinstance(next_, Done)
        spoken = discreet(checked.spoken, turn, heard, self.tools.kind, ends)
        self._write_rows(claim, draft, without(heard, checked.private), spoken)
        rows = turn + [row for row in draft.messages if row.role != "user"]
        if replied_in(rows) and must_close(
            rows, claim.step + 1, self.limits, spent, self.tools.kind
        ):
            next_ = Done(reason="answered")  # nothing is missing but what goes nowhere
        draft.used.update(
            fact.seq
            for block in draft.blocks.values()
            for fact in stale.quoted(block.facts, "\n".join(spoken))
        )
        return self._step(claim, draft, spoken, next_)

    def _write_rows(self, claim: Claim, draft: Draft, heard: Heard, spoken: Sequence[str]) -> None:
        said = "\n\n".join(spoken)
        origin = replace(draft.origin, source=None)
        thoughts = heard.completion.thoughts
        if heard.completion.text and heard.completion.text != said:
            thoughts = "\n\n".join(part for part in (thoughts, heard.completion.text) if part)
        draft.messages.append(
            Message(
                seq=draft.seq(), role="assistant", text=said, at=self.clock(), origin=origin,
                thoughts=thoughts, calls=heard.completion.calls, turn=claim.turn, step=claim.step,
            )
        )  # fmt: skip
        for result in heard.results:
            draft.messages.append(
                Message(
                    seq=draft.seq(), role="tool", text=result.text, at=self.clock(), origin=origin,
                    answers=result.call.id, turn=claim.turn, step=claim.step,
                )
            )  # fmt: skip

    def _ended(self, claim: Claim, draft: Draft, turn: list[Message], name: str, why: str) -> Step:
        """The turn ends with a sentence of ours."""
        spoken = [phrases.say(name, words_of(turn))]
        self._write_rows(claim, draft, Heard(completion=Completion(thoughts=why)), spoken)
        return self._step(claim, draft, spoken, Done(reason=name))

    def _step(self, claim: Claim, draft: Draft, spoken: Sequence[str], next_: Again | Done) -> Step:
        target = target_of(claim)
        draft.replies.extend(
            Reply(key=f"{claim.turn}:{claim.step}:{n}", target=target, text=text)
            for n, text in enumerate(spoken)
        )
        change = draft.change(claim=claim, done=isinstance(next_, Done))
        return Step(claim=claim, change=change, next=next_)

    async def give_up(self, claim: Claim, why: str, name: str = "failed") -> Done:
        """End a turn without an answer: what was said is kept, and the person is told."""
        if claim.items[0].kind == "heartbeat":
            return await self.heart.give_up(claim)
        view, draft = await self._begun(claim)
        turn = [row for row in view.history if row.turn == claim.turn] + draft.messages
        step = self._ended(claim, draft, turn, name, why)
        await self.store.commit(step.change)
        self.watch(step)
        return Done(reason=name)
