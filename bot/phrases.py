"""What the program itself says to a person, in English and Chinese. Every sentence is here."""

import re
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
    "failed": (
        "Something went wrong inside me while I worked on this, and I gave up on it. Your message"
        " is kept in my history. Please try again; if it happens again, tell whoever runs me.",
        "处理这条消息时我内部出了错,已经放弃。你的消息已保存在记录里。请再试一次;如果再次出现,请告诉管理员。",
    ),
}


def say(name: str, like: str, **parts: str) -> str:
    """A sentence, in the language of the text that it answers."""
    english, zh = SENTENCES[name]
    return (zh if chinese(like) else english).format(**parts)
