"""`reverie chat` with a model server, by settings alone: talks, every fault there is, outages."""

import resource
import signal
import time
from collections.abc import Iterator

import pytest

from bot import phrases
from tests.scenario.conftest import Cli
from tests.scenario.talk import Record, Server, Talk, serving, talking

AWAY = phrases.SENTENCES["delayed"]  # in English, in Chinese
WORDLESS = phrases.SENTENCES["wordless"]
REFUSED = phrases.SENTENCES["rejected"]


@pytest.fixture(scope="module")
def only_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(only_server: Server) -> Iterator[Server]:
    """A server of tool calls, in good health."""
    yield only_server
    only_server.heal()


# --- talks ---

TALK = [  # what is said; what the answer has; whether it is a fact
    ("My name is Ana Lee", "Ana Lee", True),
    ("我最喜欢的颜色是绿色", "绿色", True),
    ("Hello there", "Hello there", False),
    ("What is my name?", "My name is Ana Lee", False),
    ("我喜欢什么颜色?", "我最喜欢的颜色是绿色", False),
    ("I work as a baker in Lyon, and I love “croissants”", "Lyon", True),
    ("我有两只猫,叫Tom和Jerry", "Tom和Jerry", True),
    ("Where do I work?", "I work as a baker in Lyon", False),
    ("我的猫叫什么?", "我有两只猫,叫Tom和Jerry", False),
    ("谢谢", "谢谢", False),
]


@pytest.mark.parametrize(
    ("speaks", "mode", "found"),
    [
        ("tools", "native", "(native)"),
        ("json", "native", "(native)"),
        ("tools", "json", "(json)"),
        ("tools", "auto", "mode native: "),
        ("text", "auto", "mode json: "),
    ],
)
def test_ten_turns_in_two_languages(cli: Cli, speaks: str, mode: str, found: str) -> None:
    with serving("--mode", speaks) as server:
        settings = server.settings(REVERIE_LLM_MODE=mode, REVERIE_LOG_LEVEL="INFO")
        with talking(cli, "--json", **settings) as talk:
            for said, answer, _ in TALK:
                assert answer in talk.ask(said)
            talk.tell("/memory")
            assert talk.end() == 0
    facts = [row for row in talk.records("fact") if row["block"] == "human"]
    assert [row["text"] for row in facts] == [said for said, _, fact in TALK if fact]
    assert all(row["source"]["text"] == row["text"] for row in facts)
    assert len(talk.records("reply")) == len(TALK)
    logged = talk.err.all()
    assert found in logged
    assert not [said for said, *_ in TALK if said in logged]  # nobody's words are in a log


# --- every fault there is ---

FAULTS = [  # what goes wrong; how often; what the person is told meanwhile
    ("malformed", 1, AWAY),
    ("no_choices", 1, AWAY),
    ("401", 1, ("REVERIE_LLM_API_KEY",) * 2),
    ("404", 1, ("REVERIE_LLM_MODEL",) * 2),
    ("429", 1, AWAY),
    ("500", 2, AWAY),
    ("503", 1, AWAY),
    ("drop", 1, AWAY),
    ("half", 1, AWAY),
    ("empty", 1, ()),
    ("unknown_tool", 1, ()),
    ("wrong_arguments", 1, ()),
    ("context", 1, ()),
    ("json_text", 1, ()),
    ("text_only", 1, ()),
    ("huge", 1, ()),
]


def answered(talk: Talk) -> list[str]:
    """The ids of what was answered, in order, as often as it was."""
    replies = [row for row in talk.records("reply") if not row["key"].startswith("delayed:")]
    return [event for row in replies for event in row["answers"]]


def until_answered(talk: Talk, said: Record) -> tuple[list[str], str]:
    """Say it: (what was told meanwhile, the answer)."""
    talk.tell(said)
    told = []
    while (reply := talk.record("reply"))["key"].startswith("delayed:"):
        assert reply["answers"] == [said["id"]]
        told.append(reply["text"])
    assert reply["answers"] == [said["id"]]
    assert len(reply["text"]) <= 100_000
    return told, reply["text"]


@pytest.mark.parametrize("mode", ["native", "json"])
def test_faults_are_told_and_outlived(cli: Cli, server: Server, mode: str) -> None:
    with talking(cli, "--json", **server.settings(REVERIE_LLM_MODE=mode)) as talk:
        for n, (kind, times, meanwhile) in enumerate(FAULTS):
            server.fail(kind, times)
            text = (f"I like {kind} a lot", f"我很喜欢 {kind}")[n % 2]
            told, answer = until_answered(talk, {"text": text, "id": f"{kind}_fault"})
            assert answer
            assert len(told) == bool(meanwhile)
            assert not told or meanwhile[n % 2] in told[0]
            server.heal()
            assert talk.ask({"text": "Hello there", "id": f"{kind}_after"}).endswith("Hello there")
        assert talk.end() == 0
    assert answered(talk) == [
        f"{fault[0]}_{when}" for fault in FAULTS for when in ("fault", "after")
    ]


@pytest.mark.parametrize("mode", ["native", "json"])
def test_a_model_that_never_comes_to_words(cli: Cli, server: Server, mode: str) -> None:
    with talking(cli, "--json", **server.settings(REVERIE_LLM_MODE=mode)) as talk:
        for n, kind in enumerate(("endless_tools", "unknown_tool", "wrong_arguments", "empty")):
            server.fail(kind, -1)
            assert talk.ask(("I like tea", "我喜欢茶")[n % 2]) == WORDLESS[n % 2]
            server.heal()
        assert "tea" in talk.ask("I like tea")
        assert talk.end() == 0


def test_a_request_that_is_refused_ends_with_a_sentence(cli: Cli, server: Server) -> None:
    with talking(cli, "--thoughts", **server.settings()) as talk:
        for n, text in enumerate(("I like tea", "我喜欢茶")):
            server.fail("400")
            talk.tell(text)
            talk.out.until(REFUSED[n])
            talk.err.until("~ The model refuses this request (400): This field is not supported.")
        talk.tell("I like tea")
        talk.out.until("I will remember: I like tea")
        assert talk.end() == 0


def test_an_endpoint_that_takes_its_time(cli: Cli, server: Server) -> None:
    with talking(cli, "--json", **server.settings(REVERIE_LLM_TIMEOUT="0.5")) as talk:
        server.fail("429", retry_after=0.4)
        began = time.monotonic()
        told, answer = until_answered(talk, {"text": "I like tea", "id": "tea"})
        assert time.monotonic() - began >= 0.4
        assert (told, answer) == ([AWAY[0]], "I will remember: I like tea")
        server.fail("hang")
        told, answer = until_answered(talk, {"text": "我喜欢茶", "id": "cha"})
        assert (told, answer) == ([AWAY[1]], "我会记住:我喜欢茶")
        talk.err.until("did not answer within 0.5 seconds")
        assert talk.end() == 0


# --- outages, and ends in the middle of a turn ---


def test_a_server_that_goes_down_and_comes_back(cli: Cli) -> None:
    ids = ["one", "two", "three"]
    with serving() as server, talking(cli, "--json", **server.settings()) as talk:
        assert talk.ask({"text": "Hello there", "id": "zero"})
        server.stop()
        for name in ids:
            talk.tell({"text": f"I like number {name}", "id": name})
            assert talk.record("accepted")["id"] == name
        talk.err.until("cannot be reached")
        talk.tell("/memory")  # what needs no model works meanwhile
        assert talk.record("fact")["block"] == "persona"
        talk.hang_up()
        server.start()
        assert talk.end(hang_up=False) == 0
    assert answered(talk) == ["zero", *ids]
    assert [row["text"] for row in talk.records("reply")].count(AWAY[0]) == 1


def test_what_an_outage_and_a_full_disk_leave_is_answered_by_the_next_process(cli: Cli) -> None:
    with serving() as server:
        server.stop()
        for name in ("one", "two"):
            with talking(cli, "--json", **server.settings()) as talk:
                talk.tell({"text": f"我喜欢数字{name}", "id": name}, "/agents")
                assert talk.record("accepted")["id"] == name
                talk.record("text")  # the next line is read, although there is no answer
                if hasattr(resource, "prlimit"):
                    talk.room(0)
                    talk.err.until("Check that the disk has room")
                    talk.room(resource.RLIM_INFINITY)
                talk.signal(signal.SIGTERM)
                assert talk.end(hang_up=False) == 3
            assert talk.record("error")["text"].endswith(
                "not answered yet: kept, and taken up the next time I run."
            )
            assert [row["text"] for row in talk.records("reply")] == [AWAY[1]][: name == "one"]
        server.start()
        with talking(cli, "--json", **server.settings()) as talk:
            assert "数字one" in talk.record("reply")["text"]
            assert talk.ask({"text": "Hello there", "id": "three"}) == "You said: Hello there"
            assert talk.end() == 0
    assert answered(talk) == ["one", "two", "three"]


def test_a_turn_gets_a_moment_to_end(cli: Cli) -> None:
    with serving("--latency", "300") as server, talking(cli, **server.settings()) as talk:
        talk.tell("我喜欢茶")
        talk.err.until("reverie: fake")
        talk.err.until("saved: human: + 我喜欢茶")  # the next request is on its way
        talk.signal(signal.SIGTERM)
        assert talk.end(hang_up=False) == 0
    assert talk.out.all() == "我会记住:我喜欢茶"
