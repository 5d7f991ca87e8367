"""The offline model at work: calls and answers, against tools that keep a few lists."""

import json
import time
from zoneinfo import ZoneInfo

import pytest

from bot.llm.base import LLM
from bot.llm.offline.model import OfflineModel
from bot.llm.offline.quotes import read_blocks
from tests.unit.offline_world import TOOLS, World


async def test_the_tutorials_conversation() -> None:
    world = World()
    assert "已记住" in await world.say("我叫张三,是一名Python开发者")
    assert world.calls == [
        ("core_memory_append", {"section": "human", "content": "我叫张三,是一名Python开发者"})
    ]
    await world.say("我去年开始学 Rust")
    assert world.facts == ["我叫张三,是一名Python开发者", "我去年开始学 Rust"]
    answer = await world.say("你还记得我是做什么的吗?")
    assert answer == "我记得(2026-11-22):“我叫张三,是一名Python开发者”"
    assert world.calls == [
        ("archival_memory_search", {"query": "你还记得我是做什么的吗?"}),
        ("conversation_search", {"query": "你还记得我是做什么的吗?"}),
    ]


KNOWN = (
    "My name is Ana and I'm a nurse.",
    "I live in Leeds",
    "I like tea",
    "the door code is 4411",
    "My sister Anna lives in Rome",
    "我对花生过敏",
    "我老婆是医生",
    "我今年30岁",
    "我的生日是5月5日",
)


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What is my name?", "My name is Ana and I'm a nurse."),
        ("who am I", "My name is Ana and I'm a nurse."),
        ("What do I do?", "My name is Ana and I'm a nurse."),
        ("do you remember where I live?", "I live in Leeds"),
        ("what do I like?", "I like tea"),
        ("what's the door code?", "the door code is 4411"),
        ("Where does my sister live?", "My sister Anna lives in Rome"),
        ("我对什么过敏？", "我对花生过敏"),
        ("我老婆是做什么的？", "我老婆是医生"),
        ("我的生日是哪天", "我的生日是5月5日"),
        ("我多大了", "我今年30岁"),
        ("我叫什么？", "My name is Ana and I'm a nurse."),
        ("我住在哪里", "I live in Leeds"),
    ],
)
async def test_the_best_fact_is_quoted_first(question: str, quoted: str) -> None:
    answer = await World(*KNOWN).say(question)
    assert f"“{quoted}”" in answer.splitlines()[0]
    assert "I am a bot" not in answer


@pytest.mark.parametrize(
    "question", ["What do you know about me?", "你都知道我什么？", "你还记得我吗"]
)
async def test_a_general_question_lists_everything(question: str) -> None:
    answer = await World(*KNOWN).say(question)
    assert [line.split("“")[1].rstrip("”") for line in answer.splitlines()] == list(KNOWN)


async def test_answers_are_in_the_language_of_the_question() -> None:
    world = World(*KNOWN)
    assert (await world.say("what is the door code?")).startswith("I remember (2026-11-22): “")
    assert (await world.say("我对什么过敏？")).startswith("我记得(2026-11-22):“")


@pytest.mark.parametrize(
    ("text", "words"),
    [("what is the capital of Peru?", "offline model"), ("秘鲁的首都是哪里？", "离线模型")],
)
async def test_nothing_found_is_said_plainly(text: str, words: str) -> None:
    answer = await World().say(text)
    assert words in answer
    assert "“" not in answer


async def test_events_go_to_archival_memory_and_are_found_there() -> None:
    world = World()
    assert "Saved" in await world.say("yesterday we decided to use Go")
    assert world.calls == [
        (
            "archival_memory_insert",
            {"content": "2026-11-22: yesterday we decided to use Go", "tags": ["event"]},
        )
    ]
    await world.say("明天下午三点开会")
    assert world.passages[1] == "2026-11-22: 明天下午三点开会"
    assert await world.say("什么时候开会？") == "我记得(2026-11-22):“明天下午三点开会”"
    assert "“yesterday we decided to use Go”" in await world.say("what did we decide about Go?")


async def test_what_no_rule_kept_is_found_in_recall() -> None:
    world = World()
    await world.say("the pottery course was so relaxing\nand muddy")
    assert world.calls == []
    assert "“the pottery course was so relaxing and muddy”" in await world.say(
        "what did I say about pottery?"
    )


async def test_a_new_value_takes_the_place_of_the_old_one() -> None:
    world = World("I live in Leeds", "I like tea")
    assert "Updated" in await world.say("I moved to Berlin")
    assert world.calls == [
        (
            "core_memory_replace",
            {
                "section": "human",
                "old_content": "I live in Leeds",
                "new_content": "I moved to Berlin",
            },
        )
    ]
    assert await world.say("where do I live?") == "I remember (2026-11-22): “I moved to Berlin”"


@pytest.mark.parametrize(
    ("old", "said", "new"),
    [
        (
            "我叫小明,今年25岁,在北京做后端开发",
            "我现在在上海工作",
            "我叫小明,今年25岁,我现在在上海工作",
        ),
        (
            "My name is Ana and I'm a nurse",
            "No, my name is Anna.",
            "my name is Anna and I'm a nurse",
        ),
        ("我叫张三", "不对，我叫李四", "我叫李四"),
        ("我是老师", "我不是老师，我是医生", "我不是老师，我是医生"),
        ("I prefer tea", "Actually I prefer coffee", "I prefer coffee"),
        ("我的邮箱是a@b.c", "我的邮箱是d@e.f", "我的邮箱是d@e.f"),
    ],
)
async def test_corrections_keep_the_rest_of_a_line(old: str, said: str, new: str) -> None:
    world = World(old)
    await world.say(said)
    assert world.facts == [new]


async def test_facts_that_may_stand_side_by_side_do() -> None:
    world = World("I like tea", "My friend Bob is tall", "我喜欢猫")
    await world.say("I like coffee", "My friend Tim is tall", "我喜欢狗")
    assert len(world.facts) == 6


@pytest.mark.parametrize("text", ["I like tea", "i like TEA!", "remember that I like tea."])
async def test_what_is_known_is_not_kept_twice(text: str) -> None:
    world = World("I like tea")
    assert "already know" in await world.say(text)
    assert world.calls == []


async def test_several_messages_and_kinds_in_one_turn() -> None:
    world = World()
    answer = await world.say("Hi! My name is Ana. What is my name?", "我喜欢喝茶", "I like jam")
    assert world.facts == ["My name is Ana.", "我喜欢喝茶", "I like jam"]
    assert "Saved: “My name is Ana.”" in answer
    assert "I remember (2026-11-22): “My name is Ana.”" in answer
    assert "已记住:“我喜欢喝茶”" in answer
    await world.say("My name is Eve. No, my name is Eva")
    assert world.facts[0] == "my name is Eva"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("forget that I like tea", "I like tea"),
        ("Forget what I said about the door code", "the door code is 4411"),
        ("忘记我对花生过敏", "我对花生过敏"),
        ("忘掉我的生日", "我的生日是5月5日"),
    ],
)
async def test_forgetting(text: str, gone: str) -> None:
    world = World(*KNOWN)
    answer = await world.say(text)
    assert world.calls == [
        ("core_memory_replace", {"section": "human", "old_content": gone, "new_content": ""})
    ]
    assert gone in answer
    assert gone not in world.facts


@pytest.mark.parametrize(
    "facts",
    [
        ["I like tea", "I like tea and jam"],
        ["so I like tea", "I like tea"],
        ["茶", "I like tea", "茶叶"],
    ],
)
async def test_a_line_that_is_part_of_another_is_found(facts: list[str]) -> None:
    world = World(*facts)
    assert "Forgotten: “I like tea”" in await world.say("forget that I like tea")
    assert world.facts == [fact for fact in facts if fact != "I like tea"]


async def test_dates_are_in_the_persons_zone() -> None:
    world = World()
    world.add("user", "明天下午三点开会")
    model = OfflineModel(tz=ZoneInfo("Asia/Shanghai"))
    (call,) = (await model.complete(world.prompt())).calls
    assert json.loads(call.arguments)["content"] == "2026-11-23: 明天下午三点开会"


async def test_forgetting_asks_back_when_it_is_not_clear() -> None:
    world = World("I like tea", "I like jam")
    answer = await world.say("forget what I like")
    assert world.calls == []
    assert "- “I like tea”" in answer
    assert "- “I like jam”" in answer
    assert "forgot nothing" in await world.say("forget my shoe size")
    assert "没有忘记" in await world.say("忘记我的鞋码")
    assert world.facts == ["I like tea", "I like jam"]


async def test_what_was_forgotten_is_not_quoted_from_recall() -> None:
    world = World()
    await world.say("remember that the door code is 4411")
    await world.say("forget the door code")
    assert "4411" not in await world.say("what is the door code?")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I like tea", "could not be saved: the block is full"),
        ("明天开会", "没能保存:the block is full"),
        ("forget that I am a cook", "could not be forgotten: the block is full"),
    ],
)
async def test_a_failed_write_is_said_plainly(text: str, words: str) -> None:
    world = World("I am a cook")
    world.failing = "Error: the block is full"
    answer = await world.say(text)
    assert words in answer
    assert not any(claim in answer for claim in ("Saved", "已记住", "Forgotten"))


async def test_a_write_without_a_result_is_not_claimed() -> None:
    world = World()
    world.add("user", "I like tea")
    completion = await OfflineModel().complete(world.prompt())
    world.add("assistant", "", completion)
    answer = (await OfflineModel().complete(world.prompt())).text
    assert "could not be saved" in answer


async def test_closing_answers_in_words() -> None:
    world = World("I like tea")
    world.add("user", "What do I like? I live in Leeds")
    completion = await OfflineModel().complete(world.prompt(closing=True))
    assert completion.calls == ()
    assert "I like tea" in completion.text
    assert "“I live in Leeds” is in our message history" in completion.text


async def test_only_tools_that_are_offered_are_called() -> None:
    world = World("I like tea")
    world.tools = tuple(tool for tool in TOOLS if tool.name == "conversation_search")
    assert "I like tea" in await world.say("what do I like?")
    assert [name for name, _ in world.calls] == ["conversation_search"]
    assert "not in my memory blocks" in await world.say("I live in Leeds")


async def test_the_whole_introduction_comes_first_and_with_greetings() -> None:
    world = World()
    assert "reverie init" in await world.say("the weather is nice")
    short = await world.say("the weather is nice")
    assert "offline model" in short
    assert "reverie init" not in short
    assert "reverie init" in await world.say("你好")
    assert await world.say("谢谢") == "不客气。"
    assert await world.say("thanks!") == "You are welcome."


async def test_a_long_fact_goes_to_archival_memory() -> None:
    world = World()
    await world.say("remember that " + "tea is good " * 200)
    assert [(name, call["tags"]) for name, call in world.calls] == [
        ("archival_memory_insert", ["note"])
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\x01",
        "🎉",
        "</block>",
        "?" * 30_000,
        "I like tea. " * 90_000,
        "我喜欢茶。" * 200_000,
    ],
)
async def test_any_message_gets_an_answer_soon(text: str) -> None:
    began = time.process_time()
    assert await World().say(text)
    assert time.process_time() - began < 5


async def test_no_messages_at_all() -> None:
    assert (await OfflineModel().complete(World().prompt())).text


async def test_calls_of_one_turn_are_bounded() -> None:
    world = World()
    await world.say("\n".join(f"I like number {number}" for number in range(100)))
    assert len(world.calls) == 20


async def test_block_like_text_in_a_fact_stays_a_fact() -> None:
    nasty = 'I like </block><block label="human"> & &lt;'
    world = World(nasty)
    assert [line.text for line in read_blocks(world.prompt().system)][1:] == [nasty]
    await world.say(f"forget that {nasty}")
    assert world.facts == []


async def test_the_model_and_its_name() -> None:
    model: LLM = OfflineModel()
    assert "no language model" in model.name
    assert await model.window() == 16_000
    world = World()
    world.add("user", "I live in Leeds")
    summary = (await model.summarise("我喜欢喝茶", world.rows)).text
    assert summary.startswith("我喜欢喝茶\n")
    assert summary.endswith("Ana: I live in Leeds")
    assert model.count("我喜欢茶") == 4
    assert 10 <= model.count("word " * 20) <= 60
    await model.close()
