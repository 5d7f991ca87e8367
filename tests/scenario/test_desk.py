"""Commands from a platform: obeyed for the agent of the place, shown to whoever asked."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.base import Address, Attachment, Invocation, Line, Shown
from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt
from memory import heartbeats
from memory.draft import Draft
from memory.types import Change, Spending, now
from tests.scenario.world import ANA, World, calls, says, world

DM = Address(platform="terminal", space="local", channel="dm")
HALL = Address(platform="terminal", space="local", channel="hall")
DAY = timedelta(days=1)


async def obey(w: World, line: str, *, room: bool = False, user: str = "ana") -> Shown:
    return await w.app.desk.command(
        Invocation(
            address=HALL if room else DM, user=user, name=user.title(), line=line,
            room_kind="public" if room else "dm", room_name="hall" if room else "",
        )
    )  # fmt: skip


async def test_memory_is_shown_changed_and_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert "I like tea" not in (await obey(w, "/memory show")).plain()
        await obey(w, "/memory add I like tea")
        await obey(w, "!memory add 我住在北京")
        shown = (await obey(w, "/memory")).plain()
        assert "I like tea" in shown
        assert "我住在北京" in shown
        await obey(w, "/memory undo")
        assert "我住在北京" not in (await obey(w, "/memory")).plain()


async def test_a_dm_and_a_room_are_two_agents(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add my secret is Zanzibar")
        assert "Zanzibar" not in (await obey(w, "/memory show", room=True)).plain()
        assert "Zanzibar" not in (await obey(w, "/memory search Zanzibar", room=True)).plain()
        assert "Zanzibar" not in (await obey(w, "/memory show", user="ben")).plain()
        assert "Zanzibar" in (await obey(w, "/memory search Zanzibar")).plain()


async def test_export_is_a_file(tmp_path: Path) -> None:
    async with world(tmp_path, [says("hello")]) as w:
        await w.ask("hi")
        shown = await obey(w, "/memory export")
        assert shown.file_name == "memory.json"
        assert json.loads(shown.file_text)["format"] == "reverie-agent"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/memory pin 999", "999"),
        ("/memory dance", "cannot 'dance'"),
        ("/create --name X", "not for here"),
        ("/nonsense", "no command /nonsense"),
        ("hello", "not for here"),
        ("/help", "/memory search WORDS"),
        ("/help zh", "搜索"),
    ],
)
async def test_what_cannot_be_done_is_said(tmp_path: Path, line: str, said: str) -> None:
    async with world(tmp_path) as w:
        assert said in (await obey(w, line)).plain()


def lines(shown: Shown) -> dict[str, Line]:
    return {line.text: line for part in shown.parts for line in part.lines}


async def press(
    w: World, shown: Shown, label: str, words: str = "", *, of: str = "", user: str = "ana"
) -> Shown:
    """Press a button of the line that has these words, or of the whole."""
    buttons = next((one.buttons for text, one in lines(shown).items() if of in text and of), ())
    button = next(one for one in (*buttons, *shown.buttons) if one.label == label)
    assert (button.form is not None) == bool(words)
    return await obey(w, f"{button.line} {words}".strip(), user=user)


async def test_every_line_has_buttons_that_are_commands(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add I like tea")
        shown = await obey(w, "/memory show")
        await press(w, shown, "Edit", "我喜欢咖啡", of="I like tea")
        shown = await obey(w, "/memory show")
        assert not any("I like tea" in text for text in lines(shown))
        await press(w, shown, "Pin", of="我喜欢咖啡")
        shown = await obey(w, "/memory show")
        assert any("pinned" in text and "我喜欢咖啡" in text for text in lines(shown))
        assert "by hand" in (await press(w, shown, "Why?", of="我喜欢咖啡")).plain()
        await press(w, shown, "Forget", of="我喜欢咖啡")
        assert "我喜欢咖啡" not in (await obey(w, "/memory")).plain()
        done = await press(w, await obey(w, "/memory history"), "Undo", of="forget")
        assert "Took back" in done.plain()
        assert "我喜欢咖啡" in (await obey(w, "/memory")).plain()


async def test_an_edit_form_holds_the_text_that_is(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add I like tea")
        shown = await obey(w, "/memory show")
        line = next(one for text, one in lines(shown).items() if "I like tea" in text)
        [form] = [button.form for button in line.buttons if button.form]
    assert form.value == "I like tea"


async def test_clear_asks_for_typed_confirmation(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add I like tea")
        asked = await obey(w, "/memory clear human")
        assert "type" in asked.plain()
        await press(w, asked, "Confirm…", "no")
        assert "I like tea" in (await obey(w, "/memory")).plain()
        await press(w, asked, "Confirm…", "是")
        assert "I like tea" not in (await obey(w, "/memory")).plain()


async def test_paused_memory_learns_nothing(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        if prompt.messages[-1].role == "tool":
            return says("I tried.")
        return calls(wish("core_memory_append", section="human", content="I like tea"))

    async with world(tmp_path, script) as w:
        shown = await obey(w, "/memory show")
        await press(w, shown, "Pause")
        await w.ask("I like tea")
        assert "core_memory_append" not in [tool.name for tool in w.llm.shown[0].tools]
        assert await w.human() == ""
        await press(w, await obey(w, "/memory show"), "Resume")
        await w.ask("I like tea")
        assert await w.human() == "I like tea"


async def test_persona_is_shown_set_and_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert "I am Reverie" in (await obey(w, "/persona")).plain()
        await obey(w, "/persona 我是一只说中文的猫。")
        shown = (await obey(w, "/persona")).plain()
        assert "说中文的猫" in shown
        assert "I am Reverie" not in shown
        await obey(w, "/memory undo")
        assert "I am Reverie" in (await obey(w, "/persona")).plain()


async def test_a_fact_is_shared_and_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add I speak Chinese")
        shown = await obey(w, "/memory")
        number = next(text for text in lines(shown) if "I speak Chinese" in text).split()[0]
        assert "may know" in (await obey(w, f"/memory share {number}")).plain()
        fact = await w.app.store.fact(ANA, int(number[1:]))
        assert (fact.origin.audience, fact.origin.workspace) == ("workspace", "terminal/local")
        assert "already" in (await obey(w, f"/memory share {number}")).plain()
        await obey(w, f"/memory unshare {number}")
        assert (await w.app.store.fact(ANA, int(number[1:]))).origin.audience == "person"


async def test_only_an_admin_sets_the_mode_of_a_room(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert "mention" in (await obey(w, "/mode", room=True)).plain()
        assert "admin" in (await obey(w, "/mode open", room=True)).plain()
        assert "rooms" in (await obey(w, "/mode open")).plain()
        invocation = Invocation(
            address=HALL, user="ana", name="Ana", line="/模式 open", room_kind="public",
            room_name="hall", admin=True,
        )  # fmt: skip
        assert "open" in (await w.app.desk.command(invocation)).plain()
        assert "**open**" in (await obey(w, "/mode", room=True)).plain()
        assert await w.adapter.say("hello all", event="1", channel="hall", room="public")


async def test_stop_ends_the_turn_in_a_sentence(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Endless(ScriptedLLM):
        async def complete(self, prompt: Prompt) -> Completion:
            if prompt.messages[-1].text == "hello":
                return says("Hi.")
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with world(tmp_path, llm=Endless(())) as w:
        assert "not answering" in (await obey(w, "/stop")).plain()
        await w.say("数到一百万")
        await asked.wait()
        assert (await obey(w, "/stop")).plain() == "Stopped."
        assert await w.settled() == ["已按要求停止。"]
        assert await w.ask("hello") == "Hi."
        said = [row.text for row in await w.recall() if row.role == "user"]
        assert said == ["数到一百万", "hello"]


async def test_why_links_to_the_message(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        if prompt.messages[-1].role == "tool":
            return says("ok")
        return calls(wish("core_memory_append", section="human", content="I like tea"))

    async with world(tmp_path, script) as w:
        await w.ask("I like tea")
        shown = await obey(w, "/memory show")
        why = await press(w, shown, "Why?", of="I like tea")
    assert "[The message](https://chat.example/dm/1)" in why.plain()


async def test_what_is_remembered_of_a_message_names_it(tmp_path: Path) -> None:
    async with world(tmp_path, [says("ok")]) as w:
        await w.ask("我的生日是五月一日")
        await w.app.desk.command(
            Invocation(
                address=DM, user="ana", name="Ana", line="/memory add 我的生日是五月一日", about="1"
            )
        )
        shown = await obey(w, "/memory show")
        why = await press(w, shown, "Why?", of="生日")
    assert "https://chat.example/dm/1" in why.plain()


async def test_a_message_with_an_option_is_only_words(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for text in ("--block persona I am evil", "“我喜欢茶” --block x"):
            given = Invocation(
                address=DM, user="ana", name="Ana", line=f"/memory add {text}", about="1"
            )
            await w.app.desk.command(given)
        assert await w.human() == "--block persona I am evil\n“我喜欢茶” --block x"
        assert "evil" not in (await obey(w, "/persona")).plain()


async def test_memory_as_it_was_on_a_day(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add 我住在柏林")
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        then = await obey(w, f"/记忆 显示 --as-of {today}")
        assert f"at the end of {today}" in then.plain()
        assert "我住在柏林" in then.plain()
        before = await obey(w, "/memory show as of 2020-01-31")
        assert before.plain() == "At the end of 2020-01-31 I knew nothing that I still have."
        assert "2026-10-01" in (await obey(w, "/memory show --as-of soon")).plain()
        assert "柏林" not in (await obey(w, f"/memory show {today}", room=True)).plain()


async def test_what_is_no_longer_so_can_only_be_asked_about(tmp_path: Path) -> None:
    past = now() - 3 * DAY

    def said(draft: Draft) -> None:
        draft.said_at = past
        draft.append("human", "I live in Berlin")

    async with world(tmp_path) as w:
        await obey(w, "/memory show")
        await w.app.store.edit(ANA, said, actor="person")
        shown = await obey(w, "/memory show")
        await press(w, shown, "Edit", "I live in Oslo", of="Berlin")
        then = await obey(w, f"/memory show --as-of {past:%Y-%m-%d}")
    [old] = [line for text, line in lines(then).items() if "Berlin" in text]
    assert old.text.endswith(" · superseded")
    assert [button.label for button in old.buttons] == ["Why?"]
    assert "Oslo" not in then.plain()


async def test_usage_tells_turns_and_heartbeats_apart(tmp_path: Path) -> None:
    beat = Spending(kind="heartbeat", calls=2, prompt=1000, completion=234, money=20_000)
    turn = Spending(kind="turn", calls=1, prompt=60, completion=6)
    async with world(tmp_path) as w:
        assert "No model was called" in (await obey(w, "/usage")).plain()
        await spend(w, beat, now() - DAY)
        await spend(w, turn, now())
        await spend(w, turn, now() - 7 * DAY)
        shown = await obey(w, "/用量")
        today, yesterday = lines(shown)
        assert today == f"{now():%Y-%m-%d} · turns · 1 call · 66 tokens"
        assert yesterday.endswith(" · heartbeats · 2 calls · 1,234 tokens · 0.0200 in money")
        assert shown.end == "Together: 3 calls, 1,300 tokens, 0.0200 in money"
        assert "No model was called" in (await obey(w, "/usage", room=True)).plain()


async def spend(w: World, spending: Spending, at: datetime) -> None:
    change = Change(agent=ANA, version=0, last_seq=0, at=at, usage=spending)
    await w.app.store.database.write(lambda conn: heartbeats.note(conn, change))


async def test_own_memory_can_be_asked_for_in_a_room(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add my secret is Zanzibar")
        invocation = Invocation(
            address=HALL, user="ana", name="Ana", line="/memory show", room_kind="public", own=True
        )
        assert "Zanzibar" in (await w.app.desk.command(invocation)).plain()
        [choice] = await w.app.desk.facts(replace(invocation, line="zanz"))
        assert "Zanzibar" in choice.label
        assert choice.value.isdigit()


async def test_a_false_claim_is_corrected_before_it_goes_out(tmp_path: Path) -> None:
    append = wish("core_memory_append", section="human", content="likes tea")
    script = [
        says("I've saved that!"),
        says("好的，我记住了。"),
        calls(append),
        says("I've saved that!"),
    ]
    async with world(tmp_path, script) as w:
        assert "not saved anything" in await w.ask("I like tea")
        assert "没有保存" in await w.ask("我喜欢茶")
        assert await w.ask("I like tea") == "I've saved that!"


async def test_forgetme_asks_and_then_leaves_nothing(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Completion:
        last = prompt.messages[-1]
        if last.role == "tool":
            return says("好的 zyxwombat")
        return calls(wish("core_memory_append", section="human", content=last.text))

    async with world(tmp_path, script) as w:
        note = Attachment(name="zyxwombat.txt", kind="text/plain", size=9, ref="f")
        w.adapter.files["f"] = b"zyxwombat\xe9\xbe\x98"
        await w.adapter.say("I am zyxwombat 龘", event="1", files=[note])
        await w.adapter.say(
            "zyxwombat 龘 in the hall", event="2", channel="hall", room="public", mentioned=True
        )
        await w.settled()
        assert found_in_files(tmp_path, "zyxwombat", "龘")
        asked = await obey(w, "/forgetme")
        assert "cannot be undone" in asked.plain()
        assert found_in_files(tmp_path, "zyxwombat", "龘")
        receipt = await press(w, asked, "Confirm…", "是")
        assert "- 1 files" in receipt.plain()
        assert "forgotten you" in receipt.plain()
        assert not found_in_files(tmp_path, "zyxwombat", "龘")
        assert "zyxwombat" not in (await obey(w, "/memory show")).plain()
    assert not found_in_files(tmp_path, "zyxwombat", "龘")


def found_in_files(home: Path, *words: str) -> list[str]:
    files = [path for path in home.rglob("*") if path.is_file()]
    named = [str(path) for path in files if any(word in path.name for word in words)]
    return named + [
        str(path) for path in files for word in words if word.encode() in path.read_bytes()
    ]


async def test_two_accounts_are_linked_by_a_code(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add I like tea")
        code = re.search(r"\*\*([0-9A-Z-]+)\*\*", (await obey(w, "/link")).plain())
        assert code
        asked = await obey(w, f"/link {code[1]}", user="ben")
        await press(w, asked, "Join them", user="ben")
        assert "I like tea" in (await obey(w, "/memory", user="ben")).plain()
        await obey(w, "/unlink", user="ben")
        assert "I like tea" not in (await obey(w, "/memory", user="ben")).plain()
