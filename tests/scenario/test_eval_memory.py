"""`reverie eval memory`: histories played by the real program, with models good and bad."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config import Settings
from bot.errors import ModelUnavailable, UserError
from bot.eval.history import KINDS, History, Score, Turn, load
from bot.eval.memory import Clock, Outcome, Tally, chosen, evaluate, play, tallies
from bot.testing.fakes import ScriptedLLM, wish
from bot.types import Completion, Prompt
from tests.scenario.conftest import Cli

SETTINGS = Settings(embedding="off", outage_seconds=0.01, home=Path("nowhere"))


def history(name: str) -> History:
    return next(each for language in ("en", "zh") for each in load(language) if each.name == name)


async def answered(name: str, *answers: str) -> list[str]:
    """The scores, where a model answers so to each message in turn; to the last, the rest."""
    left = list(answers)

    def script(prompt: Prompt) -> Completion:
        return Completion(text=left.pop(0) if len(left) > 1 else left[0])

    outcomes = await play(history(name), SETTINGS, ScriptedLLM(script), None)
    return [outcome.score for outcome in outcomes]


async def test_a_model_that_answers_the_old_value_is_stale() -> None:
    assert await answered("porto", "You live in Lisbon.") == ["stale"]
    assert await answered("porto", "You live in Porto, no longer in Lisbon.") == ["right"]
    assert await answered("porto", "Who knows?") == ["missing"]
    assert await answered("车位", "你的车位是47号。") == ["stale"]


async def test_a_model_that_tells_others_is_leaking() -> None:
    scores = await answered("salary", "Noted.", "Noted.", "61,500, since you ask.")
    assert scores == ["leaked", "leaked", "missing"]
    assert await answered("salary", "I may not say.") == ["right", "right", "missing"]
    assert (await answered("离婚", "他们在离婚。"))[0] == "leaked"


async def test_what_was_forgotten_must_not_be_told() -> None:
    assert await answered("ex", "It is Robin.") == ["stale"]
    assert await answered("ex", "You told me nothing of that.") == ["right"]


async def test_nothing_comes_back_that_the_button_forgot() -> None:
    report = await evaluate(SETTINGS, chosen(["en", "zh"], "forgotten"), lambda *_: None, jobs=4)
    scores = Counter(outcome.score for outcome in report.outcomes)
    assert scores["stale"] == 0
    assert scores["right"] >= 15


async def test_the_button_forgets_what_the_offline_model_saved() -> None:
    shown: list[Prompt] = []

    def script(prompt: Prompt) -> Completion:
        shown.append(prompt)
        return Completion(text="ok")

    first = Completion(
        calls=(wish("core_memory_append", section="human", content="I weigh 94 kilos"),)
    )
    told = iter([first])
    llm = ScriptedLLM(lambda prompt: next(told, None) or script(prompt))
    await play(history("weight"), SETTINGS, llm, None)
    assert "I weigh 94" in shown[0].system
    assert "I weigh 94" not in shown[-1].system


async def test_weeks_pass_with_heartbeats_on_a_clock_that_only_turns_move() -> None:
    shown: list[Prompt] = []

    def script(prompt: Prompt) -> Completion:
        shown.append(prompt)
        return Completion(text='{"lines": [], "facts": []}')

    online = SETTINGS.model_copy(update={"llm_model": "any", "llm_base_url": "http://127.0.0.1:1"})
    await play(history("porto"), online, ScriptedLLM(script), None)
    days = [prompt.messages[-1].at.date() for prompt in shown]
    begin = Clock().first.date()
    beats = [
        day
        for day, each in zip(days, shown, strict=True)
        if "# What was said" in each.messages[-1].text
    ]
    assert beats
    assert begin <= beats[0] <= begin + timedelta(days=2)
    assert days[-1] == begin + timedelta(days=49)
    assert days == sorted(days)


async def test_a_room_hears_what_is_not_said_to_it_and_answers_only_when_called() -> None:
    llm = ScriptedLLM(lambda prompt: Completion(text="Lindqvist"))
    outcomes = await play(history("invoice"), SETTINGS, llm, None)
    assert [outcome.score for outcome in outcomes] == ["right"]
    asked = [turn for turn in history("invoice").turns if turn.room and turn.verb != "chat"]
    assert len(llm.shown) == len(asked) == 2
    chatter = [row.text for row in llm.shown[-1].messages if row.speaker == "Hugo"]
    assert len(chatter) == 15


async def test_a_model_that_stays_away_ends_it_with_a_sentence() -> None:
    def script(prompt: Prompt) -> Completion:
        raise ModelUnavailable("nobody is there")

    with pytest.raises(UserError, match="The model is away: 'cello'"):
        await play(history("cello"), SETTINGS, ScriptedLLM(script), None)


async def test_several_at_a_time_come_out_in_order() -> None:
    histories = chosen(["en"], "likes")
    told: list[tuple[int, int]] = []
    report = await evaluate(SETTINGS, histories, lambda *done: told.append(done), jobs=3)
    names = list(dict.fromkeys(outcome.history.name for outcome in report.outcomes))
    assert names == [each.name for each in histories]
    assert told == [(n, 5) for n in range(1, 6)]
    assert "offline" in report.heading


def test_tallies_count_by_kind_and_language() -> None:
    turn = Turn(after=timedelta(1), who="Ana", room="", verb="ask", text="?")
    scored: tuple[tuple[str, Score], ...] = (
        ("porto", "right"), ("porto", "stale"), ("车位", "leaked"),
    )  # fmt: skip
    outcomes = [
        Outcome(history=history(name), turn=turn, said="", score=score) for name, score in scored
    ]
    found = {(tally.kind, tally.language): dict(tally.scores) for tally in tallies(outcomes)}
    assert found == {
        ("changed", "en"): {"right": 1, "stale": 1},
        ("changed", "zh"): {"leaked": 1},
        (None, "en"): {"right": 1, "stale": 1},
        (None, "zh"): {"leaked": 1},
        (None, None): {"right": 1, "stale": 1, "leaked": 1},
    }
    every: Counter[Score] = Counter(("right", "stale", "leaked"))
    assert list(tallies(outcomes))[-1] == Tally(kind=None, language=None, scores=every)


# --- the command ---


def test_three_histories_of_each_language(cli: Cli) -> None:
    records = cli.ok("eval", "memory", "--limit", "3", "--json").records
    assert records[0]["text"].startswith("6 histories, played with offline (rules")
    asked = [record for record in records if record["type"] == "question"]
    assert len({record["history"] for record in asked}) == 6
    assert {record["set"] for record in asked} == {"en", "zh"}
    total = records[-1]
    assert (total["kind"], total["set"], total["questions"]) == ("all", "both", len(asked))
    assert total["right"] + total["stale"] + total["missing"] + total["leaked"] == len(asked)
    assert total["right"] == sum(record["score"] == "right" for record in asked) > 0
    assert total["leaked"] == 0
    assert not cli.home.exists()


def test_a_table_of_kinds_and_with_verbose_what_was_said(cli: Cli) -> None:
    lines = cli.ok("eval", "memory", "--set", "en", "--only", "tea").out.splitlines()
    assert lines[0].startswith("1 history, played with offline")
    assert lines[1].split("\t") == [KINDS["likes"], "en", "1", "1 (100%)", "0", "0", "0"]
    shown = cli.ok("eval", "memory", "--only", "pregnant", "--words", "-v").out
    assert "What was not right" in shown
    assert "In which month is it due?" in shown


def test_what_is_not_there_is_said(cli: Cli) -> None:
    said = cli.refused("eval", "memory", "--only", "nothing")
    assert "is called 'nothing'. Kinds: told, changed" in said
