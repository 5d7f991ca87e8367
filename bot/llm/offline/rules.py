"""What the offline model understands: tables of phrases, English and Chinese side by side.

A message is cut into sentences, each sentence is compared with RULES from the top, and the first
row that its beginning fits gives its kind. To teach it a phrase, add a row or a word here and an
example to tests/unit/test_offline_rules.py. `{NAME}` in a pattern stands for a list of WORDS.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from bot.llm.offline.vocabulary import WORDS, fold

Kind = Literal[
    "remember", "forget", "fact", "event", "question", "help", "greeting", "thanks", "chat", "other"
]

LIMIT = 20_000  # characters of a message that are looked at
_SENTENCES = 200  # of a message
_HEAD, _TAIL = 400, 200  # characters of a long sentence that are compared with the rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence: its kind, and those of the person's own words that matter.

    slot: what a fact is about, where a person has one value of it (name, home, work, …).
    corrects: it takes back something that was said before.
    """

    kind: Kind
    words: str
    slot: str = ""
    corrects: bool = False


# Rows are tried in this order. A "remember" or "forget" row is a prefix: what follows it is meant.
RULES: tuple[tuple[Kind, str], ...] = (
    # --- forget that I like tea · 忘记我喜欢喝茶 -------------------------------------------------
    ("chat", r"(?:never ?mind|forget(?: about)? it|forget|算了|忘了吧?)\W*$"),
    (
        "forget",
        r"{PLEASE}(?:forget|erase|delete|remove|stop remembering|(?:do not|don't) remember)\b"
        r"(?: (?:everything|anything|all|the fact|what|whatever))?"
        r"(?: (?:that )?(?:i|we)(?:'ve| have)? (?:said|told you|mentioned))?"
        r"(?: (?:about|that))*[\s:,]+",
    ),
    (
        "forget",
        r"{请}(?:忘记|忘掉|忘了(?!说|告诉)|删除|删掉|抹掉|别记|不要记|不用记|别再记)[住得掉着]?"
        r"(?:我(?:之前|刚才|以前)?说过?的?)?(?:关于|有关)?[\s:,]*",
    ),
    # --- remember that I like tea · 请记住我喜欢喝茶 ---------------------------------------------
    ("fact", r"{PLEASE}(?:remember|(?:don't|do not) forget) to\b"),
    (
        "remember",
        r"{PLEASE}(?:remember|note|keep in mind|bear in mind|(?:don't|do not|never) forget"
        r"|make a note|memori[sz]e)(?: down)?(?! (?:when|me|what|who|where|why|how|if|which)\b)"
        r"(?: (?:this|the following))?(?: that| of)?[\s:,]+(?!\W*$)"
        r"(?!(?:my|the|our|this) (?:(?! is\b| are\b|'s\b)[\w ]){1,30}\?\W*$)",
    ),
    (
        "remember",
        r"{请}(?:记住|记下来?|记一下|记着|牢记|记录一?下?|[别不]要?忘[了记]|记得(?!.*(?:\?|吗|什么|谁|哪)))"
        r"(?:这[点件个]?事?)?[\s:,]*(?!\W*$|[了我]?[吗没])",
    ),
    # --- who are you · 你是谁 --------------------------------------------------------------------
    ("help", r"(?:so )?(?:who|what) (?:exactly )?are you\b(?! (?:doing|up))"),
    ("help", r"what can you do\b|how (?:do|can|should) i use\b|what(?:'s| is) your name\b"),
    ("help", r"are you (?:an? )?(?:\w+ )?(?:bot|robot|ai|human|person|real|model|chatgpt|llm)\b"),
    ("help", r"(?:/?help|can you help me)\W*$|how does this work\b|what are your commands\b"),
    ("help", r"你是(?:谁|什么)|你叫什么|你[能会](?:帮我)?(?:做|干)?(?:什么|些什么|嘛|啥)"),
    (
        "help",
        r"(?:这个?)?(?:怎么|如何)使?用|帮助\W*$|你是.{0,8}(?:机器人|人类?|ai|模型)吗|你有什么功能",
    ),
    # --- hello · 你好 ----------------------------------------------------------------------------
    ("greeting", r"{HELLO}(?: (?:there|all|everyone|again|\w+))?\W*$|(?:你|您)好(?:啊|呀|吗)?\W*$"),
    (
        "greeting",
        r"(?:how are (?:you|things)|how(?:'s| is) it going|what's up|nice to meet you)\b.{0,15}$",
    ),
    (
        "greeting",
        r"{你好}[啊呀哦~]*\W*$|(?:在吗|在不在|你还好吗|最近(?:怎么样|好吗)|很高兴认识你|吃了吗)\W*$",
    ),
    # --- thanks · 谢谢 ---------------------------------------------------------------------------
    ("thanks", r"(?:many )?(?:thanks|thank you|thx|ty|cheers|much appreciated)\b.{0,25}$"),
    ("thanks", r"(?:谢谢|多谢|感谢|谢啦|辛苦)(?:你|您|啦|了|哦|啊|大家|的?帮[助忙])*\W*$"),
    # --- chit-chat: ok · 好的 --------------------------------------------------------------------
    ("chat", r"(?:那?你呢|(?:and|what about|how about) you)\W*$"),
    ("chat", r"{OK}(?: {OK}){0,4}\W*$|{好的}[的了啊呀吧哦啦呢~]*\W*$"),
    ("chat", r"(?:see you|talk to you|have an?|good luck|good ?night|take care)\b.{0,25}$"),
    ("chat", r"i (?:see|know|think so|don't know|guess(?: so)?|understand|do|don't|agree)\W*$"),
    (
        "chat",
        r"i(?:'m| am|m) (?:{OFTEN} |so |very |too |pretty |(?:a )?(?:bit|little|kind of) ){0,4}"
        r"{MOOD}\b",
    ),
    (
        "chat",
        r"i(?:'m| am) (?:wondering|asking|testing|thinking about|looking at)\b"
        r"|i(?:'m| am) going to (?:bed|sleep|try|check)\b",
    ),
    ("chat", r"i (?:{OFTEN} ){0,4}{LIKE} (?:it|this|that|you|these|those|them)\b.{0,20}$"),
    ("chat", r"i have (?:an?|one|another|some|two|no) (?:\w+ )?{TROUBLE}\b"),
    ("chat", r"my (?:bad|fault|mistake|pleasure|god|turn)\b|call me {LATER}\b"),
    (
        "chat",
        r"(?:今天|我|感觉|好|真|很|太|有点|非常|超)*{心情}[死了啊呀哦的]*\W*$|(?:今天|明天)?天气(?!.*[?吗])",
    ),
    (
        "chat",
        r"我(?:知道|明白|懂|了解|同意|不确定|不清楚|回来|来|去|晕|靠|先走|爱你|喜欢[你它这])[了个的啦]*\W*$",
    ),
    ("chat", r"我(?:觉得|认为|是说|想问|开玩笑|是认真)|(?:我想)?(?:问一?下|请问)\W*$"),
    ("chat", r"我有(?:一?个|点|些)?(?:小|好)?(?:问题|想法|疑问|事|建议|请求)"),
    ("chat", r"{PLEASE}remind me (?:to|that)\b|提醒我(?!.*吗)"),
    # --- questions -------------------------------------------------------------------------------
    ("question", r".*\?\W*$"),
    ("question", r"(?:what|who|where|when|why|how|which|whose)(?:'s|'re|'d)? {ASKING}\b"),
    (
        "question",
        r"{AUX}(?:n't)? (?:i|you|we|he|she|it|they|my|our|your|the|there|this|that|any\w*)\b",
    ),
    (
        "question",
        r"{PLEASE}(?:tell|remind|show) me (?:what|who|where|when|why|how|which|about|my|again)\b",
    ),
    ("question", r"(?:remember|any idea) (?:when|what|who|where|why|how|which)\b"),
    ("question", r".*[吗嘛]\W*$|.{0,8}呢\W*$|(?:你?还|你)记得|告诉我|.*{是不是}"),
    ("question", r"(?!.*(?:不知道|不管|无论|不清楚|[谁么里儿][都也]|学|忘了)).*{什么}"),
    # --- what lasts: my name is … · 我叫… --------------------------------------------------------
    ("fact", r"my name(?:'s| is)\b|(?:you can |just )*call me \w+|i was born\b"),
    ("fact", r"my (?:[\w-]+ )??{ATTRIBUTE}\b.{0,12}(?: is| are|'s)\b"),
    ("fact", r"{I}{LIKE}\b|{I}{LIVE}\b|{I AM}{STATE}\b"),
    (
        "fact",
        r"(?:the )?user(?:'s name)? (?:is|likes|loves|prefers|has|hates|works|lives|uses|wants)\b",
    ),
    (
        "fact",
        r"(?:请|你?可以|就|以后|大家都?|朋友们?都?)*叫我(?!起|来|去|吃|妈|爸|别)|我的?(?:名字|[叫姓])|本人",
    ),
    (
        "fact",
        r"我的?{属性}|我的?{亲友}(?:的?名字)?[是叫]|{我}{喜欢}|我(?:{时候}){0,4}(?:住|来自|搬到|搬去)",
    ),
    (
        "fact",
        r"我(?:{时候}){0,4}在.{1,20}(?:工作|上班)|用户(?!提到|说)|我?(?:今年|现在)?\d{1,3} ?岁",
    ),
    ("fact", r"住在|来自|(?:很|最|特别|超|不|更)?(?:喜欢|讨厌|爱[吃喝看玩])"),
    # --- what happened, or will: the meeting is on Friday · 明天下午三点开会 ---------------------
    ("event", r"(?=.{0,400}{DATE}).{0,400}{EVENT}"),
    ("event", r"(?=.{0,400}{DATE}).{0,400}(?:\b(?:i|we|my|our)\b|我|咱|用户)"),
    ("event", r"(?:we|i|the team|our team)(?: have|'ve)?(?: \w+)? (?:decided|agreed)\b"),
    ("event", r"(?:我们?|团队|大家|公司|双方).{0,6}(?:决定|商定|约定|约好|达成)"),
    # --- other facts, less sure ------------------------------------------------------------------
    ("fact", r"{I}{DO}\b|{I}{WANT} to {GOAL}\b"),
    ("fact", r"i(?:'ve| have) (?:an?|one|two|three|four|five|\d+|no|my|been|never|always)\b"),
    ("fact", r"{I AM}(?:an? |the |into |fluent |\d|not an? )"),
    ("fact", r"i(?:'m| am) (?-i:[A-Z])[a-z]+(?:\W|$)"),
    ("fact", r"my (?:[\w'-]+ ){1,4}{HAS}\b|my [\w-]+'s \w|our (?:[\w'-]+ ){1,4}{HAS}\b"),
    ("fact", r"we (?:{OFTEN} ){0,4}{WE DO}\b|we(?:'re| are) (?:an?|based|using|building|called)\b"),
    (
        "fact",
        r"我不?是.{1,20},我?是|我们?是(?!什么|谁|说|想|问|不是|怎么|否|真|认真)|{我}{做}|我的?{亲友}",
    ),
    ("fact", r"我的.{1,15}[是叫在有]|我们?(?:公司|团队|家|组|部门).{0,10}[是用有在做叫]"),
)

# Facts of which a person has one: a new value takes the place of the old one.
SLOTS: tuple[tuple[str, str], ...] = (
    ("name", r"my name(?:'s| is)|我的?名字[是叫]|我[叫姓]"),
    ("nickname", r"(?:\w+ )*call me|.{0,6}叫我"),
    ("home", r"{I}(?:live|moved|relocated) (?:in|to|at|near)|{I AM}(?:based|living) in"),
    ("home", r"我?(?:{时候}){0,4}(?:家|是)?(?:住在|搬到|搬去|搬家到|住[^了过的校])"),
    ("occupation", r"{I}work as"),
    ("work", r"{I}(?:work (?:at|for)|joined)|我?(?:{时候}){0,4}在.{1,20}(?:工作|上班|做)"),
    ("age", r"i(?:'m| am) (?:now )?\d{1,3}(?: years|\W*$)|我?(?:{时候}){0,4}\d{1,3} ?岁"),
    ("my", r"my (?P<what>(?:[\w-]+ )??{ATTRIBUTE}\b.{0,12}?)(?: is| are|'s)\b"),
    ("my", r"我的?(?P<what>{属性})[是在叫:]"),
)

# Words before the point. Those of the first list take something back.
_TAKES_BACK = r"(?:{TAKES BACK}\s*[,.!:;—–]+\s*|(?:actually|in fact)\s+|其实)"
_LEAD = (
    r"\s*(?:{TAKES BACK}|{OK}|{HELLO}(?: \w+)?|thanks|thank you|by the way|btw|fyi|also"
    r"|{好的}|{你好}|对了|那个|顺便(?:说一[下句])?|另外|还有|谢谢|补充一下)\s*[,.!:;~—–]+\s*"
    r"|\s*(?:(?:big |good |bad |great |quick )?(?:news|update)|[好坏大]消息|更新)\s*[,.!:~—–]+\s*"
    r"|\s*(?:(?:btw|by the way|fyi|actually|in fact|just so you know|i meant?)\s+"
    r"|(?:and|but|so|also|oh)\s+(?=(?:i|i'm|my|we|our|please|remember)\b)|其实|对了|另外|顺便说一[下句]|忘了说|忘了告诉你|跟你说|[,~\s]+)"
)
_OTHERWISE = (
    r".*(?:\bno longer\b|\bany ?more\b|(?<!是)不是.{1,20}是|不再|已经不|改成|换成"
    r"|\bnot .{1,30}(?:\bbut\b|, ?(?:i|it|he|she)(?:'m| am|'s| is)\b))"
)
_EVERYTHING_AFTER = (
    r"\s*{PLEASE}(?:remember|note)(?: (?:this|the following))?\s*:|{请}记[住下][^:,]{0,6}:"
)


def compiled(pattern: str) -> re.Pattern[str]:
    filled = re.sub(r"\{([^{}\d,][^{}]*)\}", lambda name: WORDS[name[1]], pattern)
    return re.compile(filled, re.IGNORECASE | re.DOTALL)


_ROWS = tuple((kind, compiled(pattern)) for kind, pattern in RULES)
_SLOT_ROWS = tuple((slot, compiled(pattern)) for slot, pattern in SLOTS)
_LEADS, _BACK, _OTHER = compiled(_LEAD), compiled(_TAKES_BACK), compiled(_OTHERWISE)
_LISTED = compiled(_EVERYTHING_AFTER)

# A sentence ends at 。！？ or a new line, at ! ? or a full stop before a space or the end: not in
# 3.5, a.b/c?d=1 or "Mr. Li". Closing quotes and brackets belong to it.
_END = re.compile(
    r"\n+|(?:[。！？!?…]|(?<!\b[A-Za-z])(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bMrs)(?<!\bvs)"
    r"(?<!\bNo)(?<!\betc)\.)+[”\"'’」』）)]*(?=\s|$|[^\x00-\x7f])|[。！？…]+[”’」』）]*"
)
_CLAUSE = re.compile(r"[,，;；、]\s*|\s+(?:and|but)\s+(?=(?:I|I'm|my|we)\b)", re.IGNORECASE)
_CARRIES_ON = re.compile(r"(?:he|she|they|his|her|its|their)\b|[他她它]", re.IGNORECASE)
_LETTER = re.compile(r"[^\W_]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\ufeff]")
_KEPT: tuple[Kind, ...] = ("remember", "fact", "event")
_ASIDE: tuple[Kind, ...] = ("question", "help", "greeting", "chat")  # may follow a statement
_MAX_CUTS = 5  # commas at which a question may part from the statement before it


def clean(text: str) -> str:
    """The part of a message that is looked at, without control characters."""
    return _UNPRINTABLE.sub("", text[:LIMIT].replace("\r\n", "\n").replace("\r", "\n")).strip()


def understand(text: str) -> tuple[Said, ...]:
    """What a message says, sentence by sentence."""
    whole = clean(text)
    listed = _LISTED.match(fold(whole))
    if listed:
        lines = whole[listed.end() :].splitlines()
        return tuple(_to_keep(line.strip()) for line in lines if _LETTER.search(line))
    found: list[Said] = []
    for sentence in islice(sentences(whole), _SENTENCES):
        for said in _with_head(sentence):
            if found and found[-1].kind in _KEPT and _carries_on(said):
                found[-1] = replace(found[-1], words=_together(found[-1].words, said.words))
            else:
                found.append(said)
    return tuple(found)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each in its own words, with its full stop."""
    start = 0
    for end in _END.finditer(text):
        yield from filter(None, [text[start : end.end()].strip()])
        start = end.end()
    yield from filter(None, [text[start:].strip()])


def classify(sentence: str) -> Said:
    """The kind of one sentence, and the words of it that matter."""
    words = _without_lead(sentence)
    corrects = bool(_BACK.match(_seen(sentence)) or _OTHER.match(_seen(words)))
    if not _LETTER.search(words):
        return Said(kind="chat", words=sentence)
    folded = _seen(words)
    for kind, pattern in _ROWS:
        match = pattern.match(folded)
        if match and kind == "remember":
            return _to_keep(words[match.end() :].rstrip("?？ "))
        if match and kind == "forget":
            return Said(kind=kind, words=words[match.end() :])
        if match:
            return Said(kind=kind, words=words, slot=slot_of(words), corrects=corrects)
    return Said(kind="other", words=words)


def _seen(text: str) -> str:
    """What patterns see of a text: its beginning and end, so that no pattern runs long."""
    folded = fold(text)
    return folded if len(folded) <= _HEAD + _TAIL else folded[:_HEAD] + folded[-_TAIL:]


def slot_of(clause: str) -> str:
    """What a clause is about, where there is one value of it: "home" of "I live in Bonn"."""
    folded = _seen(clause)
    for slot, pattern in _SLOT_ROWS:
        match = pattern.match(folded)
        if match:
            return f"{slot} {match['what']}".lower() if slot == "my" else slot
    return ""


def clauses(text: str) -> list[str]:
    """The parts of a line: between commas, and before "and I …"."""
    return [part for part in _CLAUSE.split(text) if part]


def _to_keep(words: str) -> Said:
    """What a person asks to remember is an event or, whatever it says, a fact."""
    said = classify(words)
    kind: Kind = "event" if said.kind == "event" else "fact"
    return replace(said, kind=kind, words=words, slot=slot_of(words))


def _without_lead(sentence: str) -> str:
    """The sentence without "Hello," or "By the way", unless that is all of it."""
    start, folded = 0, fold(sentence)
    while match := _LEADS.match(folded, start):
        start = match.end()
    return sentence[start:] if _LETTER.search(sentence[start:]) else sentence


def _with_head(sentence: str) -> tuple[Said, ...]:
    """A sentence; as two where a statement comes before a question: "I'm Ana, who are you?". Of
    one that tells between commas what a person has one value of, that: "Phew, I moved to Bonn"."""
    said = classify(sentence)
    if said.kind in ("question", "help"):
        for cut in list(_CLAUSE.finditer(sentence))[: -_MAX_CUTS - 1 : -1]:
            head, tail = classify(sentence[: cut.start()]), classify(sentence[cut.end() :])
            if head.kind in _KEPT and tail.kind in _ASIDE:
                return head, tail
    if said.kind == "other":
        for part in clauses(said.words)[:_MAX_CUTS]:
            fact = classify(part)
            if fact.kind == "fact" and fact.slot:
                return (fact,)
    return (said,)


def _together(first: str, second: str) -> str:
    return f"{first} {second}" if first[-1].isascii() else first + second


def _carries_on(said: Said) -> bool:
    """Whether a sentence says more of the one before: "My dog is Rex. He is three."."""
    return said.kind == "other" and bool(_CARRIES_ON.match(fold(said.words)))
