"""`reverie eval retrieval`: questions about a talk, asked of the real search, and scored."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.errors import UserError
from bot.eval.dialogue import load
from bot.eval.retrieval import METHODS, WITH_VECTORS, bench, summed
from bot.eval.scores import MEASURES, mean, score
from memory.embed.hashing import HashingEmbedder
from tests.scenario.conftest import ROOT, Cli

TALK = {
    "speaker_a": "Ana",
    "speaker_b": "Bo",
    "session_1_date_time": "1:56 pm on 8 May, 2023",
    "session_1": [
        {"speaker": "Ana", "dia_id": "D1:1", "text": "Do you have any pets, Bo?"},
        {"speaker": "Bo", "dia_id": "D1:2", "text": "A tortoise called Zeno."},
        {"speaker": "Ana", "dia_id": "D1:3", "text": "Look!", "blip_caption": "a red kite"},
    ],
    "session_2_date_time": "9:05 am on 3 June, 2023",
    "session_2": [
        {"speaker": "Bo", "dia_id": "D2:1", "text": "I learn the cello now."},
        {"speaker": "Ana", "dia_id": "D2:2", "text": "That sounds hard."},
    ],
    "qa": [
        {"question": "Which pets does Bo have?", "evidence": ["D1:1", "D1:2"], "category": 4},
        {"question": "Who has a kite?", "evidence": ["D1:3; D9:9"], "category": 1},
        {"question": "What does Bo learn in June?", "evidence": ["D2:1"], "category": 2},
        {"question": "What is nowhere?", "evidence": ["D7:1"], "category": 3},
        {"question": "Does Ana play golf?", "evidence": ["D1:1"], "category": 5},
    ],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "talk.json").write_text(json.dumps(TALK), encoding="utf-8")
    return folder


def test_a_talk_is_read(data: Path) -> None:
    (talk,) = load(data)
    assert [turn.id for turn in talk.turns] == ["D1:1", "D1:2", "D1:3", "D2:1", "D2:2"]
    assert talk.turns[2].text == "Look! [image: a red kite]"
    assert [turn.session for turn in talk.turns] == [1, 1, 1, 2, 2]
    assert f"{talk.turns[3].at:%Y-%m-%d %H:%M}" == "2023-06-03 09:05"
    assert [question.evidence for question in talk.questions] == [
        {"D1:1", "D1:2"}, {"D1:3"}, {"D2:1"},
    ]  # fmt: skip
    assert [question.category for question in talk.questions] == [
        "single-hop", "multi-hop", "temporal",
    ]  # fmt: skip


def test_talks_are_read_as_they_are_published(tmp_path: Path) -> None:
    talk = {key: value for key, value in TALK.items() if key != "qa"}
    samples = [{"sample_id": f"conv-{n}", "conversation": talk, "qa": TALK["qa"]} for n in (1, 2)]
    (tmp_path / "locomo10.json").write_text(json.dumps(samples), encoding="utf-8")
    assert [(each.name, len(each.turns), len(each.questions)) for each in load(tmp_path)] == [
        ("conv-1", 5, 3), ("conv-2", 5, 3),
    ]  # fmt: skip


def test_our_set_is_read_in_both_languages() -> None:
    own, english = load(ROOT / "benchmarks" / "data")
    assert len(own.turns) == len(english.turns) >= 300
    assert len(own.questions) == len(english.questions) >= 150
    assert own.questions[0].evidence == english.questions[0].evidence
    assert not own.questions[0].text.isascii()
    assert english.questions[0].text.isascii()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no dialogue"), ("5", "no dialogue"), ("{", "is no dialogue"),
        ('{"qa": 5}', "is no dialogue"), ('{"qa": []}', "no question whose evidence"),
        ('[{"sample_id": 1}]', "is no dialogue"), ("[" * 100_000, "nested too deep"),
        ('{"facts": [{"id": "a", "speaker": "A", "text": 5}], "questions":'
         ' [{"question": "?", "evidence": ["a"]}]}', "should be text"),
        ('{"facts": [{"id": "a", "speaker": "A", "text": "b"}], "questions":'
         ' [{"question": "?", "evidence": ["z"]}]}', "no question whose evidence"),
    ],
)  # fmt: skip
def test_what_is_no_talk_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load(tmp_path)


@pytest.mark.parametrize(
    ("found", "values"),
    [
        (["a", "b"], (0.5, 1, 1, 1, 1, 1, 1, 1)),
        (["x", "a"], (0, 0.5, 0.5, 0.5, 0.6309 / 1.6309, 0.5, 1, 1)),
        (["x"] * 10 + ["b"], (0, 0, 0, 0.5, 0, 1 / 11, 0, 1)),
        ([], (0, 0, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_scores(found: Sequence[str], values: Sequence[float]) -> None:
    sessions = [1 if each in "ab" else 2 for each in found]
    scored = score(found, sessions, {"a", "b"}, {1})
    assert dict(zip(MEASURES, scored, strict=True)) == pytest.approx(
        dict(zip(MEASURES, values, strict=True)), abs=1e-4
    )


def test_only_five_sessions_count() -> None:
    found, sessions = ["x", "x", "y", "z", "v", "w", "a"], [1, 1, 2, 3, 4, 5, 6]
    assert score(found, sessions, {"a"}, {6})[-1] == 0
    assert score(found[1:], [*sessions[2:], 6], {"a"}, {6})[-1] == 1


def test_a_mean_has_an_interval() -> None:
    middle, half = mean([0, 1] * 50)
    assert middle == 0.5
    assert half == pytest.approx(1.96 * 0.0502519, rel=1e-3)
    assert mean([1.0]) == (1.0, 0.0)


async def test_every_method_answers_every_question(data: Path) -> None:
    dialogues = load(data)
    got: dict[str, dict[str, tuple[float, float]]] = {}
    async with bench(HashingEmbedder(256)) as made:
        await made.fill(dialogues, lambda done, total: None)
        for method in METHODS:
            scored = await made.run(dialogues[0], method)
            assert len(scored) == 3
            got[method] = summed(scored)["all"]
    assert got["ours"]["R@5"][0] == 1.0
    assert got["ours"]["MRR"][0] == 1.0
    assert got["substring"]["R@20"][0] == 0.0
    assert got["ours"]["nDCG@10"][0] >= got["words only"]["nDCG@10"][0] > 0.5
    assert set(METHODS) > WITH_VECTORS


def test_the_command(cli: Cli, data: Path) -> None:
    records = cli.ok("eval", "retrieval", "--data", str(data), "--json").records
    assert {record["method"] for record in records} == set(METHODS) - WITH_VECTORS
    whole = next(r for r in records if (r["method"], r["category"]) == ("no meaning", "all"))
    assert whole["questions"] == 3
    assert {r["questions"] for r in records if r["category"] != "all"} == {1}
    assert whole["R@5"] == 1.0
    assert not cli.home.exists()
    table = cli.ok("eval", "retrieval", "--data", str(data), "--method", "words only").out
    assert table.startswith("3 questions")
    assert "single-hop" in table


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--data", "nowhere"), "cannot be read"),
        (("--data", "data", "--method", "magic"), "There is no method 'magic'. There are: ours"),
        (("--data", "data", "--method", "ours"), "There is no embedder"),
    ],
)
def test_what_cannot_be_measured_is_said(
    cli: Cli, data: Path, args: Sequence[str], said: str
) -> None:
    given = [str(data) if arg == "data" else arg for arg in args]
    assert said in cli.refused("eval", "retrieval", *given)
