"""Text to search terms: the same for English and Chinese, and safe for whatever comes in."""

import sqlite3
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.words import any_of, index_text, query_terms, query_words, sanitise, terms

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


def find(texts: list[str], question: str) -> list[int]:
    """Numbers of the texts that a question finds in a real FTS5 index, best first."""
    match = any_of(query_terms(question))
    if match is None:
        return []
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE w USING fts5(words, content='', tokenize='ascii')")
        rows = [(number, index_text(text)) for number, text in enumerate(texts)]
        db.executemany("INSERT INTO w(rowid, words) VALUES(?, ?)", rows)
        found = db.execute("SELECT rowid FROM w WHERE w MATCH ? ORDER BY bm25(w)", (match,))
        hits = [row[0] for row in found]
    db.close()
    return hits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World 42!", ["hello", "world", "42"]),
        ("我叫张三", ["我", "我叫", "叫", "叫张", "张", "张三", "三"]),
        ("学Python吧", ["学", "python", "吧"]),
        ("2024年5月", ["2024", "年", "5", "月"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("snake_case don't", ["snak", "cas", "don", "t"]),
        ("Größe ÅNGSTRÖM", ["gros", "angstrom"]),
        ("ひらカナ", ["ひ", "ひら", "ら", "らカ", "カ", "カナ", "ナ"]),
        ("が", ["が"]),
        ("한국", ["한", "한국", "국"]),
        ("Привет мир", ["привет", "мир"]),
        ("שלום", ["שלום"]),
        ("𠀀𠀁", ["𠀀", "𠀀𠀁", "𠀁"]),
        ("🦀 — … \x00 \ud800", []),
        ("", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("hike", "hikes", "hiked", "hiking"),
        ("study", "studies", "studied", "studying"),
        ("run", "runs", "running"),
        ("class", "classes"),
        ("go", "going"),
        ("paint", "painting", "paintings"),
        ("adopt", "adopted", "adopting"),
    ],
)
def test_english_forms_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({terms(form)[0] for form in forms}) == 1


@pytest.mark.parametrize("word", ["bus", "this", "news", "thing", "red", "sing", "python", "rust"])
def test_a_stem_keeps_something_of_the_word(word: str) -> None:
    assert len(terms(word)[0]) >= 3


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What is the name of Ana's dog?", ["nam", "ana", "dog"]),
        ("I didn't know what isn't there", ["know"]),
        ("你还记得我是做什么的吗?", ["是做", "做"]),
        (
            "请问张伟的laptop型号是什么",
            ["张", "张伟", "伟", "伟的", "laptop", "型", "型号", "号", "号是"],
        ),
        ("项目有多少人", ["项", "项目", "目", "人"]),
        ("张三是谁", ["张", "张三", "三", "三是"]),
        ("dog dog DOG dogs", ["dog"]),
    ],
)
def test_question_words_are_not_asked_for(question: str, asked: list[str]) -> None:
    assert query_terms(question) == asked


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "?!",
        "who is it",
        "WHO IS IT",
        "May I?",
        "don't",
        "你是谁",
        "的了吗",
        "为什么？",
        "多少",
        "什么时候",
        "你还记得吗",
        "🦀",
        "\x00",
    ],
)
def test_nothing_left_to_ask(question: str) -> None:
    assert any_of(query_terms(question)) is None


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What did Will say about May?", ["wil", "say", "may"]),
        ("Will's dog", ["wil", "dog"]),
        ("Will you come?", ["com"]),
        ("昨天Will来了吗", ["昨", "昨天", "天", "wil", "来", "来了"]),
        ("Who works in IT, in the US?", ["work", "it", "us"]),
        ("what will it tell us", []),
    ],
)
def test_names_that_look_like_stop_words_are_asked_for(question: str, asked: list[str]) -> None:
    assert query_terms(question) == asked


def test_such_names_are_found_and_the_words_are_not() -> None:
    texts = [
        "We will see it, they told us",
        "Will moved to IT",
        "It may rain",
        "May lives in the US",
    ]
    assert find(texts, "Where did Will go?") == [1]
    assert find(texts, "Who is with IT now?") == [1]
    assert find(texts, "Where does May live?") == [3]
    assert find(texts, "when was she in the US") == [3]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("הכלב שלי גר בבית-ספר", "איפה הכלב"),
        ("כלב קטן", "כֶּלֶב"),
        ("بيت كبير", "بَيْت"),
        ("मेरा कुत्ता हिन्दी समझता है", "हिन्दी"),
        ("ฉันชอบกินข้าวผัด", "ข้าวผัด"),
        ("東京でラーメンを食べた", "ラーメン"),
        ("저는 서울에 살아요", "서울"),
        ("她的MacBook坏了🦀", "macbook🦀"),
    ],
)
def test_other_scripts_are_found(text: str, question: str) -> None:
    assert find(["nothing of it 别的", text], question) == [1]


def test_each_term_of_a_question_knows_its_word() -> None:
    assert query_words("Where were Ana's puppies 去年?") == {
        "ana": "ana", "puppy": "puppies", "去": "去", "去年": "去年", "年": "年",
    }  # fmt: skip


def test_a_long_question_is_asked_in_part() -> None:
    assert len(query_terms(" ".join(f"word{n}" for n in range(1000)))) == 64
    assert len(query_terms("".join(chr(0x4E00 + n) for n in range(1000)))) == 64


def test_search_finds_both_languages() -> None:
    texts = [
        "我叫张三，是一名Python开发者",
        "I went hiking in the Alps",
        "今天天气很好",
        "café à Paris",
    ]
    assert find(texts, "谁是Python开发者？") == [0]
    assert find(texts, "Where did you hike?") == [1]
    assert find(texts, "天气怎么样") == [2]
    assert find(texts, "CAFE") == [3]
    assert find(texts, "volcano 火山") == []


def test_one_character_is_found_in_chinese() -> None:
    assert find(["他养了一只猫", "她有两条狗"], "猫") == [0]


@pytest.mark.parametrize(
    "hostile",
    [
        '"', "'", "a AND b", "NEAR(a b, 2)", "NOT", "words:secret", "a*", "^a", "(((", "{a b}:c",
        "a\x00b", "\ud83d", "‮abc‬", "-1 + 2", "'; DROP TABLE w;--", "OR OR OR", "张三\"*",
    ],
)  # fmt: skip
def test_no_input_is_taken_for_syntax(hostile: str) -> None:
    assert all(hit == 0 for hit in find([hostile], hostile))
    assert find(["unrelated"], hostile) == []


@given(ANY_TEXT)
def test_the_index_holds_exactly_our_terms(text: str) -> None:
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE w USING fts5(words, content='', tokenize='ascii')")
        db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(w, 'row')")
        db.execute("INSERT INTO w(rowid, words) VALUES(1, ?)", (index_text(text),))
        held = {row[0] for row in db.execute("SELECT term FROM v")}
        assert held == set(index_text(text).split()) <= set(terms(text))
    finally:
        db.close()


@given(ANY_TEXT)
def test_a_text_finds_itself(text: str) -> None:
    assert find([text], text) == ([0] if query_terms(text) else [])


@given(ANY_TEXT)
def test_composed_or_not_is_the_same(text: str) -> None:
    assert terms(unicodedata.normalize("NFC", text)) == terms(unicodedata.normalize("NFD", text))


@given(ANY_TEXT)
def test_sanitise(text: str) -> None:
    clean = sanitise(text)
    assert sanitise(clean) == clean
    clean.encode()
    kept = [c for c in text if unicodedata.category(c) not in ("Cc", "Cs") or c in "\n\t"]
    assert clean == "".join(kept)


def test_sanitise_keeps_what_people_write() -> None:
    text = "名前\t👩‍👩‍👧 e\u0301 \u202eרtl\u202c  two  spaces\n\ufeff\u00a0"
    assert sanitise(text) == text
    assert sanitise("a\x00b\x1b[31m\r\n\x85\ud800c") == "ab[31m\nc"


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown foxes were jumping. " * 30_000,
        "我叫张三，是一名开发者。" * 30_000,
        "a" * 1_000_000,
        "a" + "\u0316\u0301" * 250_000,
        ("a" + "\u0316\u0301" * 15) * 16_000,
        "\x00" * 1_000_000,
        "שלום עולם " * 55_000,
        '" OR ' * 200_000,
    ],
    ids=["english", "chinese", "one word", "marks", "marked", "nul", "hebrew", "operators"],
)
def test_a_megabyte_is_quick(text: str) -> None:
    start = time.process_time()
    index_text(text)
    any_of(query_terms(text))
    sanitise(text)
    assert time.process_time() - start < 1.0
