"""What the offline model says, in English and Chinese."""

import re
from typing import Literal

Language = Literal["en", "zh"]

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]+")
_SHOWN = 300  # characters of a quotation

PHRASES: dict[str, tuple[str, str]] = {
    "saved": ("Saved: {}", "已记住:{}"),
    "updated": ("Updated: {} is now {}", "已更新:{} → {}"),
    "known": ("I already know that: {}", "这个我已经知道了:{}"),
    "failed": ("{} could not be saved: {}", "{} 没能保存:{}"),
    "unsaved": (
        "{} is in our message history, but not in my memory blocks.",
        "{} 只留在聊天记录里,没有写进核心记忆。",
    ),
    "forgotten": (
        "Forgotten: {} (our message history still has it)",
        "已忘记:{}(聊天记录里还留有原话)",
    ),
    "stuck": ("{} could not be forgotten: {}", "{} 没能忘记:{}"),
    "no match": (
        "Nothing in my memory fits {}, so I forgot nothing. /memory shows what I keep.",
        "我的记忆里没有与 {} 相符的内容,所以什么都没有忘记。用 /memory 查看我记住的内容。",
    ),
    "which": (
        "Several things may be meant. Say “forget” with the whole line of one:",
        "可能指好几条。请说“忘记”加上其中一条的原文:",
    ),
    "no result": ("the tool gave no result", "工具没有返回结果"),
    "not done": ("{} was not done: {}", "{} 没有办成:{}"),
    "posted": ("Sent to {}: {}", "已发送到 {}:{}"),
    "asked first": (
        "Before I post this, I asked you about it privately.",
        "发布之前,我先单独问了你。",
    ),
    "agent says": ("{} says: {}", "{} 说:{}"),
    "quote": ("I remember{}: {}", "我记得{}:{}"),
    "earlier": ("Earlier{}: {}", "更早以前{}:{}"),
    "near": ("The nearest I found{}: {}", "最接近的是{}:{}"),
    "nothing": (
        "I found nothing that answers this. I am the offline model: I only find and quote what "
        "was said.",
        "我没有找到答案。我是离线模型,只能查找并引用说过的话。",
    ),
    "welcome": ("You are welcome.", "不客气。"),
    "short": (
        "I have kept this in our message history. I am the offline model and understand only "
        "plain statements and questions (/help).",
        "这句话已留在聊天记录里。我是离线模型,只懂简单的陈述和提问(/help)。",
    ),
    "hello": (
        "Hello. I am Reverie's offline model: rules, not a language model. I cannot reason, but "
        "I keep what you tell me and find it again.\n"
        "- Tell me: “My name is …”, “remember that …”\n"
        "- Ask me: “What is my name?”, “What did I say about …?”\n"
        "- “forget that …” takes it back; /memory shows what I keep, /help all commands.\n"
        "For real conversation set a language model: run `reverie init`.",
        "你好。我是 Reverie 的离线模型:只有规则,没有语言模型。"
        "我不会推理,但会记住你说的话,并能再找出来。\n"
        "- 告诉我:“我叫……”、“记住……”\n"
        "- 问我:“我叫什么?”、“我说过关于……的什么?”\n"
        "- “忘记……”会把它删去;/memory 查看我记住的内容,/help 查看所有命令。\n"
        "想要真正的对话,请运行 `reverie init` 设置语言模型。",
    ),
}  # fmt: skip


def say(phrase: str, language: Language, *parts: str) -> str:
    """A phrase in a language, with its blanks filled."""
    return PHRASES[phrase][language == "zh"].format(*parts)


def quoted(text: str, language: Language) -> str:
    """Somebody's own words in quotation marks; very long ones are cut."""
    return f"“{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}”"


def language_of(text: str) -> Language:
    """Chinese where there are more Chinese characters than Latin words."""
    seen = text[:2_000]
    return "zh" if len(_CJK.findall(seen)) > len(_LATIN.findall(seen)) else "en"
