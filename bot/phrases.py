"""What the program itself says to a person, in English and Chinese. Every sentence is here."""

import re
from collections.abc import Sequence
from typing import Final

_HAN = re.compile(r"[\u3400-\u9fff]")


def chinese(text: str) -> bool:
    """Whether a person who wrote this reads Chinese."""
    return bool(_HAN.search(text))


SENTENCES: Final = {
    "delayed": (
        "I can't reach my language model just now. Your message is kept, and I answer as soon as"
        " the model is back.",
        "我现在连不上语言模型。你的消息已经保存,模型恢复后我会回复。",
    ),
    "misconfigured": (
        "My language model does not accept my settings, so I can't answer yet. Your message is"
        " kept. Whoever runs me: {reason}",
        "语言模型不接受我的设置,所以我暂时无法回答。你的消息已经保存。请管理员检查:{reason}",
    ),
    "rejected": (
        "My language model refuses this request, so I have no answer to it. Your message is kept"
        " in my history. Try to put it differently.",
        "语言模型拒绝了这个请求,所以我无法回答。你的消息已保存在记录里。请换一种说法再试。",
    ),
    "too_long": (
        "This is more than my language model can take in at once. Your message is kept in my"
        " history. Please send it in smaller parts.",
        "内容太长,语言模型一次放不下。你的消息已保存在记录里。请分成几段再发。",
    ),
    "wordless": (
        "I found no words for an answer this time. Your message is kept; please ask again, perhaps"
        " differently.",
        "这次我没能组织出回答。你的消息已经保存;请换一种说法再问一次。",
    ),
    "unsaved": (
        "(To be exact: I have not saved anything just now. `/memory add …` does.)",
        "(更正:我刚才并没有保存任何内容。用 `/memory add …` 可以保存。)",
    ),
    "held": (
        "What I would say here is from our own conversation, so I asked you about it privately.",
        "我想说的内容来自我们之间的私下对话,所以我先单独问了你。",
    ),
    "private": (
        "I may not say that here.",
        "这个我不能在这里说。",
    ),
    "left_out": (
        "(I left {what} out of my memory: secrets are not kept there.)",
        "(我没有把{what}记下来:记忆里不保存机密信息。)",
    ),
    "notice": (
        "Only you see this. I am Reverie, and I remember: what I read where I am, and facts that I"
        " learn from it. What you tell me in a direct message, you alone can see; what is said in a"
        " room, those can see who read that room. `/memory` shows what I know of you, `/memory"
        " pause` stops my learning, `/forgetme` erases everything of you.",
        "这条消息只有你能看到。我是 Reverie,我会记住我读到的消息,以及从中了解到的事实。"
        "你私下告诉我的,只有你能看到;在房间里说的,能读那个房间的人都能看到。"
        "`/memory` 查看我记住的内容,`/memory pause` 暂停记忆,`/forgetme` 删除有关你的一切。",
    ),
    "opt_in": (
        "Until you say `/memory resume`, I learn nothing from you: I answer you in direct messages"
        " alone, and keep nothing of it.",
        "在你发送 `/memory resume` 之前,我不会从你那里学习任何内容:我只在私信中回答你,并且不保留。",
    ),
    "stopped": ("I stopped, as I was asked to.", "已按要求停止。"),
    "failed": (
        "Something went wrong inside me while I worked on this, and I gave up on it. Your message"
        " is kept in my history. Please try again; if it happens again, tell whoever runs me.",
        "处理这条消息时我内部出了错,已经放弃。你的消息已保存在记录里。请再试一次;如果再次出现,请告诉管理员。",
    ),
}


SECRETS: Final = {  # kinds of memory/secrets.py
    "private key": ("a private key", "私钥"),
    "Slack token": ("a Slack token", " Slack 令牌"),
    "webhook address": ("a webhook address", " webhook 地址"),
    "API key": ("an API key", " API 密钥"),
    "GitHub token": ("a GitHub token", " GitHub 令牌"),
    "AWS key": ("an AWS key", " AWS 密钥"),
    "Google key": ("a Google key", " Google 密钥"),
    "Stripe key": ("a Stripe key", " Stripe 密钥"),
    "access token": ("an access token", "访问令牌"),
    "Discord token": ("a Discord token", " Discord 令牌"),
    "password": ("a password", "密码"),
    "card number": ("a card number", "银行卡号"),
    "IBAN": ("an IBAN", " IBAN 账号"),
    "ID number": ("an ID number", "身份证号"),
    "social security number": ("a social security number", "社会安全号"),
    "recovery phrase": ("a recovery phrase", "助记词"),
    "PIN": ("a PIN", " PIN 码"),
    "code": ("a code", "验证码"),
    "key": ("a key", "密钥"),
}


def left_out(kinds: Sequence[str], like: str) -> str:
    """Which secrets are not kept, each kind once; in the language of a text."""
    zh = chinese(like)
    named = [SECRETS[kind][zh] for kind in dict.fromkeys(kinds)]
    return say("left_out", like, what=("、" if zh else " and ").join(named))


def say(name: str, like: str, **parts: str) -> str:
    """A sentence, in the language of the text that it answers."""
    english, zh = SENTENCES[name]
    return (zh if chinese(like) else english).format(**parts)
