"""Cutting Markdown into messages, and Slack's dialect of it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.text import BREAK, SMALLEST, harmless, split, to_mrkdwn

SPACE = re.compile(r"\s+")
FENCE_LINE = re.compile(r"^[ \t]*(`{3,}|~{3,})\S*$", re.MULTILINE)


def bare(text: str) -> str:
    """The words, with spaces and the lines of fences taken out."""
    return SPACE.sub("", FENCE_LINE.sub("", text))


def balanced(part: str) -> bool:
    """Every code block that is opened in a part is closed in it."""
    marks = ""
    for line in part.split("\n"):
        found = re.match(r"[ \t]*(`{3,}|~{3,})", line)
        if marks:
            marks = "" if line.strip() == marks else marks
        elif found:
            marks = found[1]
    return not marks


# ---- cutting -----------------------------------------------------------------------------------


def test_a_short_text_is_one_part() -> None:
    assert split("hello 你好", 100) == ["hello 你好"]
    assert split("x" * 100, 100) == ["x" * 100]


@pytest.mark.parametrize("nothing", ["", " ", "\n\n", "\n" * 500, " " * 500])
def test_nothing_is_no_part(nothing: str) -> None:
    assert split(nothing, 100) == []


def test_a_limit_can_be_too_small() -> None:
    with pytest.raises(ValueError, match="too small"):
        split("hello", SMALLEST - 1)


def test_paragraphs_come_before_lines() -> None:
    first, second = "One line.\nAnother line.\n" * 2 + "End.", "Second paragraph.\nMore."
    assert split(f"{first}\n\n{second} {'x' * 40}", 100) == [first, f"{second} {'x' * 40}"]


def test_lines_come_before_sentences() -> None:
    lines = ["A first line. With two sentences in it, as it happens.", "A second line. " + "z" * 40]
    assert split("\n".join(lines), 100) == lines


def test_sentences_come_before_words() -> None:
    text = (
        "This is the first sentence of two, and it is a long one. This is the second; " + "w " * 30
    )
    parts = split(text, 100)
    assert parts[0] == "This is the first sentence of two, and it is a long one."


def test_chinese_sentences_need_no_spaces() -> None:
    sentence = "今天天气很好，我们去公园散步吧。"
    parts = split(sentence * 20, 100)
    assert "".join(parts) == sentence * 20
    assert {part[-1] for part in parts} == {"。"}


def test_a_chinese_quote_is_not_left_behind() -> None:
    text = "他说：“明天再来吧。”" * 20
    assert all(part.endswith("。”") for part in split(text, 100))


def test_chinese_without_any_stop_is_cut_between_characters() -> None:
    parts = split("字" * 250, 100)
    assert [len(part) for part in parts] == [100, 100, 50]


def test_chinese_punctuation_does_not_begin_a_part() -> None:
    parts = split("一二三四，" * 61, 103)
    assert all(part[0] not in "，。" for part in parts)


def test_words_stay_whole() -> None:
    words = [f"word{number}" for number in range(200)]
    parts = split(" ".join(words), 100)
    assert " ".join(parts).split() == words


def test_an_endless_word_is_cut() -> None:
    assert split("x" * 250, 100) == ["x" * 100, "x" * 100, "x" * 50]


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"    print({number})" for number in range(40))
    parts = split(f"Look:\n\n```python\n{code}\n```\nDone.", 150)
    assert parts[0].startswith("Look:\n\n```python\n    print(0)\n")
    assert all(part.startswith("```python\n    print(") for part in parts[1:])
    assert all(balanced(part) for part in parts)
    assert parts[-1].endswith("```\nDone.")
    lines = [line for part in parts for line in part.split("\n") if "print" in line]
    assert "\n".join(lines) == code


def test_a_code_block_moves_whole_where_it_fits() -> None:
    prose, code = "Some words of prose. " * 3, "```sh\n" + "ls -l\n" * 8 + "```"
    assert split(f"{prose}\n{code}", 100) == [prose.strip(), code]


def test_no_empty_code_block_is_left() -> None:
    for pad in range(60, 100):
        parts = split("p" * pad + "\n```py\nx = 1\n```\nafter " + "y" * 80, 100)
        assert not any(re.search(r"```(py)?\n\s*```", part) for part in parts), pad
        assert sum(part.count("x = 1") for part in parts) == 1


def test_a_code_block_that_is_never_closed_is_closed() -> None:
    assert split("```py\nx = 1", 100) == ["```py\nx = 1\n```"]


def test_a_code_block_that_opens_behind_words() -> None:
    text = "Run this: ```sh\n" + "echo 好\n" * 30 + "```\nThat is all."
    parts = split(text, 100)
    assert parts[0].startswith("Run this: ```sh\necho 好")
    assert all(part.count("```") == 2 for part in parts)


def test_a_code_block_in_a_list_keeps_its_indent() -> None:
    parts = split("1. Do\n   ```js\n" + "   call();\n" * 20 + "   ```", 100)
    assert all(part.split("\n")[0].strip() in ("1. Do", "```js") for part in parts)
    assert all("   ```js\n   call();" in part for part in parts)


def test_blank_lines_inside_code_stay() -> None:
    parts = split("```\na\n\nb\n```", 100)
    assert parts == ["```\na\n\nb\n```"]


@pytest.mark.parametrize(
    "whole",
    [
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🇨🇳",
        "e\u0301\u0323",
        "❤️",
        "1️⃣",
        "🏴\U000e0067\U000e0062\U000e007f",
    ],
)
def test_what_is_one_character_to_a_reader_stays_whole(whole: str) -> None:
    for shift in range(len(whole)):
        parts = split("x" * shift + whole * 60, 100)
        assert all(len(part) <= 100 for part in parts)
        assert all(len(part.lstrip("x")) % len(whole) == 0 for part in parts), parts


@pytest.mark.parametrize(
    "whole",
    ["<https://example.com/a|the long label of it>", "[the label](https://x.y)", "`a b c d e`"],
)
def test_links_and_inline_code_stay_whole(whole: str) -> None:
    for shift in range(len(whole)):
        parts = split("y" * (70 + shift) + " " + whole + " and more " * 10, 100)
        assert sum(whole in part for part in parts) == 1, shift


def test_an_escape_stays_whole() -> None:
    for shift in range(6):
        parts = split("y" * shift + "&amp;" * 50, 100)
        assert all(re.fullmatch(r"y*(&amp;)+", part) for part in parts)


@pytest.mark.parametrize("before", ["", "b" * 60 + " ", "a" * 120 + ":"])
def test_no_word_of_a_line_that_opens_code_is_lost(before: str) -> None:
    parts = split(f"{before}```{'a' * 120}", 100)
    assert all(len(part) <= 100 for part in parts)
    assert "".join(parts).count("a") == 120 + before.count("a")


PIECES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "\n",
            "\n\n",
            " ",
            "```",
            "```py\n",
            "~~~\n",
            "你好。",
            "👨‍👩‍👧",
            "a" * 120,
            "`x`",
            "e\u0301",
            "🇨🇳",
        ]
    ),
)


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(SMALLEST, 300))
def test_every_part_is_within_the_limit_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < len(part) <= limit and part.strip() for part in parts)
    marks = re.compile(r"[`~]+(?:py)?")
    left = SPACE.sub("", marks.sub("", "".join(parts)))
    assert sorted(left) == sorted(SPACE.sub("", marks.sub("", text)))


BLOCKS = st.one_of(
    st.lists(
        st.sampled_from(["hello", "world", "你好", "再见。", "Yes.", "nice!", "这是"]), min_size=1
    ).map(" ".join),
    st.tuples(
        st.sampled_from(["", "py", "c++"]),
        st.lists(st.sampled_from(["x = 1", "    y()", "", "# 注释"]), min_size=1, max_size=40),
    ).map(lambda block: f"```{block[0]}\n" + "\n".join(block[1]) + "\n```"),
)


@given(st.lists(BLOCKS, min_size=1, max_size=12).map("\n\n".join), st.integers(SMALLEST, 400))
def test_words_stay_in_order_and_fences_are_balanced(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(balanced(part) for part in parts)
    assert bare("\n".join(parts)) == bare(text)
    languages = set(re.findall(r"^```(\S+)$", text, re.MULTILINE))
    assert set(re.findall(r"^```(\S+)$", "\n".join(parts), re.MULTILINE)) <= languages


@given(st.text(alphabet="ab e\u0301\u0323👍🏽🇨🇳\u200d👨字。\n", max_size=600))
def test_no_part_begins_with_what_belongs_to_the_character_before(text: str) -> None:
    for part in split(text, SMALLEST)[1:]:
        first = part[0]
        assert not unicodedata.combining(first) or len(max(text.split(), key=len)) > SMALLEST
        assert first not in "🏽" or len(max(text.split(), key=len)) > SMALLEST


# ---- pings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ping",
    [
        "@everyone",
        "@here",
        "@channel",
        "@Everyone",
        "<!channel>",
        "<!here|here>",
        "<!subteam^S1>",
        "<@&42>",
    ],
)
def test_mass_pings_are_made_harmless(ping: str) -> None:
    calm = harmless(f"hey {ping} 大家好")
    assert ping not in calm
    assert calm.replace(BREAK, "") == f"hey {ping} 大家好"
    assert harmless(calm) == calm
    assert ping not in to_mrkdwn(ping)
    assert "<!" not in to_mrkdwn(ping)


def test_people_may_be_named() -> None:
    assert harmless("thanks @Ana, <@42>, a@b.org") == "thanks @Ana, <@42>, a@b.org"


# ---- Slack's dialect ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("plain 文字", "plain 文字"),
        ("**bold** and __bold__", "*bold* and *bold*"),
        ("*slanted* and _slanted_", "_slanted_ and _slanted_"),
        ("***both***", "*_both_*"),
        ("**a *b* c**", "*a _b_ c*"),
        ("~~gone~~", "~gone~"),
        ("# Title", "*Title*"),
        ("### A **bold** title ###", "*A bold title*"),
        ("# 标题", "*标题*"),
        ("#hashtag", "#hashtag"),
        ("- a\n* b\n+ c", "• a\n• b\n• c"),
        ("- a\n  - b", "• a\n  • b"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("- **key**: value", "• *key*: value"),
        ("> quoted **x**", "> quoted *x*"),
        ("---", "———"),
        ("[site](https://a.b/c?d=1&e=2)", "<https://a.b/c?d=1&amp;e=2|site>"),
        ("[wiki](https://a.b/c_(d))", "<https://a.b/c_(d)|wiki>"),
        ("[**x**](https://a.b 'no')", "[*x*](https://a.b 'no')"),
        ('[x](https://a.b "title")', "<https://a.b|x>"),
        ("![chart](https://a.b/c.png)", "<https://a.b/c.png|chart>"),
        ("[here](javascript:x)", "[here](javascript:x)"),
        ("<https://a.b>", "<https://a.b>"),
        ("https://a.b/c_d_e*f*?a=1&b=2", "https://a.b/c_d_e*f*?a=1&amp;b=2"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("`a < **b**`", "`a &lt; **b**`"),
        ("``a ` b``", "`a ` b`"),
        ("2 * 3 * 4 and 2*3*4", "2 * 3 * 4 and 2*3*4"),
        ("snake_case_name", "snake_case_name"),
        (r"\*not slanted\*", "*not slanted*"),
        ("<@U1> <#C1|x>", "&lt;@U1&gt; &lt;#C1|x&gt;"),
        ("这是**重点**内容", f"这是{BREAK}*重点*{BREAK}内容"),
        ("**注意：**请看", f"*注意：*{BREAK}请看"),
        ("你好，**世界**。", f"你好，{BREAK}*世界*{BREAK}。"),
        ("```py\nif a < b: **x**\n```", "```\nif a &lt; b: **x**\n```"),
        ("~~~\nx\n~~~\nend", "```\nx\n```\nend"),
        ("a\n```\nx\n```\n**b**", "a\n```\nx\n```\n*b*"),
        ("```\n# not a title\n- not a list\n```", "```\n# not a title\n- not a list\n```"),
        ("```\nunclosed", "```\nunclosed\n```"),
    ],
)
def test_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


def test_a_table_becomes_a_code_block_with_columns() -> None:
    table = "| 名字 | Age |\n|---|---:|\n| 小明 | **3** |\n| Ana | 10 < 11 |\nafter"
    assert to_mrkdwn(table) == (
        "```\n名字  Age\n----  -------\n小明  3\nAna   10 &lt; 11\n```\nafter"
    )


def test_a_table_with_ragged_rows_and_bars_in_cells() -> None:
    table = "a | b\n--|--\n1 | x\\|y | 3\n2 |"
    assert to_mrkdwn(table) == "```\na  b\n-  ---  -\n1  x|y  3\n2\n```"


def test_a_line_with_a_bar_is_no_table() -> None:
    assert to_mrkdwn("a | b\nc | d") == "a | b\nc | d"


@given(st.text(alphabet="<>&!@#|*_~`[]()\\ \nabhere字-:1.https/", max_size=200))
def test_nothing_in_mrkdwn_is_a_ping_or_an_unknown_token(markdown: str) -> None:
    shown = to_mrkdwn(markdown)
    for token in re.findall(r"<([^>]*)", shown):
        assert token.startswith(("http://", "https://", "mailto:"))
    assert not re.search(r"@(here|channel|everyone)", shown)
