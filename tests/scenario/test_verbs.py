"""The verbs of `/memory` on a real database: what people see, and what their hands do to memory."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.commands.answer import Answer
from bot.commands.types import (
    Add,
    Clear,
    Edit,
    Export,
    Find,
    Forget,
    History,
    Pin,
    Show,
    Undo,
    Verb,
    Why,
)
from bot.commands.verbs import Verbs
from bot.errors import Unconfirmed, UserError
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.errors import BadInput, Conflict, LimitReached, MemoryFault, NotFound, ReadOnly
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth, Block, Message, Origin

ZONE = ZoneInfo("Asia/Shanghai")
SAID_AT = datetime(2026, 1, 31, 20, 5, tzinfo=UTC)  # 04:05 of the next day there
ANA = Birth(id="ana", name="Ana", kind="named", persona="I am brief.")


class Memory:
    """One agent's memory, spoken to in verbs."""

    def __init__(self, store: Store, verbs: Verbs) -> None:
        self.store = store
        self.verbs = verbs

    async def run(self, verb: Verb) -> Answer:
        return await self.verbs.run(operator(ANA.id), verb)

    async def told(self, text: str, fact: str = "", passage: str = "") -> int:
        """Somebody says something, and the agent keeps it; the number of what it kept."""

        def work(draft: Draft) -> int:
            source = draft.seq()
            draft.messages.append(
                Message(
                    seq=source, role="user", text=text, at=SAID_AT, speaker="Ana", origin=Origin()
                )
            )
            draft.origin = Origin(source=source)
            if fact:
                draft.append("human", fact)
                return draft.blocks["human"].facts[-1].seq
            if passage:
                draft.insert(passage)
                return draft.last_seq - 1
            return source

        return await self.store.edit(ANA.id, work, actor="agent")

    async def facts(self) -> list[str]:
        blocks = await self.store.blocks(ANA.id)
        return [fact.text for block in blocks if block.label == "human" for fact in block.facts]

    async def number(self, text: str) -> int:
        blocks = await self.store.blocks(ANA.id)
        return next(fact.seq for block in blocks for fact in block.facts if fact.text == text)


@pytest.fixture
async def memory(database: SqliteDatabase, store: Store, tmp_path: Path) -> AsyncIterator[Memory]:
    await store.ensure(ANA)
    search = Search(database, None, tmp_path / "index")
    yield Memory(store, Verbs(store, search, ZONE))
    await search.close()


async def test_show_has_numbers_days_and_sources(memory: Memory) -> None:
    number = await memory.told("我叫张三,住在柏林", fact="我叫张三")
    await memory.run(Add(text="likes tea"))
    await memory.run(Pin(number=number))
    persona, human = (await memory.run(Show())).tables
    assert persona.title.startswith("persona · 11 of 4,000")
    assert human.title.startswith("human · 14 of 4,000")
    first, second = human.rows
    assert first[:2] == (f"#{number}", "我叫张三")
    assert first[3:] == (f"Ana, 2026-02-01 04:05 (#{number - 1})", "pinned")
    assert (second[1], second[3:]) == ("likes tea", ("by hand", ""))


async def test_show_as_records(memory: Memory) -> None:
    number = await memory.told("I live in Berlin, you know", fact="I live in Berlin")
    records = (await memory.run(Show())).records
    assert [record["type"] for record in records] == ["block", "fact", "block", "fact"]
    fact = records[-1]
    assert (fact["number"], fact["block"], fact["pinned"]) == (number, "human", False)
    assert fact["source"] == {
        "number": number - 1,
        "at": SAID_AT.isoformat(),
        "speaker": "Ana",
        "text": "I live in Berlin, you know",
        "room": "",
        "event": "",
    }
    assert json.dumps(records)


async def test_search_finds_facts_passages_and_messages(memory: Memory) -> None:
    fact = await memory.told("I love green tea", fact="loves green tea")
    passage = await memory.told("On Friday we tasted teas", passage="Tasted tea with Bo on Friday")
    await memory.told("我喜欢喝绿茶")
    answer = await memory.run(Find(query="tea"))
    rows = {(row[4], row[3]): row for row in answer.tables[0].rows}
    assert rows["human", "loves green tea"][0] == f"#{fact}"
    assert rows["archival", "Tasted tea with Bo on Friday"][0] == f"#{passage}"
    assert rows["recall", "I love green tea"][1:3] == ("2026-02-01 04:05", "Ana")
    chinese = await memory.run(Find(query="绿茶"))
    assert [(row[3], row[4]) for row in chinese.tables[0].rows] == [("我喜欢喝绿茶", "recall")]
    assert [record["type"] for record in chinese.records] == ["recall"]


async def test_search_that_finds_nothing_or_is_asked_nothing(memory: Memory) -> None:
    assert (await memory.run(Find(query="zebra"))).text == "Nothing found. Try other words."
    await memory.told("I love green tea")
    await memory.told("我喜欢喝绿茶")
    for nothing in (" \x00 ", "", "what is it?", "这是什么？"):
        answer = await memory.run(Find(query=nothing))
        assert [row[3] for row in answer.tables[0].rows] == ["我喜欢喝绿茶", "I love green tea"]
        assert answer.text == "These words say too little to search by, so this is the newest."


@pytest.mark.parametrize("until", [date.max, date(9999, 12, 30), date(2026, 2, 1)])
async def test_search_up_to_any_day(memory: Memory, until: date) -> None:
    await memory.told("I love green tea")
    answer = await memory.run(Find(query="tea", until=until))
    assert [row[3] for row in answer.tables[0].rows] == ["I love green tea"]
    with pytest.raises(UserError, match="Swap them"):
        await memory.run(Find(query="tea", since=date.max, until=date(9999, 1, 1)))


async def test_facts_have_pages_and_limits_too(memory: Memory) -> None:
    for number in range(13):
        await memory.told("so it goes", fact=f"tea number {number}")
    pages = [await memory.run(Find(query="tea", page=page)) for page in (1, 2)]
    assert [len(page.records) for page in pages] == [10, 3]
    assert "--page 2" in pages[0].text
    assert pages[1].text == ""
    day = SAID_AT.astimezone(ZONE).date()
    for limits, count in (
        ({"since": day}, 10), ({"until": day - timedelta(days=1)}, 0), ({"by": "@ana"}, 10),
        ({"by": "Bo"}, 0), ({"tag": "tea"}, 0),
    ):  # fmt: skip
        found = await memory.run(Find(query="number", **limits))
        assert len(found.records) == count, limits


async def test_search_has_pages(memory: Memory) -> None:
    for number in range(13):
        await memory.told(f"tea number {number}")
    first = await memory.run(Find(query="tea"))
    second = await memory.run(Find(query="tea", page=2))
    assert (len(first.records), len(second.records)) == (10, 3)
    assert "--page 2" in first.text
    assert second.text == ""
    assert len({record["number"] for record in first.records + second.records}) == 13


async def test_add_says_the_number_and_confirms_what_is_known(memory: Memory) -> None:
    said = (await memory.run(Add(text="我住在柏林\nI have a cat\x00"))).text
    assert await memory.facts() == ["我住在柏林", "I have a cat"]
    assert f"#{await memory.number('我住在柏林')}" in said
    assert "Already known" in (await memory.run(Add(text="我住在柏林"))).text
    assert len(await memory.facts()) == 2


async def test_add_refuses_what_it_cannot_keep(memory: Memory) -> None:
    await memory.store.add_block(ANA.id, Block(label="rules", limit=100, read_only=True))
    for text, block, error, words in [
        (" \n ", "human", BadInput, "empty"),
        ("x", "nowhere", NotFound, "Sections: persona, human, rules"),
        ("x", "rules", ReadOnly, "read-only"),
        ("x" * 4001, "human", LimitReached, "4000"),
    ]:
        with pytest.raises(error, match=words):
            await memory.run(Add(text=text, block=block))
    assert await memory.facts() == []


async def test_edit_supersedes_and_keeps_the_pin(memory: Memory) -> None:
    old = await memory.told("I live in Berlin", fact="lives in Berlin")
    await memory.run(Pin(number=old))
    await memory.run(Edit(number=old, text="lives in\nHamburg"))
    new = await memory.number("lives in Hamburg")
    assert await memory.facts() == ["lives in Hamburg"]
    assert (await memory.store.fact(ANA.id, new)).pinned
    assert (await memory.store.fact(ANA.id, old)).superseded_by == new
    assert "by hand" in (await memory.run(Show())).tables[1].rows[0]


async def test_edit_of_what_is_not_there_or_changes_nothing(memory: Memory) -> None:
    await memory.run(Add(text="tea\ncoffee"))
    tea, coffee = await memory.number("tea"), await memory.number("coffee")
    for number, text, words in [
        (999, "x", "no fact #999"),
        (tea, " ", f"forget {tea}"),
        (tea, "tea", "already"),
        (tea, "coffee", f"#{coffee} says just this"),
        (tea, "x" * 4001, "4000"),
    ]:
        with pytest.raises(MemoryFault, match=words):
            await memory.run(Edit(number=number, text=text))
    assert await memory.facts() == ["tea", "coffee"]


async def test_pin_and_unpin(memory: Memory) -> None:
    await memory.run(Add(text="allergic to nuts"))
    number = await memory.number("allergic to nuts")
    assert "is pinned now" in (await memory.run(Pin(number=number))).text
    assert "is pinned already" in (await memory.run(Pin(number=number))).text
    await memory.run(Pin(number=number, pinned=False))
    assert not (await memory.store.fact(ANA.id, number)).pinned


async def test_forget_by_number_and_back(memory: Memory) -> None:
    number = await memory.told("我叫张三", fact="我叫张三")
    await memory.run(Forget(target=number))
    assert await memory.facts() == []
    with pytest.raises(UserError, match="no longer in core memory: it was removed"):
        await memory.run(Forget(target=number))
    await memory.run(Undo())
    assert await memory.facts() == ["我叫张三"]


async def test_forget_by_words_needs_one_fact(memory: Memory) -> None:
    await memory.run(Add(text="I like green tea\nI like black tea\n我喜欢喝绿茶"))
    with pytest.raises(NotFound, match=r"2 facts have these words(.|\n)*I like black tea"):
        await memory.run(Forget(target="tea"))
    with pytest.raises(NotFound, match="No fact has all the words"):
        await memory.run(Forget(target="red tea"))
    with pytest.raises(NotFound, match="No fact has all the words"):
        await memory.run(Forget(target="???"))
    assert len(await memory.facts()) == 3
    await memory.run(Forget(target="black tea"))
    await memory.run(Forget(target="绿茶"))
    assert await memory.facts() == ["I like green tea"]


async def test_forget_words_that_are_one_fact_to_the_letter(memory: Memory) -> None:
    await memory.run(Add(text="tea\ntea with milk"))
    await memory.run(Forget(target="tea"))
    assert await memory.facts() == ["tea with milk"]


async def test_a_passage_is_forgotten_and_comes_back(memory: Memory) -> None:
    number = await memory.told("We met Bo", passage="Met Bo in 上海")
    await memory.run(Forget(target=number))
    gone = await memory.run(Find(query="上海"))
    assert "archival" not in [record["type"] for record in gone.records]
    await memory.run(Undo())
    back = await memory.run(Find(query="上海"))
    assert [record["number"] for record in back.records if record["type"] == "archival"] == [number]


async def test_an_operator_forgets_a_message(memory: Memory) -> None:
    number = await memory.told("hello")
    assert "hello" in (await memory.run(Forget(target=number))).text
    with pytest.raises(UserError, match="forgotten already"):
        await memory.run(Forget(target=number))
    with pytest.raises(NotFound, match="#999"):
        await memory.run(Forget(target=999))


async def test_clear_asks_first_and_is_one_change(memory: Memory) -> None:
    await memory.run(Add(text="one\n二\nthree"))
    await memory.run(Pin(number=await memory.number("二")))
    with pytest.raises(Unconfirmed, match="/memory clear human yes"):
        await memory.run(Clear())
    assert len(await memory.facts()) == 3
    await memory.run(Clear(confirmed=True))
    assert await memory.facts() == []
    assert "nothing in" in (await memory.run(Clear(confirmed=True))).text
    with pytest.raises(BadInput, match="persona"):
        await memory.run(Clear(block="persona", confirmed=True))
    await memory.run(Undo())
    assert await memory.facts() == ["one", "二", "three"]


async def test_undo_of_a_number_and_of_nothing(memory: Memory) -> None:
    await memory.run(Add(text="one"))
    first = (await memory.run(History())).records[0]["number"]
    assert isinstance(first, int)
    await memory.run(Add(text="two"))
    assert "Took back" in (await memory.run(Undo(number=first))).text
    assert await memory.facts() == ["two"]
    with pytest.raises(NotFound, match="cannot be undone"):
        await memory.run(Undo(number=first))
    with pytest.raises(NotFound, match="No change #999"):
        await memory.run(Undo(number=999))


async def test_undo_under_a_later_change_is_refused(memory: Memory) -> None:
    await memory.run(Add(text="tea"))
    added = (await memory.run(History())).records[0]["number"]
    assert isinstance(added, int)
    await memory.run(Edit(number=await memory.number("tea"), text="coffee"))
    with pytest.raises(Conflict, match="later change"):
        await memory.run(Undo(number=added))
    assert await memory.facts() == ["coffee"]


async def test_history_is_paged_and_names_the_actor(memory: Memory) -> None:
    for number in range(12):
        await memory.run(Add(text=f"事实 {number}"))
    await memory.run(Undo())
    first, second = await memory.run(History()), await memory.run(History(page=2))
    assert first.tables[0].rows[0][2:4] == ("person", "undo")
    assert first.tables[0].rows[1][5] == f"undone by {first.tables[0].rows[0][0]}"
    assert "--page 2" in first.text
    assert (len(first.records), len(second.records)) == (10, 5)
    assert second.records[-1]["change"] == "create"
    assert (await memory.run(History(page=9))).text == "No changes on page 9."


async def test_why_tells_the_whole_story(memory: Memory) -> None:
    words = "我去年搬到柏林。" * 30
    old = await memory.told(words, fact="住在柏林")
    await memory.run(Edit(number=old, text="住在汉堡"))
    new = await memory.number("住在汉堡")
    why_old, why_new = await memory.run(Why(number=old)), await memory.run(Why(number=new))
    assert f"Ana said on 2026-02-01 04:05 (#{old - 1}):\n{words}" in why_old.lead
    assert f"superseded by #{new}" in why_old.lead
    assert [row[3] for row in why_old.tables[0].rows] == ["core_memory_append", "edit"]
    assert f"It took the place of #{old}: 住在柏林" in why_new.lead
    assert "written by hand" in why_new.lead
    assert [row[3] for row in why_new.tables[0].rows] == ["edit"]
    assert json.loads(json.dumps(why_old.records))[0]["source"]["text"] == words


async def test_why_of_a_passage_and_of_nothing(memory: Memory) -> None:
    number = await memory.told("We met Bo", passage="Met Bo")
    answer = await memory.run(Why(number=number))
    assert f"#{number} in archival memory" in answer.lead
    assert "We met Bo" in answer.lead
    with pytest.raises(NotFound, match="no fact or passage #999"):
        await memory.run(Why(number=999))


async def test_why_is_not_fooled_by_a_text_that_looks_like_a_number(memory: Memory) -> None:
    number = await memory.told("hello", fact="a")
    await memory.run(Add(text=f'{{"seq":{number},"label":"human"}}'))
    assert len((await memory.run(Why(number=number))).records[0]["changes"]) == 1  # type: ignore[arg-type]


async def test_export_is_the_document(memory: Memory) -> None:
    await memory.run(Add(text="我叫张三"))
    answer = await memory.run(Export())
    document = json.loads(answer.document)
    assert [fact["text"] for fact in document["facts"]] == ["I am brief.", "我叫张三"]
    assert answer.records[0]["document"] == document
