"""Misspelled words of a question: what they may stand for, and that nothing of others shows."""

import random
import time
from collections.abc import Mapping, Sequence

import pytest

from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.ports import Connection
from memory.search.spelling import LONGEST, alternatives, likeliest, mend, mendable
from memory.shelf import put_words
from memory.types import Viewer
from memory.words import terms

ANA, BO = ("ana", 1), ("bo", 2)  # agents and their numbers


async def write(
    database: SqliteDatabase, agent: tuple[str, int], texts: Sequence[str], audience: str = "room"
) -> None:
    """Passages of an agent, findable by their words."""

    def work(conn: Connection) -> None:
        last = conn.one("SELECT ifnull(max(seq), 0) AS n FROM passages WHERE agent_id = :a", a=name)
        assert last
        for seq, text in enumerate(texts, last["n"] + 1):
            conn.execute(
                "INSERT INTO passages(agent_id, seq, archive, text, at, audience, room, workspace,"
                " tags) VALUES(:agent, :seq, 'main', :text, 0, :audience, '', '', '[]')",
                agent=name,
                seq=seq,
                text=text,
                audience=audience,
            )
            put_words(conn, "passages", number, seq, text)

    name, number = agent
    await database.write(work)


async def mended(
    database: SqliteDatabase,
    question: str,
    agent: tuple[str, int] = ANA,
    viewer: Viewer | None = None,
) -> Mapping[str, str]:
    name, number = agent
    who = viewer or operator(name)
    return await database.read(lambda conn: mend(conn, "passages", number, who, question))


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("restaurant", "restaurnt"),
        ("restaurant", "restauraant"),
        ("restaurant", "restaurent"),
        ("restaurant", "restuarant"),
        ("restaurant", "erstaurant"),
        ("restaurant", "rrestaurant"),
        ("hotels", "htoel"),
        ("hotel", "hotle"),
        ("hotel", "hetel"),
        ("hiking", "hikign"),
        ("I went to the meeting", "meetign"),
        ("my friends", "frineds"),
        ("Café Größe", "groesse"),
        ("她的laptop是ThinkPad", "她的lapotp"),
        ("Caroline", "Carolyne"),
    ],
)
async def test_one_edit_is_mended(database: SqliteDatabase, written: str, asked: str) -> None:
    await write(database, ANA, [written])
    found = await mended(database, asked)
    assert set(found.values()) <= set(terms(written))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("restaurant", "restaurant"),  # nothing to mend
        ("restaurant", "restarnt"),  # two edits
        ("restaurant", "testaurant"),  # another first letter is another word
        ("cat", "cta"),  # too short
        ("room 4711", "4712"),  # another number is another number
        ("张伟住在上海", "章伟"),
        ("привет", "приветт"),
        ("a" * (LONGEST + 1), "a" * (LONGEST + 1) + "b"),
        ("restaurant", ""),
    ],
)
async def test_what_is_left_as_it_is(database: SqliteDatabase, written: str, asked: str) -> None:
    await write(database, ANA, [written])
    assert await mended(database, asked) == {}


async def test_the_likeliest_is_meant(database: SqliteDatabase) -> None:
    await write(database, ANA, ["the stack of stones", "a stick", "another stick", "kayaks"])
    assert await mended(database, "stuck in a kaiak") == {"stuck": "stick", "kaiak": "kayak"}


async def test_a_word_that_is_written_is_right(database: SqliteDatabase) -> None:
    await write(database, ANA, ["one stuck", *["a stick"] * 9])
    assert await mended(database, "stuck") == {}


async def test_words_of_other_agents_change_nothing(database: SqliteDatabase) -> None:
    await write(database, ANA, ["a stick"])
    before = [await mended(database, word) for word in ("stuck", "zebrra")]
    await write(database, BO, [*["stack", "stuck", "zebra", "zebrra"] * 30])
    assert [await mended(database, word) for word in ("stuck", "zebrra")] == before
    assert before == [{"stuck": "stick"}, {}]
    assert await mended(database, "zebrrab", BO) == {"zebrrab": "zebrra"}


async def test_words_that_the_viewer_may_not_see_change_nothing(database: SqliteDatabase) -> None:
    in_room = Viewer(agent="ana", kind="room", rooms=frozenset({"ana"}))
    await write(database, ANA, ["a stick"])
    await write(database, ANA, [*["stack", "stuck"] * 30, "zebra"], audience="person")
    assert await mended(database, "stuck zebrra", viewer=in_room) == {"stuck": "stick"}
    assert await mended(database, "stuck zebrra") == {"zebrra": "zebra"}


async def test_every_single_edit_of_a_word_is_found_among_thousands(
    database: SqliteDatabase,
) -> None:
    chance = random.Random(1)
    syllables = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r")]
    words = ["".join(chance.choices(syllables, k=3)) for _ in range(6000)]
    texts = [" ".join(words[i : i + 6]) for i in range(0, len(words), 6)]
    await write(database, ANA, [*texts, "xylophone wizard"])
    wrong = {"xylophon"[:i] + letter + "xylophon"[i:] for i in range(1, 9) for letter in "aqz"}
    wrong |= {
        "xylophon"[:i] + letter + "xylophon"[i + 1 :] for i in range(1, 8) for letter in "aqz"
    }
    wrong |= {"xylophon"[:i] + "xylophon"[i + 1 :] for i in range(1, 8)}
    for word in sorted(wrong):
        assert await mended(database, word) == {word: "xylophon"}

    def timed(conn: Connection) -> float:
        start = time.process_time()
        mend(conn, "passages", ANA[1], operator("ana"), "xylophn")
        return time.process_time() - start

    assert min([await database.read(timed) for _ in range(9)]) < 0.01  # about one is usual


@pytest.mark.parametrize("word", ["abcd", "x" * LONGEST])
def test_words_that_are_mended(word: str) -> None:
    assert mendable(word)


@pytest.mark.parametrize(
    "word", ["abc", "x" * (LONGEST + 1), "ab1cd", "größe", "日本語", "", '"a"b']
)
def test_words_that_are_not(word: str) -> None:
    assert not mendable(word)


def test_alternatives() -> None:
    found = alternatives("form")
    assert {"from", "frm", "forum", "farm", "ofrm", "orm"} <= found
    assert not {"worm", "xform", "forms", "foorms"} & found
    assert len(alternatives("x" * 9 + "y")) < 54 * 10 + 25
    assert "hik" in alternatives("hikin")  # of hiking


async def test_a_question_of_nothing_but_errors_is_mended_in_part(database: SqliteDatabase) -> None:
    words = [f"{a}{b}mbolat" for a in "bdfgk" for b in "aeiou"]
    await write(database, ANA, [" ".join(words)])
    found = await mended(database, " ".join(f"{word}x" for word in words))
    assert found == {f"{word}x": word for word in words[:8]}


def test_likeliest() -> None:
    assert likeliest("peopel", {"people": 1, "peopled": 9}) == "people"
    assert likeliest("suport", {"sport": 9, "support": 1}) == "support"
    assert likeliest("stuck", {"stack": 3, "stick": 3, "struck": 2}) == "stack"
