"""Makes secrets of every kind, and sentences in English and Chinese that have them."""

import random
import re
import string
from collections.abc import Callable, Mapping
from typing import Final

from hypothesis import strategies as st

ALNUM: Final = string.ascii_letters + string.digits
HEX: Final = "0123456789abcdef"


def some(rng: random.Random, count: int, alphabet: str = ALNUM) -> str:
    """Characters at random, a digit and a letter among them where the alphabet has both."""
    drawn = rng.choices(alphabet, k=count)
    for place, wanted in zip(rng.sample(range(count), 2), (string.digits, "Kq" + HEX), strict=True):
        if alphabet in (ALNUM, HEX, ALNUM + "-_"):
            drawn[place] = rng.choice(wanted)
    return "".join(drawn)


def digits(rng: random.Random, count: int) -> str:
    return some(rng, count, string.digits)


def card(rng: random.Random) -> str:
    prefix, length = rng.choice([("4", 16), ("52", 16), ("37", 15), ("62", 19), ("36", 14)])
    body = prefix + digits(rng, length - len(prefix) - 1)
    total = sum(int(d) for d in body[-2::-2])
    total += sum(sum(divmod(2 * int(d), 10)) for d in body[-1::-2])
    number = body + str(-total % 10)
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(length, (4, 4, 4, 4, 3))
    groups = [number[sum(sizes[:n]) :][:size] for n, size in enumerate(sizes)]
    return rng.choice(["", " ", "-"]).join(group for group in groups if group)


def iban(rng: random.Random) -> str:
    country, length = rng.choice([("DE", 22), ("FR", 27), ("NO", 15), ("GB", 22), ("MT", 31)])
    bank = "".join(rng.choices(string.ascii_uppercase, k=4)) if country in ("GB", "MT") else ""
    account = bank + digits(rng, length - 4 - len(bank))
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    whole = f"{country}{98 - int(number) % 97:02}{account}"
    return " ".join(re.findall("..?.?.?", whole)) if rng.random() < 0.5 else whole


def chinese_id(rng: random.Random) -> str:
    body = f"{rng.randrange(110000, 659000)}{rng.randrange(1950, 2024)}0{rng.randrange(1, 10)}"
    body += f"{rng.randrange(10, 29)}{digits(rng, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * weight for d, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def pem(rng: random.Random) -> str:
    name = rng.choice(["", "RSA ", "EC ", "OPENSSH "]) + "PRIVATE KEY"
    lines = [some(rng, 64, ALNUM + "+/") for _ in range(rng.randrange(1, 9))]
    return "\n".join([f"-----BEGIN {name}-----", *lines, "qA==", f"-----END {name}-----"])


def password(rng: random.Random) -> str:
    return some(rng, rng.randrange(6, 20)) + rng.choice(["", "!x", "#7", "@y", "$9", "&z"])


Maker = Callable[[random.Random], str]
BASE64URL: Final = ALNUM + "-_"
WORDS: Final = ("witch", "collapse", "practice", "feed", "shame", "creek", "ice", "wagon", "tea")
FORMS: Final[Mapping[str, Maker]] = {
    "Slack token": lambda r: f"xox{r.choice('abeprs')}-{digits(r, 12)}-{some(r, 24)}",
    "Slack app token": lambda r: f"xapp-1-A{some(r, 10)}-{digits(r, 13)}-{some(r, 64, HEX)}",
    "Discord token": lambda r: f"{r.choice('MNO')}{some(r, 23)}.{some(r, 6)}.{some(r, 30)}",
    "OpenAI": lambda r: f"sk-{r.choice(['', 'proj-'])}{some(r, 48)}",
    "Anthropic": lambda r: f"sk-ant-api03-{some(r, 93, BASE64URL)}",
    "DeepSeek": lambda r: f"sk-{some(r, 32, HEX)}",
    "GitHub": lambda r: f"gh{r.choice('pousr')}_{some(r, 36)}",
    "GitHub PAT": lambda r: f"github_pat_{some(r, 22)}_{some(r, 59)}",
    "GitLab": lambda r: f"glpat-{some(r, 20)}",
    "npm": lambda r: f"npm_{some(r, 36)}",
    "AWS": lambda r: f"AKIA{some(r, 16, string.ascii_uppercase + string.digits)}",
    "Google": lambda r: f"AIza{some(r, 35, BASE64URL)}",
    "Stripe": lambda r: f"{r.choice('sr')}k_{r.choice(['live', 'test'])}_{some(r, 24)}",
    "JWT": lambda r: f"eyJ{some(r, 30)}.eyJ{some(r, 60)}.{some(r, 43, BASE64URL)}",
    "Slack webhook": lambda r: (
        f"hooks.slack.com/services/T{some(r, 8)}/B{some(r, 8)}/{some(r, 24)}"
    ),
    "PEM": pem,
    "card": card,
    "IBAN": iban,
    "Chinese ID": chinese_id,
}
TOLD: Final[Mapping[str, tuple[Maker, tuple[str, ...]]]] = {
    "password": (
        password,
        (
            "My password is {}",
            "the wifi password for the office is {}, please keep it",
            'config: {{"password": "{}", "user": "ana"}}',
            "DB_PASSWORD={}",
            "I changed my password to {} yesterday",
            "{} is my mail password",
            "login ana, password {}",
            "我的密码是{}，别告诉别人",
            "口令：{}。",
            "WiFi密码我改成了{}",
            "{}是我的邮箱密码",
        ),
    ),
    "address": (
        lambda r: some(r, 12),
        ("postgres://ana:{}@db.example.org/main", "仓库在https://ana:{}@git.example.cn/a.git。"),
    ),
    "PIN": (
        lambda r: digits(r, r.choice((4, 6))),
        ("my pin is {}", "PIN {}", "the door code is {} today", "{} is my pin", "验证码是{}，"
         "五分钟内有效", "校验码：{}"),
    ),
    "SSN": (
        lambda r: f"{digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}",
        ("my SSN is {}", "social security number: {}", "{} is my social security number",
         "我的社保号是{}"),
    ),
    "key": (
        lambda r: some(r, r.choice((24, 32, 64)), r.choice((ALNUM, HEX))),
        ("the token for staging is {}", "api_key = '{}'", "aws_secret_access_key = {}",
         "Authorization: Bearer {}", "the key is {}", "密钥是{}。", "服务器的令牌：{}",
         "{} is my api key"),
    ),
    "phrase": (
        lambda r: " ".join(r.sample(WORDS, 8)),
        ("My seed phrase is {}.", "助记词是 {}"),
    ),
}  # fmt: skip
AROUND: Final = (
    "{}", "Please note {} for later.", "It is ({}), see?", "记一下{}，谢谢", "我用的是 {} 。",
)  # fmt: skip


@st.composite
def told_secrets(draw: st.DrawFn) -> tuple[str, str]:
    """A secret, and a sentence that has it."""
    rng = random.Random(draw(st.integers(0, 2**64)))
    name = draw(st.sampled_from(sorted([*FORMS, *TOLD])))
    if name in FORMS:
        secret, sentence = FORMS[name](rng), draw(st.sampled_from(AROUND))
    else:
        maker, sentences = TOLD[name]
        secret, sentence = maker(rng), draw(st.sampled_from(sentences))
    return secret, sentence.format(secret)
