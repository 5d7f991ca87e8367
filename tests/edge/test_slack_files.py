"""Files and long answers of the real Slack adapter, against the fake."""

from typing import Any

import pytest

from adapters.base import Attachment, Event, FetchFailed, SendFailed
from adapters.slack import Slack
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import Listener, adapter, online, reply

LONG = "\n\n".join(f"{n}. 很长的回答 a long answer {'word ' * 150}" for n in range(30))


# ---- files


@pytest.mark.parametrize("http", [False, True])
async def test_files_come_with_messages(fake: FakeSlack, listener: Listener, http: bool) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=http) as slack:
        await ana.upload("#general", "笔记.txt", "喝茶".encode(), "<@bot> my notes")
        await ana.upload(None, "tea.png", b"\x89PNG")
        first, second = await listener.hears(2)
        await fake.settled()
        [notes], [image] = first.files, second.files
        assert await slack.fetch(notes, 100) == "喝茶".encode()
        assert await slack.fetch(image, 4) == b"\x89PNG"
    assert (notes.name, notes.kind, notes.size) == ("笔记.txt", "text/plain", 6)
    assert (first.text, first.mentioned, second.text) == ("my notes", True, "")
    assert (image.kind, image.name) == ("image/png", "tea.png")


async def test_the_mention_waits_for_the_message_with_its_files(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    fake.app.events.clear()
    said = await ana.upload("#general", "a.txt", b"abc", "<@bot> read")
    event = {**said, "event_ts": said["ts"]}
    mention = {name: event[name] for name in event if name not in ("files", "subtype")}
    async with online(fake, listener):
        fake.send_event({**mention, "type": "app_mention"})
        await fake.until(lambda: fake.deliveries[-1].attempts == 1)
        fake.send_event({**event, "channel_type": "channel"})
        await listener.hears()
        await fake.settled()
        lone = {**mention, "type": "app_mention", "ts": "99.1"}
        fake.send_event(lone)  # of a room that the bot may not read
        await listener.hears(2)
    assert [len(event.files) for event in listener.events] == [1, 0]


async def test_a_missing_scope_for_files_is_named(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        await ana.upload(None, "page.html", b"<p>tea</p>")
        await ana.upload(None, "a.txt", b"abc")
        page, text = await listener.hears(2)
        assert await slack.fetch(page.files[0], 100) == b"<p>tea</p>"
        fake.app.scopes -= {"files:read"}
        for event in (page, text):
            with pytest.raises(FetchFailed, match="files:read"):
                await slack.fetch(event.files[0], 1000)
        with pytest.raises(FetchFailed, match="files:read"):  # though the page is larger than that
            await slack.fetch(text.files[0], 3)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 404}, "does not have it"),
        ({"status": 302}, "files:read"),
        ({"status": 503}, "HTTP 503"),
        ({"drop": True, "times": -1}, "just now"),
    ],
)
async def test_a_file_that_cannot_be_had(
    fake: FakeSlack, fault: dict[str, Any], sentence: str
) -> None:
    slack = adapter(fake)
    said = await fake.human("Ana").upload(None, "a.txt", b"abc")
    ref = said["files"][0]["url_private"]
    fake.fail("download", **fault)
    with pytest.raises(FetchFailed, match=sentence):
        await slack.fetch(Attachment(name="a", kind="", size=3, ref=ref), 10)


async def test_a_file_that_is_too_large(fake: FakeSlack) -> None:
    slack = adapter(fake)
    said = await fake.human("Ana").upload(None, "a.txt", b"a" * 200_000)
    ref = said["files"][0]["url_private"]
    with pytest.raises(FetchFailed, match="100,000"):  # whatever size Slack told
        await slack.fetch(Attachment(name="a", kind="", size=1, ref=ref), 100_000)
    assert len(fake.requests) == 1
    with pytest.raises(FetchFailed, match="100,000"):
        await slack.fetch(Attachment(name="a", kind="", size=200_000, ref=ref), 100_000)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "ref",
    [
        "https://evil.example/a",
        "https://slack.com.evil.example/a",
        "https://files.slack.com@evil.example/a",
        "http://files.slack.com/a",
        "https://files.slack.com:8443/a",
        "https://evilslack.com/a",
        "https://evilslack-files.com/a",
        "http://127.0.0.1:1/a",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
async def test_the_token_goes_nowhere_else(fake: FakeSlack, ref: str) -> None:
    file = Attachment(name="a", kind="", size=1, ref=ref)
    for slack in (Slack("xoxb-1"), adapter(fake)):
        with pytest.raises(FetchFailed, match="not lie at Slack"):
            await slack.fetch(file, 10)


# ---- long answers


async def asked(fake: FakeSlack, listener: Listener, where: str | None) -> Event:
    await fake.human("Ana").say(where, "<@bot> tell me everything")
    [event] = await listener.hears()
    return event


async def test_five_messages_are_no_file_yet(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    paragraph = "五条消息 five messages " * 150  # as long as a message, nearly
    async with online(fake, listener) as slack:
        event = await asked(fake, listener, None)
        await slack.send(reply(event, "\n\n".join([paragraph] * 5)))
        await slack.send(reply(event, "\n\n".join([paragraph] * 6), key="2"))
        rows = await ana.sees(lambda row: row.get("user") == fake.app.user, count=7)
    assert [len(row.get("files", [])) for row in rows] == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("where", ["#general", None])
async def test_a_long_answer_is_a_file(
    fake: FakeSlack, listener: Listener, where: str | None
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        event = await asked(fake, listener, where)
        await slack.send(reply(event, LONG))
        await slack.send(reply(event, LONG, again=True))  # both are found
        rows = await ana.sees(lambda row: row.get("user") == fake.app.user, count=2)
    assert [len(row.get("files", [])) for row in rows] == [0, 1]
    assert rows[0]["text"].startswith("0. 很长的回答")
    assert "全文见附件" in rows[1]["text"]
    assert rows[1]["files"][0]["title"] == "answer.md"
    assert {row.get("thread_ts") for row in rows} == {event.address.thread}
    [content] = fake.workspace.contents.values()
    assert content.decode() == LONG


async def test_a_file_that_failed_is_sent_once_more(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        event = await asked(fake, listener, "#general")
        fake.fail("upload", status=500)
        with pytest.raises(SendFailed) as failed:
            await slack.send(reply(event, LONG))
        assert not failed.value.final
        fake.fail("files.completeUploadExternal", status=500, applied=True)
        with pytest.raises(SendFailed):
            await slack.send(reply(event, LONG, again=True))
        await slack.send(reply(event, LONG, again=True))
        rows = await ana.sees(lambda row: row.get("user") == fake.app.user, count=2)
    assert [len(row.get("files", [])) for row in rows] == [0, 1]


async def test_without_the_scope_a_long_answer_is_many_messages(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener) as slack:
        event = await asked(fake, listener, "#general")
        fake.app.scopes -= {"files:write"}
        first = await slack.send(reply(event, LONG))
        fake.app.scopes |= {"files:write"}
        await slack.send(reply(event, LONG, again=True))
        rows = await ana.sees(lambda row: row.get("user") == fake.app.user, count=6)
    assert rows[0]["ts"] == first
    assert not any(row.get("files") for row in rows)
    assert "29. 很长的回答" in rows[-1]["text"]
