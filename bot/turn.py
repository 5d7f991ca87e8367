"""The step loop: one model call with its tool calls, committed whole, until the turn is done."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from bot import phrases
from bot.context import Overflow, Window, build
from bot.decide import (
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
from bot.llm.base import LLM
from bot.llm.offline.digest import digest
from bot.tools.base import Registry, call, parse_arguments, wants_heartbeat
from bot.tools.memory import Finder, StepContext
from bot.types import Again, Completion, Done, Prompt, ToolResult
from memory import stale
from memory.draft import Draft
from memory.errors import Conflict, MemoryFault
from memory.store import Store
from memory.types import Change, Claim, Message, Origin, Reply, Summary, ToolCall, View, now
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


class Turns:
    """Runs turns. Holds nothing of an agent between steps: what matters is in the store."""

    def __init__(
        self,
        store: Store,
        finder: Finder,
        llm: LLM,
        tools: Registry,
        *,
        zone: tzinfo,
        limits: Limits | None = None,
        watch: Callable[[Step], None] | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.store = store
        self.finder = finder
        self.llm = llm
        self.tools = tools
        self.zone = zone
        self.limits = limits or Limits()
        self.watch = watch or (lambda _: None)
        self.clock = clock

    async def run(self, claim: Claim) -> Done:
        """All the work on one batch of inbox rows.

        Raises ModelUnavailable or ModelMisconfigured where it should be tried again later; steps
        that were committed stand, and the turn goes on after them.
        """
        if claim.items[0].kind == "heard":
            return await self._kept(claim)
        spent = Spent()
        while True:
            next_ = await self._committed_step(claim, spent)
            if isinstance(next_, Done):
                return next_
            claim = replace(claim, step=claim.step + 1)

    async def _kept(self, claim: Claim) -> Done:
        """What was only heard goes into recall, without a thought."""
        view = await self.store.view(claim.agent, claim.items[0].room)
        draft = Draft.of(view.agent, view.blocks, at=self.clock())
        draft.messages.extend(_arrived(claim, draft))
        done = Done(reason="heard")
        step = Step(claim=claim, change=draft.change(claim=claim, done=True), next=done)
        await self.store.commit(step.change)
        self.watch(step)
        return done

    async def _committed_step(self, claim: Claim, spent: Spent) -> Again | Done:
        """One step, taken again where memory changed under it."""
        for _ in range(RETAKES):
            try:
                step = await self.take_step(claim, spent)
                await self.store.commit(step.change)
            except Conflict:
                log.info("step retaken", extra={"action": "step_retaken", "agent": claim.agent})
                continue
            self.watch(step)
            return step.next
        raise Conflict("Memory kept changing while this turn was thinking.")

    async def take_step(self, claim: Claim, spent: Spent) -> Step:
        """One model call and its tools, as a change that is not yet committed."""
        room = claim.items[0].room
        view = await self.store.view(claim.agent, room)
        draft = Draft.of(view.agent, view.blocks, at=self.clock())
        if claim.step == 0:
            draft.messages.extend(_arrived(claim, draft))
        turn = [row for row in view.history if row.turn == claim.turn] + draft.messages
        question = next((row for row in reversed(turn) if row.role == "user"), None)
        if question is not None:
            draft.origin = replace(question.origin, source=question.seq)
            draft.said_at = question.at
        closing = must_close(turn, claim.step, self.limits, spent, self.tools.kind)
        try:
            heard = await self._answer(claim, view, draft, turn, closing, spent)
        except (ModelRejected, ContextTooLong) as error:
            log.warning("%s", error, extra={"action": "model_refused", "agent": claim.agent})
            name = "too_long" if isinstance(error, ContextTooLong) else "rejected"
            return self._ended(claim, draft, turn, name, str(error))
        return self._settled(claim, draft, turn, heard, closing, spent)

    async def _answer(
        self, claim: Claim, view: View, draft: Draft, turn: list[Message], closing: bool,
        spent: Spent,
    ) -> Heard:  # fmt: skip
        for attempt in range(3):
            prompt = await self._prompt(view, draft, closing, spent)
            try:
                completion = _clean(await self.llm.complete(prompt))
            except ContextTooLong:
                if attempt == 2:
                    raise
                spent.shrink *= 0.6
                continue
            spent.tokens += self._tokens(prompt, completion)
            return await self._call_tools(claim, draft, completion, words_of(turn))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _tokens(self, prompt: Prompt, completion: Completion) -> int:
        if completion.usage is not None:
            return completion.usage.prompt + completion.usage.completion
        texts = (prompt.system, *(row.text for row in prompt.messages))
        return sum(self.llm.count(text) for text in texts)

    async def _prompt(self, view: View, draft: Draft, closing: bool, spent: Spent) -> Prompt:
        """The prompt; what does not fit is summarised first, and the summary kept."""
        tokens = int(await self.llm.window() * spent.shrink)
        window = Window(tokens=tokens, count=self.llm.count)
        while True:
            built = build(
                view, draft.messages, self.tools.specs, window, self.zone, closing=closing
            )
            if not isinstance(built, Overflow):
                return built
            previous = view.summary.text if view.summary else ""
            origin = built.messages[-1].origin
            draft.summary = Summary(
                room=origin.room,
                upto=built.upto,
                text=await self._summary(previous, built.messages),
                audience=origin.audience,
                person=origin.person,
            )
            view = replace(
                view,
                summary=draft.summary,
                history=view.history[len(built.messages) :],
                older=view.older + len(built.messages),
            )

    async def _summary(self, previous: str, messages: Sequence[Message]) -> str:
        """By the model; where even that is too long for it, a plain digest."""
        try:
            return sanitise(await self.llm.summarise(previous, messages))
        except ContextTooLong:
            return digest(messages, old=previous, tz=self.zone)

    async def _call_tools(
        self, claim: Claim, draft: Draft, completion: Completion, words: str
    ) -> Heard:
        heard = Heard(completion=completion)
        for number, wish in enumerate(completion.calls):
            key = f"{claim.agent}:{claim.turn}:{claim.step}:{number}"
            context = StepContext(
                call_id=key, draft=draft, finder=self.finder, zone=self.zone, heard=words,
                speaker=_speakers_block(draft), said=heard.said,
            )  # fmt: skip
            try:
                tool = self.tools.get(wish.name)
                heard.kinds.append(tool.kind)
                arguments = parse_arguments(tool, wish.arguments)
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

    def _settled(
        self, claim: Claim, draft: Draft, turn: list[Message], heard: Heard, closing: bool,
        spent: Spent,
    ) -> Step:  # fmt: skip
        """What was heard, as rows and replies; and what comes next."""
        spoken = spoken_words(heard, turn)
        next_ = decide(heard, bool(spoken) or replied_in(turn), closing)
        if isinstance(next_, Done) and not spoken and not replied_in(turn) and asked_in(turn):
            spoken = [phrases.say("wordless", words_of(turn))]
        self._write_rows(claim, draft, heard, spoken)
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

    async def give_up(self, claim: Claim, why: str) -> None:
        """End a turn that failed too often: what was said is kept, and the person is told."""
        view = await self.store.view(claim.agent, claim.items[0].room)
        draft = Draft.of(view.agent, view.blocks, at=self.clock())
        if claim.step == 0:
            draft.messages.extend(_arrived(claim, draft))
        turn = [row for row in view.history if row.turn == claim.turn] + draft.messages
        step = self._ended(claim, draft, turn, "failed", why)
        await self.store.commit(step.change)
        self.watch(step)


# --- pure -----------------------------------------------------------------------------------------


def target_of(claim: Claim) -> dict[str, object]:
    """Where the answer to a claim's rows goes, and which events it answers."""
    return {
        "address": claim.items[-1].payload.get("address"),
        "answers": [item.dedup for item in claim.items],
    }


def _clean(completion: Completion) -> Completion:
    """A model's words as they can be kept."""
    calls = [[sanitise(part) for part in (c.id, c.name, c.arguments)] for c in completion.calls]
    return replace(
        completion,
        text=sanitise(completion.text),
        thoughts=sanitise(completion.thoughts),
        calls=tuple(ToolCall(id=id_, name=name, arguments=text) for id_, name, text in calls),
    )


def _speakers_block(draft: Draft) -> str:
    """The section that "human" means: in a room, the one of whoever spoke last."""
    for block in draft.blocks.values():
        if block.person is not None and block.person == draft.origin.person:
            return block.label
    return "human"


def _arrived(claim: Claim, draft: Draft) -> list[Message]:
    """The claim's inbox rows as rows of recall."""
    rows = []
    for item in claim.items:
        origin = Origin(
            audience=item.payload.get("audience", "person"),
            person=item.payload.get("person"),
            room=item.room,
        )
        rows.append(
            Message(
                seq=draft.seq(), role="user", text=item.payload["text"], at=item.at, origin=origin,
                speaker=item.payload.get("speaker", ""), turn=claim.turn, event=item.dedup,
            )
        )  # fmt: skip
    return rows
