"""Secrets that are told as such, in English and Chinese: "my password is …", "验证码:…". Pure.

A name ("password", "密钥"), what links it to a value ("is", "for the router is", "改成"), and a
value that can be one: what follows "password is" is mostly an ordinary word ("wrong", "needed").
"""

import re
from collections.abc import Iterator
from typing import Final

from memory.secrets.forms import Span, has_digit, random_looking

# --- names ---------------------------------------------------------------------------------------

# Each alternative begins with a plain character: so the search skips to where one can begin.
_NAMES = re.compile(
    "passwords?(?![a-z])|passphrase|passwd|passcode|pass(?![a-z])|pwd(?![a-z])|密码(?![学箱器锁本管])"
    "|密碼|口令|phrase(?![a-z])|助记词"
    "|pin(?![a-z])|cvv2?(?![a-z])|cvc2?(?![a-z])|otp(?![a-z])|code(?![a-z])|验证码|校验码|动态码"
    "|安全码|门禁码|ssn(?![a-z])|social security(?: number)?|社会安全号|社保号"
    "|key(?![a-z])|tokens?(?![a-z])|secrets?(?![a-z])|bearer(?![a-z])|credentials?(?![a-z])"
    "|密钥|秘钥|令牌|私钥|凭证|授权码"
)
_FAMILIES: Final = {
    name: family
    for family, names in {
        "password": "password passwords passwd passcode pwd 密码 密碼 口令",
        "pass": "pass",
        "phrase": "passphrase phrase 助记词",
        "PIN": "pin",
        "code": "code cvv cvv2 cvc cvc2 otp 验证码 校验码 动态码 安全码 门禁码",
        "ssn": "ssn social 社会安全号 社保号",
        "key": "token tokens secret secrets bearer credential credentials",
        "密钥": "密钥 秘钥 令牌 私钥 凭证 授权码",
        "bare": "key",
    }.items()
    for name in names.split()
}
_WHOLE: Final = {"pwd", "pass", "pin", "cvv", "cvc", "otp", "ssn", "bearer"}  # never end a word
_BEFORE_KEY = re.compile(
    r"(?:api|access|auth|secret|private|client|refresh|signing|encryption|bot)[ _-]?$"
)
_BEFORE_CODE = re.compile(
    r"(?:door|gate|alarm|access|entry|security|verification|login|unlock|one-time|sms|2fa|pin)"
    r"[ -]$"
)
_NO_SECRET = re.compile(r"(?:[a-z]|(?:public|primary|foreign) )$")


def _family(low: str, name: re.Match[str]) -> str:
    """What sort of value a name has; "" where it is part of something else."""
    before = low[max(0, name.start() - 14) : name.start()]
    family = _FAMILIES[name[0].split()[0]]
    match family:
        case "bare" | "key":
            if _BEFORE_KEY.search(before):
                return "key"
            return "" if _NO_SECRET.search(before) else family
        case "code" if name[0] == "code":
            return family if _BEFORE_CODE.search(before) else ""
        case "phrase" if name[0] == "phrase":
            return family if before.endswith(("seed ", "recovery ", "backup ", "mnemonic ")) else ""
    apart = not ("a" <= before[-1:] <= "z")
    return family if apart or name[0] not in _WHOLE else ""


# --- links ---------------------------------------------------------------------------------------

_AROUND = r"""[\\"'`*_]{0,4}"""
_LINK = re.compile(
    rf"(?:号码?|码| code| number)?{_AROUND}"
    r"(?:\s(?:for|of|on|at|in|to)\s[^.!?;:=\n。！？；]{1,40}?)?"
    r"(?:我|我们|已经?|现在|刚刚?|也|都|就|还是|一直|目前|的话|\s|，|,){0,6}"
    r"(?:\s(?:is|was|are|will be)(?:\s(?:now|still|just|actually|simply|set to))?(?=[\s:])"
    r"|=>|->|→|[:=]{1,2}|是|为|為|叫|(?:设|改|换|变)(?:置|定)?(?:成|为))"
    r"[了:]?(?:\*\*|__)?\s{0,3}"
)
_TO = re.compile(r"\s(?:to|as)\s{1,3}")
_CHANGED = re.compile(r"(?:chang|set|reset|updat)[a-z]*\s[^.!?\n]{0,25}$")
_GAP = re.compile(rf"(?:号码?|码| code| number)?{_AROUND}\s{{0,3}}#?{_AROUND}")


def _linked(low: str, name: re.Match[str]) -> tuple[int, bool]:
    """Where the value of a name begins, and whether words say that it is one."""
    if link := _LINK.match(low, name.end()):
        return link.end(), True
    if to := _TO.match(low, name.end()):
        before = low[max(0, name.start() - 60) : name.start()]
        return to.end(), bool(_CHANGED.search(before))
    gap = _GAP.match(low, name.end())
    return (gap.end() if gap else name.end()), False


# --- values --------------------------------------------------------------------------------------

_QUOTED = re.compile(
    r"""\\?(?:"([^"\n]{1,128})"|'([^'\n]{1,128})'|`([^`\n]{1,128})`|“([^”\n]{1,128})”"""
    r"""|‘([^’\n]{1,128})’|「([^」\n]{1,128})」|『([^』\n]{1,128})』)"""
)
_WORD = re.compile(r"[^\s，。；！？、（）「」『』“”‘’\u3400-\u9fff]{1,256}")
_TRAILING = "\\.,;:!?)]}>\"'*_`|"
_HAN_WORD = re.compile(r"[\u3400-\u9fff]{2,8}(?=[\s，。！？；、,!?;）」』”]|$)")
_HAN_ORDINARY = re.compile(
    "[的吗呢吧么什多谁哪错对必不请至无空未已最需由同和与见在可要默一你我他她它这那没怎如]"
)
_UNIT = re.compile(
    r"[ \t]*(?:characters?|chars?|letters?|digits?|symbols?|words?|bits?|days?|hours?|minutes?"
    r"|months?|years?|times|位|个|次|种|条|天|年|月|分|秒|字|加密|编码|哈希|散列|存|的)"
)
_GOES_ON = re.compile(
    r"[ \t]*(?:$|[^ \ta-z(]|(?:and|but|or|for|so|please|if|on|at|in|now|yesterday|today|last|this"
    r"|again|instead|since|too)\b)"
)
_PLACEHOLDER = re.compile(
    r"[<$%{]|\*{3}|x{3}|\.{2}|…|\[secret|https?:|os\.|process\.|authorization:|getpass"
)
_ORDINARY_WORDS = (  # what passwords are said to be, without being told
    "a about above after again all already also always an and another any as ask at bad base64"
    " bcrypt because before being below blank both but by case case-sensitive changing common"
    " complex correct different due easy either empty enough every exactly fine for from good gone"
    " hard hash he her here his how i if important in incorrect invalid it its just key kept known"
    " lastpass later like long longer lost md5 me mine missing more my necessary needed never new"
    " no none not nothing now null of off ok okay old on one only optional or our out over part"
    " personal plain plaintext please private probably public random ready really right safe same"
    " secret secure see sensitive sent short simple some someone something somewhere still strong"
    " stronger sha1 sha-1 sha256 sha-256 such tbd text that the their them then there these they"
    " this those to too true false under unique unknown up user usually valid very wrong weak we"
    " what whatever when where which who whoever why with without would written yes you your yours"
    " 1password 2fa argon2 argon2id oauth2 utf-8 utf8 log sign expire get use enter access open"
    " unlock protect keep be"
)
_ORDINARY: Final = frozenset(_ORDINARY_WORDS.split())
_PHRASE = re.compile(r"[^.!?。！？\n]{3,400}")
_GRAMMAR: Final = frozenset(["the", "a", "an", "in", "is", "to", "not", "of", "by", "your", "be"])
_PIN = re.compile(r"(?:[a-z]{1,3}-)?\d(?:[ -]?\d){2,9}(?![\da-z])", re.ASCII)
_MIXED_CODE = re.compile(r"(?=[a-z]{0,8}\d)[a-z0-9]{4,12}(?![a-z0-9])", re.ASCII)
_SSN = re.compile(r"[^\d\n;!?。；！？]{0,30}(\d{3}[ -]?\d\d[ -]?\d{4})(?!\d)", re.ASCII)
_SSN_BEFORE = re.compile(r"\d{3}(?<!-...)-\d\d-\d{4}(?=[^\d\n;!?。；！？]{0,30}$)", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9+/_=.~-]{16,}+", re.ASCII)
_NEAR = 40  # characters between the name of a key and the key
_BETWEEN = re.compile(  # a name and a token that is not its value
    r"\n|[.!?]\s|[。！？]|commit|sha|hash|revision|uuid|guid|\bid\b|提交|哈希"
)
_FIRST = re.compile(  # "hunter2 is my email password", "hunter2是我的密码": up to the name
    r"(?<![!-~])(?P<value>[!-~]{4,128}+)"
    r"(?:\s(?:is|was|=)\s(?:my|our|the|his|her|their|your)\s(?:[a-z0-9'-]{1,20}\s){0,3}"
    r"|\s?(?:就|才)?是\s?[\u3400-\u9fffa-z]{0,10})$"
)
_IS = re.compile(r" is | was | = |是")
_REACH = 200  # characters before a name in which its value may stand


def by_words(text: str) -> Iterator[Span]:
    """The secrets of a flat text that are told as such."""
    low = text.lower()
    done = 0
    for name in _NAMES.finditer(low):
        family = _family(low, name) if name.start() >= done else ""
        if not family:
            continue
        span = _value(text, low, name, family) or _value_first(text, low, name, family)
        if span is not None:
            yield span
            done = span.end


def _value(text: str, low: str, name: re.Match[str], family: str) -> Span | None:
    """The value that follows a name."""
    if family == "ssn":
        found = _SSN.match(text, name.end())
        return Span(*found.span(1), "social security number") if found else None
    at, told = _linked(low, name)
    match family:
        case "key" | "密钥" | "bare":
            return _key(text, low, at, _NEAR if family != "bare" else 0)
        case "PIN" | "code":
            return _code(low, at, told, family)
        case "phrase":
            return _phrase(text, low, at) if told else None
        case _:
            return _password(text, low, at, told and family != "pass")


def _password(text: str, low: str, at: int, told: bool) -> Span | None:
    if quoted := _QUOTED.match(text, at):
        inside = quoted.span(quoted.lastindex or 0)
        return Span(*inside, "password") if told and not _refused(low[slice(*inside)]) else None
    if told and (han := _HAN_WORD.match(text, at)) and not _HAN_ORDINARY.search(han[0]):
        return Span(*han.span(), "password")
    word = _WORD.match(text, at)
    value = word[0].rstrip(_TRAILING) if word else ""
    end = at + len(value)
    if _refused(value.lower()) or _UNIT.match(low, end):
        return None
    return Span(at, end, "password") if _telling(value, told, low, end) else None


def _telling(value: str, told: bool, low: str, end: int) -> bool:
    """Whether a word looks like a password, given how it was told."""
    if not told:
        return has_digit(value) and len(value) >= (4 if value.isdigit() else 5)
    if value.isascii() and value.isalpha() and value.islower():
        return bool(_GOES_ON.match(low, end))  # not "the password is part of …"
    return True


def _refused(value: str) -> bool:
    """Whether it cannot be a password: too short, an ordinary word, or a place for one."""
    return (
        len(value) < 3
        or value.strip("'\"") in _ORDINARY
        or bool(_PLACEHOLDER.match(value))
        or (value.isalpha() and len(value) > 5 and value.endswith(("ed", "ing", "able", "ible")))
    )


def _phrase(text: str, low: str, at: int) -> Span | None:
    """Words up to the end of the sentence, if they are not a sentence themselves."""
    said = _PHRASE.match(text, at)
    words = low[at : said.end()].split() if said else []
    if said is None or not _GRAMMAR.isdisjoint(words) or (len(words) < 3 and _refused(words[0])):
        return None
    return Span(at, at + len(said[0].rstrip(_TRAILING + " ")), "recovery phrase")


def _code(low: str, at: int, told: bool, kind: str) -> Span | None:
    digits = _PIN.match(low, at) or (_MIXED_CODE.match(low, at) if told else None)
    if digits is None or _UNIT.match(low, digits.end()):
        return None
    return Span(*digits.span(), kind) if told or len(digits[0]) >= 4 else None


def _key(text: str, low: str, at: int, near: int) -> Span | None:
    """The random token that stands within so many characters."""
    start = _TOKEN.search(text, at, at + near + 16)
    if start is None or _BETWEEN.search(low, at, start.start()):
        return None
    token = _TOKEN.match(text, start.start())
    value = token[0].rstrip(".-~") if token else ""
    return Span(start.start(), start.start() + len(value), "key") if random_looking(value) else None


def _value_first(text: str, low: str, name: re.Match[str], family: str) -> Span | None:
    """The value that stands before its name."""
    begin = max(0, name.start() - _REACH)
    if family == "ssn":
        number = _SSN_BEFORE.search(low, begin, name.start())
        return Span(*number.span(), "social security number") if number else None
    if not _IS.search(low, max(begin, name.start() - 70), name.start()):
        return None
    before = low[begin : name.start()]
    first = _FIRST.search(before)
    if first is None:
        return None
    value = first["value"].lstrip("([{\"'`*").rstrip(_TRAILING)
    start = begin + before.index(value, first.start())
    kind = {"key": "key", "bare": "key", "密钥": "key", "PIN": "PIN", "code": "code"}.get(family)
    token = text[start : start + len(value)]
    good = random_looking(token) if kind == "key" else has_digit(value) and len(value) >= 4
    if not good or _refused(value):
        return None
    return Span(start, start + len(value), kind or "password")
