"""Secrets are masked wherever memory is written, and ordinary words and numbers are left alone."""

import random
import sqlite3
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import phrases
from bot.commands import edits
from memory import core, unsaid
from memory.births import ensure_agent
from memory.changes import write
from memory.database.sqlite import SqliteConnection
from memory.draft import Draft
from memory.errors import BadInput
from memory.schema import MIGRATIONS
from memory.secrets.mask import KINDS, left_out, masked, told_left_out
from memory.types import Agent, Birth, Block, Fact, Message, Origin, Passage
from tests.unit.secret_makers import FORMS, pem, told_secrets

AT = datetime(2026, 1, 31, tzinfo=UTC)

# --- what is found -------------------------------------------------------------------------------


@settings(max_examples=600, deadline=None)
@given(told_secrets())
def test_every_secret_is_masked_once_and_for_all(told: tuple[str, str]) -> None:
    secret, sentence = told
    text, kinds = masked(sentence)
    assert secret not in text
    assert kinds
    assert masked(text) == (text, ())
    assert [masked(line)[0] for line in text.split("\n")] == text.split("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my password is hunter2.", "my password is [secret: password]."),
        ("My wifi password is swordfish", "My wifi password is [secret: password]"),
        ('the password is "correct horse"', 'the password is "[secret: password]"'),
        ("密码：芝麻开门", "密码：[secret: password]"),
        ("密码是hunter2，别告诉别人", "密码是[secret: password]，别告诉别人"),
        ("my pin is 1234 and I like tea", "my pin is [secret: PIN] and I like tea"),
        ("验证码是839201", "验证码是[secret: code]"),
        ("https://ana:s3cr3t@db.org/x", "https://ana:[secret: password]@db.org/x"),
        ("card 4111-1111-1111-1111 12/27", "card [secret: card number] 12/27"),
        ("pay to DE89 3704 0044 0532 0130 00 now", "pay to [secret: IBAN] now"),
        ("身份证11010519491231002X，谢谢", "身份证[secret: ID number]，谢谢"),
        ("SSN 078-05-1120", "SSN [secret: social security number]"),
        ("my pin is 1234, 密码是abc12", "my pin is [secret: PIN], 密码是[secret: password]"),
    ],
)
def test_only_the_secret_is_masked(text: str, expected: str) -> None:
    assert masked(text)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("卡号４１１１　１１１１　１１１１　１１１１。", "卡号[secret: card number]。"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "[secret: card number]"),
        ("4111\u00a01111\u20101111\u20131111", "[secret: card number]"),
        ("验证码：８３９２０１", "验证码：[secret: code]"),
        ("ｐａｓｓｗｏｒｄ　ｉｓ　ｈｕｎｔｅｒ２", "ｐａｓｓｗｏｒｄ　ｉｓ　[secret: password]"),
        ("x\u200b 密\u200b码是ab\u200bc\u200b12 好", "x\u200b 密\u200b码是[secret: password] 好"),
        ("İ ﬁ ½ my pin is 1234", "İ ﬁ ½ my pin is [secret: PIN]"),
    ],
)  # fmt: skip
def test_width_script_and_invisible_characters_do_not_hide_a_secret(
    text: str, expected: str
) -> None:
    assert masked(text)[0] == expected


def test_a_private_key_without_an_end_is_masked_and_the_words_after_it_stay() -> None:
    block = pem(random.Random(1)).partition("-----END")[0]
    text, kinds = masked(f"here: {block}That was my key.")
    assert (text, kinds) == ("here: [secret: private key]\nThat was my key.", ("private key",))


def test_a_forged_mask_hides_nothing() -> None:
    token = FORMS["Slack token"](random.Random(2))
    assert token not in masked(f"[secret: {token}]")[0]


def test_what_stands_in_a_secret_is_part_of_it() -> None:
    token = FORMS["GitHub"](random.Random(3))
    text, kinds = masked(f"password: {token}/more-of-it")
    assert text == "password: [secret: GitHub token]"
    assert kinds == ("GitHub token",)


ENGLISH = """
Ana was born on 1987-03-14 and moved to Berlin in 2019; her phone is +49 30 901820 or (030) 1234567.
Call 1-800-555-0199, +1 (415) 555-2671, or 0049 151 23456789. The office is at 52.520008, 13.404954.
The commit is 9fceb02d0ae598e95dc970b74767f19372d61af8, the short one 9fceb02; the trace id is
550e8400-e29b-41d4-a716-446655440000. The book is ISBN 978-3-16-148410-0, or 0-306-40615-2.
It cost $1,299.99, or 1.299,99 EUR, order 1234567890123456, invoice 2024-11-0001, parcel 1Z999AA1.
At 1733900000000 ms the clock said 10:30:00. Pi is 3.14159265358979323846. Rows: 10 20 30 40 50 60.
The password is wrong. The password must be 12 characters long. Her password was changed yesterday.
My password is not working, the password is too short, and the password is on the sticky note.
A password manager is great, and 1Password is one: the password for it is stored in the vault.
Reset your password, then set a new password to log in. Password: required. Password? No, thanks.
The key point is that a token costs 3 cents and the secret is practice. The secret to bread is time.
The key change is in 9fceb02d0ae598e95dc970b74767f19372d61af8, the token bug was fixed in commit
9fceb02d0ae598e95dc970b74767f19372d61af8. The public key is AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0.
Pin 12 is ground, pin it on the board; PIN entry failed 3 times. The error code is 404, zip 10115.
Use sk-fading-circle-container-dots in CSS; ask-me-anything-2024 is a hash tag. Years 2021-2024.
SSN is a US thing; 123-45-6789 is a part number. My keyboard key 1234567890 is broken. Monkey 3.
The passphrase is not stored in the vault. Version 1.2.3-alpha.4, build 20241122.1, IP 192.168.0.10.
https://example.com:8080/a?b=c@d and mailto:ana@example.com, https://user@example.com/x.
Slack calls them xoxb tokens, GitHub ghp_ tokens; a JWT begins with eyJ.
Files with -----BEGIN CERTIFICATE----- are public.
"""
CHINESE = """
小明生于1990年1月2日，手机13812345678，座机010-62345678，住在北京市海淀区中关村大街27号，邮编100080。
这本书的ISBN是9787302511854，定价59.80元，订单号2024112200012345，快递单号SF1234567890123。
提交是9fceb02d0ae598e95dc970b74767f19372d61af8，编号550e8400-e29b-41d4-a716-446655440000。
坐标是39.904200，116.407396；会议在2024年11月22日10:30，房间号1203，人数3000。
密码错了。密码是什么？密码是必填的，密码6-16位，密码不能少于8位。密码学是数学，密码锁坏了。
我忘了密码，密码要改。达芬奇密码是一部小说。密码由系统生成，密码管理器很好用。
验证码10分钟内有效，验证码没收到。令牌过期了，密钥要轮换，关键是坚持。口令很长。
身份证号码是18位数字，110105194912310021这个是错的。银行卡尾号是8888，共有12345678人。
"""


@pytest.mark.parametrize("page", [ENGLISH, CHINESE])
def test_ordinary_words_and_numbers_stay(page: str) -> None:
    for line in page.splitlines():
        assert masked(line) == (line, ())
    assert masked(page) == (page, ())


# --- speed ---------------------------------------------------------------------------------------


def seconds(text: str) -> float:
    def once() -> float:
        begun = time.process_time()
        masked(text)
        return time.process_time() - begun

    return min(once() for _ in range(3))


@pytest.mark.parametrize("page", [ENGLISH, CHINESE])
def test_a_long_text_takes_a_moment(page: str) -> None:
    text = (page * 300)[:100_000]
    assert len(text) == 100_000
    assert seconds(text) < 0.15  # a third of that on a quiet machine


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "4 ", "4111 ", "1-", "eyJ", "eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "xoxb-",
     "://a:", "key ", "token ", "密码", "密码是", "password:", "password for ", "password is \"",
     "is my password ", "DE89 3704 ", "MAAAAAAAAAAAAAAAAAAAAAAAA.abcdef.", "ssn ", "\u200b", "１　",
     "seed phrase is ", "changed password to "],
)  # fmt: skip
def test_no_text_takes_more_than_its_length(piece: str) -> None:
    short = (piece * 5_000)[:5_000]
    assert seconds(short * 8) < 0.1 + 20 * seconds(short)  # were it quadratic: 64


# --- memory --------------------------------------------------------------------------------------


def opened() -> tuple[SqliteConnection, Agent]:
    raw = sqlite3.connect(":memory:")
    for script in MIGRATIONS:
        raw.executescript(script)
    conn = SqliteConnection(raw)
    agent, _ = ensure_agent(conn, Birth(id="a", name="A", kind="named", persona="I am A."))
    return conn, agent


def everything(conn: SqliteConnection) -> str:
    """Every value of every table that is kept."""
    tables = [
        row["name"] for row in conn.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    rows = [row for name in tables for row in conn.all(f"SELECT * FROM {name}")]
    return "\n".join(str(value) for row in rows for value in tuple(row))


WAYS = ("append", "replace", "insert", "edit", "edit by hand", "rewrite")


@settings(max_examples=150, deadline=None)
@given(told=told_secrets(), way=st.sampled_from(WAYS))
def test_no_secret_gets_into_memory_by_any_way(told: tuple[str, str], way: str) -> None:
    secret, sentence = told
    conn, agent = opened()
    draft = Draft.of(agent, core.blocks(conn, "a"), at=AT)
    draft.append("human", "likes tea\nlives in 北京")
    match way:
        case "append":
            said = draft.append("human", sentence)
        case "replace":
            said = draft.replace("human", "tea", sentence)
        case "insert":
            said = draft.insert(sentence, [sentence])
        case "edit":
            draft.edit(draft.blocks["human"].facts[0], sentence, action="edit")
            said = draft.told("Done.")
        case "edit by hand":
            said = edits.edit(draft, draft.blocks["human"].facts[0].seq, sentence)
        case _:
            said = edits.persona(draft, sentence)
    write(conn, draft.change())
    assert told_left_out(said)
    kept = everything(conn)
    assert "[secret: " in kept
    assert secret not in kept
    assert not any(line in kept for line in secret.split("\n")[1:-2])


def drafted(*lines: str, limit: int = 4000) -> Draft:
    facts = tuple(
        Fact(
            seq=n, label="human", position=float(n), text=line, origin=Origin(), learned_at=AT,
            confirmed_at=AT, used_at=AT, valid_from=AT,
        )
        for n, line in enumerate(lines, start=1)
    )  # fmt: skip
    agent = Agent(
        id="a", name="A", kind="named", person=None, created_at=AT, last_seq=len(lines)
    )  # fmt: skip
    return Draft.of(agent, [Block(label="human", limit=limit, facts=facts)], at=AT)


def test_the_model_is_told_what_was_left_out_of_this_call() -> None:
    draft = drafted()
    said = draft.append("human", "my pin is 1234")
    assert said == ("Saved to 'human'. A secret was left out: PIN. Secrets are not kept in memory.")
    assert draft.append("human", "likes tea") == "Saved to 'human'."
    assert draft.append("human", "my pin is 5678").startswith("Already known")
    assert [fact.text for fact in draft.blocks["human"].facts] == [
        "my pin is [secret: PIN]",
        "likes tea",
    ]


def test_a_masked_text_can_be_replaced_as_it_stands_and_as_it_was_said() -> None:
    for old in ("my pin is [secret: PIN]", "[secret: PIN]", "my pin is 1234"):
        draft = drafted("my pin is [secret: PIN]", "likes tea")
        draft.replace("human", old, "no pin")
        assert "secret" not in draft.blocks["human"].text
        assert "1234" not in draft.entries[0].summary


def test_a_secret_that_is_one_only_where_it_now_stands_is_masked() -> None:
    draft = drafted("my password is unknown", "likes tea")
    said = draft.replace("human", "unknown", "swordfish")
    assert "password" in said
    assert draft.blocks["human"].facts[0].text == "my password is [secret: password]"
    assert draft.entries[0].summary == "human: ~ unknown -> …"


def test_facts_that_are_put_away_are_masked() -> None:
    draft = drafted("my pin is 1234", limit=20)
    draft.append("human", "likes green tea")
    passages = [diff.after for entry in draft.entries for diff in entry.diffs]
    assert [each.text for each in passages if isinstance(each, Passage)] == [
        "my pin is [secret: PIN]"
    ]


def test_another_secret_in_the_same_words_changes_nothing() -> None:
    draft = drafted("my pin is [secret: PIN]")
    with pytest.raises(BadInput, match="says just this"):
        edits.edit(draft, 1, "my pin is 9999")


def test_a_masked_fact_stays_while_its_message_says_it() -> None:
    origin = Origin(source=7)
    message = Message(seq=7, role="user", text="my pin is 1234", at=AT, origin=origin)
    draft = drafted("my pin is [secret: PIN]")
    facts = draft.blocks["human"].facts
    unsaid.revise(draft, message, "By the way, my pin is 5678", facts)
    assert draft.entries == []
    unsaid.revise(draft, message, "I like tea", facts)
    assert [diff.after.text for diff in draft.entries[0].diffs if isinstance(diff.after, Fact)] == [
        facts[0].text
    ]


# --- words for it --------------------------------------------------------------------------------


def test_every_kind_has_its_words() -> None:
    assert set(phrases.SECRETS) == set(KINDS)
    assert told_left_out("Saved." + left_out(KINDS)) == KINDS
    assert left_out(()) == ""
    assert phrases.left_out(["password", "PIN", "PIN"], "hi") == (
        "(I left a password and a PIN out of my memory: secrets are not kept there.)"
    )
    assert phrases.left_out(["password", "PIN"], "你好") == (
        "(我没有把密码、 PIN 码记下来:记忆里不保存机密信息。)"
    )
