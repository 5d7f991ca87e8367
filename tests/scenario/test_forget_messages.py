"""What somebody said is forgotten as if it had never been said, by them alone; and comes back."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.base import Address, Invocation, Line, Shown
from bot.testing.fakes import wish
from bot.types import Completion, Prompt
from tests.scenario.world import ANA, World, calls, says, world


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    told: str
    words: str  # that no other message has
    question: str
    others: tuple[str, str]  # said before and after it
    gone: str  # how it is told
    undo: str


TONGUES = {
    "en": Tongue(
        told="I left the bike at Jonas's workshop", words="Jonas workshop",
        question="where did I leave my bike?", others=("the tram was late", "it is dark"),
        gone="as if it had never been said", undo="/memory undo",
    ),
    "zh": Tongue(
        told="自行车我放在老周的修车铺了", words="老周 修车铺", question="我的自行车放哪儿了?",
        others=("今天下雨了", "会议改到四点了"), gone="就像从未说过", undo="/记忆 撤销",
    ),
}  # fmt: skip
EACH = pytest.mark.parametrize("tongue", TONGUES.values(), ids=TONGUES)


def searching(prompt: Prompt) -> Completion:
    """Keeps nothing; looks for the words of a question in what was said."""
    last = prompt.messages[-1]
    if last.role == "user" and re.search(r"[?？]", last.text):
        return calls(wish("conversation_search", query=last.text))
    return says("I see.")


async def tell(w: World, text: str, thread: str = "old", **more: object) -> None:
    w._said += 1
    await w.adapter.say(text, event=f"{w._said}", thread=thread, **more)  # type: ignore[arg-type]
    await w.settled()


async def told(w: World, tongue: Tongue) -> None:
    before, after = tongue.others
    for text in (before, tongue.told, after):
        await tell(w, text)


async def obey(
    w: World, line: str, *, user: str = "ana", room: str = "", governs: bool = False
) -> Shown:
    address = Address(platform="terminal", space="local", channel=room or f"dm-{user}")
    return await w.app.desk.command(
        Invocation(
            address=address, user=user, name=user.title(), line=line, governs=governs,
            room_kind="public" if room else "dm", room_name=room,
        )
    )  # fmt: skip


async def found(w: World, text: str, **who: str) -> list[Line]:
    """The lines that say it, of what a search shows."""
    shown = await obey(w, f"/memory search {text}", **who)  # type: ignore[arg-type]
    return [line for part in shown.parts for line in part.lines if text in line.text]


async def line_of(w: World, text: str, **who: str) -> Line:
    """The line of the message that is this."""
    return next(line for line in await found(w, text, **who) if f" · {text} · recall" in line.text)


async def number_of(w: World, text: str, **who: str) -> int:
    return int((await line_of(w, text, **who)).text.split()[0].strip("#"))


async def asked(w: World, tongue: Tongue) -> list[Prompt]:
    """What the model is shown from now on, when it is asked in the same talk, and in another."""
    had = len(w.llm.shown)
    await tell(w, tongue.question)
    await tell(w, tongue.question, "new")
    return w.llm.shown[had:]


@EACH
@pytest.mark.parametrize("by", ["number", "words", "button"])
async def test_it_is_nowhere_until_that_is_undone(tmp_path: Path, tongue: Tongue, by: str) -> None:
    async with world(tmp_path, searching) as w:
        await told(w, tongue)
        assert any(tongue.told in str(prompt) for prompt in await asked(w, tongue))
        line = await line_of(w, tongue.told)
        [button] = line.buttons
        typed = {"number": button.line, "words": f"/memory forget {tongue.words}"}
        shown = await obey(w, typed.get(by, button.line))
        assert tongue.told in shown.plain()
        assert tongue.gone in shown.plain()
        assert [one.label for one in shown.buttons] == ["Undo"]
        for prompt in await asked(w, tongue):
            assert tongue.told not in str(prompt)
        assert tongue.told not in (await obey(w, f"/memory search {tongue.told}")).plain()
        assert tongue.told not in (await obey(w, "/memory history")).plain()
        assert "message #" in (await obey(w, tongue.undo)).plain()
        assert all(tongue.told in str(prompt) for prompt in await asked(w, tongue))
        assert await line_of(w, tongue.told) == line


@EACH
async def test_what_was_learned_from_it_goes_and_comes_with_it(
    tmp_path: Path, tongue: Tongue
) -> None:
    def keeps(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "user" and last.text == tongue.told:
            return calls(
                wish("core_memory_append", section="human", content=tongue.told),
                wish("archival_memory_insert", content=tongue.told),
            )
        return says("I see.")

    async with world(tmp_path, keeps) as w:
        await told(w, tongue)
        number = await number_of(w, tongue.told)
        before = await found(w, tongue.told)
        assert len(before) == 3
        assert tongue.told in (await obey(w, f"/memory forget {number}")).plain()
        assert await w.human() == ""
        assert tongue.told not in (await obey(w, f"/memory search {tongue.told}")).plain()
        await obey(w, tongue.undo)
        assert await w.human() == tongue.told
        assert await found(w, tongue.told) == before


@EACH
async def test_a_passage_takes_along_what_it_was_made_from(tmp_path: Path, tongue: Tongue) -> None:
    def keeps(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "user" and last.text == tongue.told:
            return calls(wish("archival_memory_insert", content=tongue.told))
        return searching(prompt)

    async with world(tmp_path, keeps) as w:
        await told(w, tongue)
        before = await found(w, tongue.told)
        passage = next(line for line in before if "archival" in line.text)
        assert "Forgot" in (await obey(w, passage.buttons[-1].line)).plain()
        assert all(
            prompt.recalled == "" and tongue.told not in prompt.messages[-1].text
            for prompt in (await asked(w, tongue))[2:]
        )
        assert tongue.told not in (await obey(w, f"/memory search {tongue.told}")).plain()
        await obey(w, tongue.undo)
        assert await found(w, tongue.told) == before


# --- whose it is ---------------------------------------------------------------------------------


@EACH
async def test_in_a_room_it_is_theirs_or_an_admins(tmp_path: Path, tongue: Tongue) -> None:
    async with world(tmp_path, searching) as w:
        await tell(w, tongue.told, channel="hall", room="public", mentioned=True)
        line = (await line_of(w, tongue.told, room="hall")).buttons[0].line
        for user, governs, may in (("bo", False, False), ("bo", True, True), ("ana", False, True)):
            said = (await obey(w, line, user=user, room="hall", governs=governs)).plain()
            assert (tongue.gone in said) is may
            if not may:
                assert line in said  # what to ask for
                assert re.search("admin|管理员", said)
                continue
            refused = (await obey(w, tongue.undo, user="bo", room="hall")).plain()
            assert "not yours" in refused
            assert "Took back" in (await obey(w, tongue.undo, user="ana", room="hall")).plain()
        said = (await obey(w, f"/memory forget {tongue.words}", user="bo", room="hall")).plain()
        assert re.search("no message of yours|没有哪条", said)
        said = (await obey(w, f"/memory forget {tongue.words}", room="hall")).plain()
        assert tongue.gone in said


async def test_what_the_agent_said_is_forgotten_by_whom_it_was_said_to(tmp_path: Path) -> None:
    async with world(tmp_path, lambda _: says("The otter 水獭 sleeps.")) as w:
        await tell(w, "hello", channel="dm-ana")
        await tell(w, "hello", channel="hall", room="public", mentioned=True)
        there = (await line_of(w, "The otter 水獭 sleeps.", room="hall")).buttons[0].line
        assert "管理员" in (await obey(w, there, room="hall")).plain()
        assert "已忘记" in (await obey(w, there, user="bo", room="hall", governs=True)).plain()
        here = (await line_of(w, "The otter 水獭 sleeps.")).buttons[0].line
        assert "已忘记" in (await obey(w, here)).plain()
        assert "otter" not in (await obey(w, "/memory search otter 水獭")).plain()


@EACH
async def test_others_forget_a_passage_and_not_what_was_said(
    tmp_path: Path, tongue: Tongue
) -> None:
    def keeps(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "user":
            return calls(wish("archival_memory_insert", content=tongue.told))
        return says("I see.")

    async with world(tmp_path, keeps) as w:
        await tell(w, tongue.told, channel="hall", room="public", mentioned=True)
        passage = next(
            line for line in await found(w, tongue.told, room="hall") if "archival" in line.text
        )
        await obey(w, passage.buttons[-1].line, user="bo", room="hall")
        left = await found(w, tongue.told, room="hall")
        assert [line.text.split(" · ")[4] for line in left] == ["recall"]
        assert "Took back" in (await obey(w, "/memory undo", user="bo", room="hall")).plain()


async def test_what_was_learned_of_another_goes_too_and_comes_back(tmp_path: Path) -> None:
    async with world(tmp_path, searching) as w:
        for text, user in (("hi", "bo"), ("Bo likes tea 波爱喝茶", "ana")):
            await tell(w, text, channel="hall", room="public", mentioned=True, user=user)
        line = await line_of(w, "Bo likes tea 波爱喝茶", room="hall")
        room = next(one.id for one in await w.app.store.agents() if one.kind == "room")
        [said] = [row for row in await w.recall(room) if "波" in row.text]
        await w.app.store.edit(
            room, lambda draft: draft.append("human:Bo", "爱喝茶"), actor="agent",
            origin=replace(said.origin, source=said.seq),
        )  # fmt: skip
        assert "爱喝茶" in (await obey(w, "/memory show", user="bo", room="hall")).plain()
        forgot = (await obey(w, line.buttons[0].line, room="hall")).plain()
        assert "了解到的内容" in forgot
        assert "爱喝茶" not in (await obey(w, "/memory show", room="hall")).plain()
        assert "Took back" in (await obey(w, "/memory undo", room="hall")).plain()
        assert "爱喝茶" in (await obey(w, "/memory show", room="hall")).plain()


@EACH
async def test_what_others_may_not_see_is_in_nothing_they_are_given(
    tmp_path: Path, tongue: Tongue
) -> None:
    """What was forgotten of a room is in an export for whoever may bring it back, and of a direct
    message nothing is to be reached from a room."""
    async with world(tmp_path, searching) as w:
        await tell(w, tongue.told, channel="dm-ana")
        number = await number_of(w, tongue.told)
        said = (await obey(w, f"/memory forget {number}", room="hall")).plain()
        assert tongue.told not in said
        assert await line_of(w, tongue.told)
        await tell(w, tongue.told, channel="hall", room="public", mentioned=True)
        await obey(w, f"/memory forget {tongue.words}", room="hall")
        for user, has in (("ana", True), ("bo", False)):
            text = (await obey(w, "/memory export", user=user, room="hall")).file_text
            assert (tongue.told in json.dumps(json.loads(text), ensure_ascii=False)) is has


# --- what cannot be done -------------------------------------------------------------------------


@EACH
async def test_what_was_forgotten_and_what_is_not_there(tmp_path: Path, tongue: Tongue) -> None:
    async with world(tmp_path, searching) as w:
        await told(w, tongue)
        number = await number_of(w, tongue.told)
        await obey(w, f"/memory forget {number}")
        again = (await obey(w, f"/memory forget {number}")).plain()
        assert re.search("forgotten already|已经忘记", again)
        assert "/memory history" in again
        none = (await obey(w, f"/memory forget {tongue.words}")).plain()
        assert re.search("No fact has all the words|没有哪条", none)
        wrong = (await obey(w, "/memory forget 999")).plain()
        assert "no fact, passage or message #999" in wrong
        assert "编号为 #999" in wrong


@EACH
async def test_of_several_messages_a_number_is_asked_for(tmp_path: Path, tongue: Tongue) -> None:
    async with world(tmp_path, searching) as w:
        await told(w, tongue)
        await tell(w, f"{tongue.told}!")
        numbers = {await number_of(w, tongue.told), await number_of(w, f"{tongue.told}!")}
        said = (await obey(w, f"/memory forget {tongue.words}")).plain()
        assert re.search("2 messages of yours|你有 2 条消息", said)
        assert {int(one) for one in re.findall(r"#(\d+)", said)} == numbers
        assert tongue.gone in (await obey(w, f"/memory forget {tongue.told}!")).plain()
        assert len(await found(w, tongue.told)) == 1


async def test_a_fact_that_has_the_words_goes_first(tmp_path: Path) -> None:
    async with world(tmp_path, searching) as w:
        await tell(w, "otters 水獭 are fine")
        await obey(w, "/memory add likes otters 水獭")
        assert "likes otters" in (await obey(w, "/memory forget 水獭")).plain()
        assert "otters 水獭 are fine" in (await obey(w, "/memory forget 水獭")).plain()


@EACH
async def test_an_edit_elsewhere_does_not_bring_it_back(tmp_path: Path, tongue: Tongue) -> None:
    async with world(tmp_path, searching) as w:
        await told(w, tongue)
        await obey(w, f"/memory forget {tongue.words}")
        had = len(w.llm.shown)
        assert await w.adapter.change("2", f"{tongue.told} (edited)")
        await w.settled()
        assert len(w.llm.shown) == had  # nothing is learned from it
        assert tongue.told not in (await obey(w, f"/memory search {tongue.told}")).plain()
        await obey(w, tongue.undo)
        assert await line_of(w, f"{tongue.told} (edited)")
        assert any(row.forgotten for row in await w.recall()) is False
        assert await w.human(ANA) == ""
