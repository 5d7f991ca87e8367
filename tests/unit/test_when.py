"""Time words of a question as ranges: English and Chinese, and what is no time at all."""

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.when import LONGEST, Span, span

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 3, 13, 15, 30, tzinfo=SHANGHAI)  # a Wednesday
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
ANY_DAY = st.datetimes(timezones=st.just(UTC))
PIECES = (
    "last this next on in from to between and may May march 5 31 2023 9999 week month year Monday"
    " summer ago three half a few days yesterday night early the 上 下 这 周 一 五 个 月 日 号 年"
    " 去 前 昨 晚 三 天 半 几 到 最近 底 2月 30日 12 以来 之前"
)


def seen(question: str, now: datetime = NOW) -> tuple[str, str] | None:
    """The days from and to which a question is about, with hours where they are not midnight."""
    found = span(question, now)
    return None if found is None else (shown(found.start), shown(found.end))


def shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("today", "2024-03-13", "2024-03-14"),
        ("What did I say yesterday?", "2024-03-12", "2024-03-13"),
        ("the day before yesterday", "2024-03-11", "2024-03-12"),
        ("this morning", "2024-03-13 04:00", "2024-03-13 12:00"),
        ("yesterday afternoon's call", "2024-03-12 12:00", "2024-03-12 18:00"),
        ("What was it last night", "2024-03-12 17:00", "2024-03-13 05:00"),
        ("this week", "2024-03-11", "2024-03-18"),
        ("last week's meeting", "2024-03-04", "2024-03-11"),
        ("the week before last", "2024-02-26", "2024-03-04"),
        ("last weekend", "2024-03-09", "2024-03-11"),
        ("over the weekend", "2024-03-09", "2024-03-11"),
        ("this month", "2024-03-01", "2024-04-01"),
        ("last month", "2024-02-01", "2024-03-01"),
        ("the month before last", "2024-01-01", "2024-02-01"),
        ("this year", "2024-01-01", "2025-01-01"),
        ("last year", "2023-01-01", "2024-01-01"),
        ("on Monday", "2024-03-11", "2024-03-12"),
        ("on wednesday", "2024-03-06", "2024-03-07"),
        ("What did Bob say Friday?", "2024-03-08", "2024-03-09"),
        ("last Monday", "2024-03-11", "2024-03-12"),
        ("this Tuesday", "2024-03-12", "2024-03-13"),
        ("Monday last week", "2024-03-04", "2024-03-05"),
        ("last Friday night", "2024-03-08 17:00", "2024-03-09 05:00"),
        ("2 hours ago", "2024-03-13 12:30", "2024-03-13 14:30"),
        ("3 days ago", "2024-03-10", "2024-03-11"),
        ("10 days ago", "2024-03-02", "2024-03-05"),
        ("a couple of days ago", "2024-03-10", "2024-03-13"),
        ("two weeks ago", "2024-02-25", "2024-03-03"),
        ("a month ago", "2024-01-29", "2024-02-29"),
        ("half a year ago", "2023-07-29", "2023-10-29"),
        ("a year ago", "2022-09-11", "2023-09-13"),
        ("the past week", "2024-03-06", "2024-03-13 15:30"),
        ("in the last two months", "2024-01-13", "2024-03-13 15:30"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("May, 2023", "2023-05-01", "2023-06-01"),
        ("in May", "2023-05-01", "2023-06-01"),
        ("in may", "2023-05-01", "2023-06-01"),
        ("in March", "2024-03-01", "2024-04-01"),
        ("last March", "2023-03-01", "2023-04-01"),
        ("May 5", "2023-05-05", "2023-05-06"),
        ("on may 5 in the office", "2023-05-05", "2023-05-06"),
        ("May 5th, 2023", "2023-05-05", "2023-05-06"),
        ("May 5-7, 2023", "2023-05-05", "2023-05-08"),
        ("5 May 2023", "2023-05-05", "2023-05-06"),
        ("the 5th of May", "2023-05-05", "2023-05-06"),
        ("Feb. 29, 2024", "2024-02-29", "2024-03-01"),
        ("2023-05-05", "2023-05-05", "2023-05-06"),
        ("2023.5.5", "2023-05-05", "2023-05-06"),
        ("2023/5", "2023-05-01", "2023-06-01"),
        ("in 2023", "2023-01-01", "2024-01-01"),
        ("in summer 2022", "2022-06-01", "2022-09-01"),
        ("the summer of 2022", "2022-06-01", "2022-09-01"),
        ("last summer", "2023-06-01", "2023-09-01"),
        ("winter 2022", "2022-12-01", "2023-03-01"),
        ("early May 2023", "2023-05-01", "2023-05-11"),
        ("at the end of last year", "2023-09-01", "2024-01-01"),
        ("since last week", "2024-03-04", "2024-03-13 15:30"),
        ("after 5 May 2023", "2023-05-06", "2024-03-13 15:30"),
        ("before 2023", "1970-01-01", "2023-01-01"),
        ("recently", "2024-02-28", "2024-03-13 15:30"),
        ("the other day", "2024-03-06", "2024-03-13"),
    ],
)
def test_english(question: str, start: str, end: str) -> None:
    assert seen(question) == (start, end)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("今天", "2024-03-13", "2024-03-14"),
        ("昨天我说了什么", "2024-03-12", "2024-03-13"),
        ("前天", "2024-03-11", "2024-03-12"),
        ("大前天", "2024-03-10", "2024-03-11"),
        ("今早", "2024-03-13 04:00", "2024-03-13 12:00"),
        ("昨晚", "2024-03-12 17:00", "2024-03-13 05:00"),
        ("昨天晚上说的", "2024-03-12 17:00", "2024-03-13 05:00"),
        ("昨天早餐吃了什么", "2024-03-12", "2024-03-13"),
        ("这周", "2024-03-11", "2024-03-18"),
        ("本周", "2024-03-11", "2024-03-18"),
        ("上周讨论了什么", "2024-03-04", "2024-03-11"),
        ("上个星期", "2024-03-04", "2024-03-11"),
        ("上上周", "2024-02-26", "2024-03-04"),
        ("上周一直在加班", "2024-03-04", "2024-03-11"),
        ("上周三个人去了", "2024-03-04", "2024-03-11"),
        ("上周五", "2024-03-08", "2024-03-09"),
        ("上个星期五下午", "2024-03-08 12:00", "2024-03-08 18:00"),
        ("上周末", "2024-03-09", "2024-03-11"),
        ("周三", "2024-03-06", "2024-03-07"),
        ("星期天", "2024-03-10", "2024-03-11"),
        ("这个月", "2024-03-01", "2024-04-01"),
        ("上个月", "2024-02-01", "2024-03-01"),
        ("上上个月", "2024-01-01", "2024-02-01"),
        ("上个月5号", "2024-02-05", "2024-02-06"),
        ("上个月底", "2024-02-20", "2024-03-01"),
        ("今年", "2024-01-01", "2025-01-01"),
        ("去年", "2023-01-01", "2024-01-01"),
        ("前年", "2022-01-01", "2023-01-01"),
        ("今年年初", "2024-01-01", "2024-05-02"),
        ("去年底", "2023-09-01", "2024-01-01"),
        ("三天前", "2024-03-10", "2024-03-11"),
        ("两三天前", "2024-03-10", "2024-03-12"),
        ("几天前", "2024-03-06", "2024-03-12"),
        ("两周前", "2024-02-25", "2024-03-03"),
        ("三个月以前", "2023-11-28", "2023-12-29"),
        ("半年前", "2023-07-29", "2023-10-29"),
        ("十年前", "2013-09-11", "2014-09-13"),
        ("2023年5月", "2023-05-01", "2023-06-01"),
        ("２０２３年５月３日", "2023-05-03", "2023-05-04"),
        ("23年5月", "2023-05-01", "2023-06-01"),
        ("二〇二二年十二月", "2022-12-01", "2023-01-01"),
        ("5月3号", "2023-05-03", "2023-05-04"),
        ("二月二十九日", "2024-02-29", "2024-03-01"),
        ("5月3日到7日", "2023-05-03", "2023-05-08"),
        ("五月", "2023-05-01", "2023-06-01"),
        ("去年五月", "2023-05-01", "2023-06-01"),
        ("2023年", "2023-01-01", "2024-01-01"),
        ("2023年13月", "2023-01-01", "2024-01-01"),
        ("去年夏天", "2023-06-01", "2023-09-01"),
        ("2023年下半年", "2023-07-01", "2024-01-01"),
        ("去年5月以来", "2023-05-01", "2024-03-13 15:30"),
        ("2023年之前", "1970-01-01", "2023-01-01"),
        ("最近在忙什么", "2024-02-28", "2024-03-13 15:30"),
        ("最近三天", "2024-03-10", "2024-03-13 15:30"),
        ("近一周", "2024-03-06", "2024-03-13 15:30"),
        ("过去两年", "2022-03-13", "2024-03-13 15:30"),
        ("前几天", "2024-03-06", "2024-03-13"),
        ("前阵子", "2024-01-13", "2024-03-08"),
        ("我last week说的", "2024-03-04", "2024-03-11"),
    ],
)
def test_chinese(question: str, start: str, end: str) -> None:
    assert seen(question) == (start, end)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("between May 5 and May 9", "2023-05-05", "2023-05-10"),
        ("between 2021 and 2022", "2021-01-01", "2023-01-01"),
        ("from May to July", "2023-05-01", "2023-08-01"),
        ("from Nov 2022 to January", "2022-11-01", "2023-02-01"),
        ("from May to July 2022", "2022-05-01", "2022-08-01"),
        ("from Monday to Friday", "2024-03-04", "2024-03-09"),
        ("2023-05-05 - 2023-06-01", "2023-05-05", "2023-06-02"),
        ("从5月到7月", "2023-05-01", "2023-08-01"),
        ("2022年11月到1月", "2022-11-01", "2023-02-01"),
        ("从上周一到昨天", "2024-03-04", "2024-03-13"),
        ("from July 2023 to May 2023", "2023-05-01", "2023-08-01"),
    ],
)
def test_from_one_to_another(question: str, start: str, end: str) -> None:
    assert seen(question) == (start, end)


@pytest.mark.parametrize(
    "question",
    [
        "", "may I ask", "May I?", "you may 5 times", "Did May call?", "April said it",
        "a letter from April", "we march 5 miles", "march on", "a second", "the 90s",
        "in the 1990s", "the sun", "my mar", "next week", "next Monday", "every Monday",
        "on Mondays", "the Monday meeting", "tomorrow", "this summer", "in 2031", "2023",
        "the 2021 and 2022 budgets", "version 3.11.2", "1.2023.5", "what is due next May 5?",
        "一周年", "一周一次", "每周三", "每年5月", "下周", "下周五", "明年5月", "明天", "90年代",
        "1990年代", "三年级", "五月天的歌", "以前天天跑步", "日本月饼", "离我家最近的地铁站",
        "最近的地铁站", "三个月", "张伟的laptop型号", "0000-00-00", "2023-02-31", "2023年2月30日",
        "9999-12-31", "9999 years ago", "in year 0000", "1234 months ago", "二〇九九年",
        "9" * 100, "9" * 100 + " days ago", "in " + "2" * 100, "一" * 100 + "天前",
    ],
)  # fmt: skip
def test_what_is_no_time(question: str) -> None:
    assert span(question, NOW) is None


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What did I say in May 2023?", "in May 2023"),
        ("Who came over the weekend, Ann?", "the weekend"),
        ("What happened between May 5 and 9 June 2023 here?", "between May 5 and 9 June 2023"),
        ("our talk since early may", "since early may"),
        ("我２０２３年５月说了什么", "２０２３年５月"),
        ("你还记得上周五晚上的事吗", "上周五晚上"),
        ("May I ask what I said on May 5th?", "on May 5th"),
        ("next week or last week", "last week"),
    ],
)
def test_the_words_that_name_it(question: str, text: str) -> None:
    found = span(question, NOW)
    assert found is not None
    assert found.text == text


def test_days_begin_in_the_zone_of_now() -> None:
    late = datetime(2024, 3, 13, 17, tzinfo=UTC)  # it is Thursday in Shanghai
    here = span("yesterday", late.astimezone(SHANGHAI))
    assert here is not None
    assert here.start == datetime(2024, 3, 12, 16, tzinfo=UTC)
    assert here.start.tzinfo is SHANGHAI
    assert seen("yesterday", late) == ("2024-03-12", "2024-03-13")


@pytest.mark.parametrize(
    ("now", "hours"),
    [  # the days after the change
        (datetime(2024, 4, 1, 12, tzinfo=BERLIN), 23),
        (datetime(2024, 10, 28, 12, tzinfo=BERLIN), 25),
    ],
)
def test_a_day_on_which_clocks_change(now: datetime, hours: int) -> None:
    found = span("yesterday", now)
    assert found is not None
    lasted = found.end.astimezone(UTC) - found.start.astimezone(UTC)
    assert lasted == timedelta(hours=hours)


@pytest.mark.parametrize("day", range(28))
def test_a_weekday_is_one_of_the_past_seven(day: int) -> None:
    now = NOW + timedelta(days=day)
    for name, chinese in zip(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "一二三四五六日",
        strict=True,
    ):
        found = span(f"on {name}", now)
        assert found is not None
        assert found.start.strftime("%A") == name
        assert timedelta() < now.date() - found.start.date() <= timedelta(days=7)
        assert seen(f"星期{chinese}", now) == seen(f"on {name}", now)


def check(question: str, now: datetime, found: Span | None) -> None:
    if found is not None:
        assert found.start <= now
        assert found.start < found.end
        assert found.start.tzinfo is found.end.tzinfo is now.tzinfo
        assert found.text
        assert found.text in question
        found.start.astimezone(UTC)


@given(ANY_TEXT, ANY_DAY)
def test_no_text_breaks_it(question: str, now: datetime) -> None:
    check(question, now, span(question, now))


@given(st.lists(st.sampled_from(PIECES.split()), max_size=9), ANY_DAY)
def test_no_pieces_of_time_break_it(pieces: list[str], now: datetime) -> None:
    for question in (" ".join(pieces), "".join(pieces)):
        check(question, now, span(question, now))


@pytest.mark.parametrize("hours", [-12, 14])
def test_the_ends_of_the_calendar(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    for now in (datetime.min.replace(tzinfo=zone), datetime.max.replace(tzinfo=zone)):
        for question in ("yesterday", "last year", "this week", "in the past year", "before 2000"):
            check(question, now, span(question, now))


@pytest.mark.parametrize(
    "piece",
    [
        "1", " ", "last ", "last" + " " * 50, "上", "may ", "二", "十", "2023-", "the ", "in 9999 ",
        "3多天", "half a ", "from may and ", "Feb 31 2023 ", "2099年 ", "5月3日到", "ü", "\ud800",
        "\x00", "between ", "mid-", "early ", "上个", "2023年13月到", "on Monday x ", "1st of ",
    ],
)  # fmt: skip
def test_long_questions_are_quick(piece: str) -> None:
    question = piece * (100_000 // len(piece))
    start = time.process_time()
    span(question, NOW)
    assert time.process_time() - start < 0.5
    assert span(" " * LONGEST + "yesterday", NOW) is None


def test_an_ordinary_question_is_quicker_than_a_fifth_of_a_millisecond() -> None:
    question = "What did Caroline tell me about the support group that she went to last week?"
    spent = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(100):
            assert span(question, NOW) is not None
        spent.append(time.process_time() - start)
    assert min(spent) < 0.02
