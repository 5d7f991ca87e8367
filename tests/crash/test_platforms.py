"""The short form of the campaign on Slack and Discord; and that its judge is no pushover."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.judge import Asked, Place, Said, Verdict, judge
from tests.crash.platforms import Campaign, Wanted, campaign, echo, prepared
from tests.crash.sides import DiscordSide, Line, SlackSide

HALL, THREAD, OTHER = Place(channel="C1"), Place(channel="C1", thread="7"), Place(channel="C2")
ASKED = [
    Asked(word="q0001x", place=HALL),
    Asked(word="q0002x", place=HALL),
    Asked(word="q0003x", place=THREAD),
    Asked(word="q0004x", place=OTHER),
    Asked(word="q0005x", place=HALL),
]


def said(*words: str, place: Place = HALL) -> Said:
    return Said(place=place, words=words)


ONE, TWO, FIVE = said("q0001x"), said("q0002x"), said("q0005x")
THREE, FOUR = said("q0003x", place=THREAD), said("q0004x", place=OTHER)


def verdict(
    answered: int = 5, *, lost: int = 0, doubled: int = 0, wordless: int = 0, **disordered: int
) -> Verdict:
    return Verdict(
        answered=answered, lost=lost, doubled=doubled, wordless=wordless, disordered=disordered
    )


@pytest.mark.parametrize(
    "answers",
    [
        (ONE, TWO, THREE, FOUR, FIVE),
        (FOUR, said("q0001x", "q0002x", "q0005x"), THREE),  # a burst is answered once
    ],
)
def test_what_is_right(answers: tuple[Said, ...]) -> None:
    assert judge(ASKED, answers) == verdict()


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ((ONE, THREE, FOUR, FIVE), verdict(4, lost=1)),
        ((ONE, TWO, THREE, said("q0004x"), FIVE), verdict(4, lost=1)),  # in another channel
        ((ONE, said("q0002x", place=THREAD), THREE, FOUR, FIVE), verdict(4, lost=1)),
        ((ONE, TWO, THREE, FOUR, FIVE, TWO), verdict(doubled=1)),
        ((said("q0001x", "q0001x"), TWO, THREE, FOUR, FIVE), verdict(doubled=1)),
        ((ONE, TWO, THREE, said("q0003x"), FOUR, FIVE), verdict(doubled=1)),
        ((TWO, ONE, THREE, FOUR, FIVE), verdict(C1=1)),
        ((said("q0002x", "q0001x"), THREE, FOUR, FIVE), verdict(C1=1)),
        ((THREE, ONE, TWO, FOUR, FIVE), verdict(C1=1)),  # a later thread was served before
        ((ONE, TWO, said(), THREE, FOUR, FIVE), verdict(wordless=1)),
        ((), verdict(0, lost=5)),
    ],
)
def test_what_is_wrong(answers: tuple[Said, ...], found: Verdict) -> None:
    assert judge(ASKED, answers) == found


def test_the_model_answers_every_question_of_a_turn_and_none_before() -> None:
    earlier = [{"role": "user", "content": "q0001x?"}, {"role": "assistant", "content": "q0001x"}]
    turn = [{"role": "user", "content": text} for text in ("说说q0002x吧", "and q0003x?")]
    answer = echo({"messages": [{"role": "system", "content": "q0009x"}, *earlier, *turn]})
    assert answer == {"role": "assistant", "content": "About q0002x, q0003x — 好的"}
    kept = {"role": "assistant", "content": None}
    told = {"role": "tool", "content": "q0007x was saved"}
    asked = [*earlier, {"role": "user", "content": "q0004x?"}]
    assert echo({"messages": asked})["content"] is None
    assert "q0004x —" in str(echo({"messages": [*asked, kept, told]})["content"])


async def test_nothing_is_lost_doubled_or_disordered(tmp_path: Path) -> None:
    wanted = Wanted(messages=44, people=4, rooms=2, kills=3, drops=4, seed=5)
    report = await campaign(wanted, tmp_path)
    assert report.passed, report
    assert (report.answered, report.kills, report.drops, report.lives) == (44, 3, 4, 4)
    assert report.redeliveries > 3 * 10


# --- a reply that cannot be sent before the end ---------------------------------------------------


def no_posts_on_slack(run: Campaign) -> Callable[[], bool]:
    [side] = run.sides
    assert isinstance(side, SlackSide)
    side.fake.fail("chat.postMessage", status=503, times=-1)
    return lambda: any(row.method == "chat.postMessage" for row in side.fake.requests)


def no_posts_on_discord(run: Campaign) -> Callable[[], bool]:
    [side] = run.sides
    assert isinstance(side, DiscordSide)
    side.fake.fail("POST /channels/{}/messages", status=503, times=1000)
    return lambda: bool(side.fake.requested("POST /channels/{}/messages"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("platform", "no_posts"), [("slack", no_posts_on_slack), ("discord", no_posts_on_discord)]
)
async def test_a_reply_that_was_left_goes_out_at_the_next_start(
    tmp_path: Path,
    platform: str,
    no_posts: Callable[[Campaign], Callable[[], bool]],
    number: signal.Signals,
) -> None:
    async with prepared(Wanted(platform=platform, people=1, rooms=1), tmp_path) as run:
        [side] = run.sides
        assert isinstance(side, SlackSide | DiscordSide)
        refused = no_posts(run)
        run.program.start()
        await side.online(True)
        await run.say(side, Line(kind="dm", person=0, room=0, text="q0000x 好吗?"))
        await run.say(side, Line(kind="room", person=0, room=0, text="and q0001x?"))
        await side.until(refused)
        await run.program.end(number)
        assert run.verdict().answered == 0
        side.fake.mend()
        run.program.start()
        await run.answered()
        await run.program.end(signal.SIGTERM)
        assert run.verdict() == verdict(2)
        assert run.program.left == 0
