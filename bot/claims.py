"""Tells a reply that claims to have saved something. Pure; by words, in English and Chinese."""

import re
from typing import Final

_DONE = r"saved|stored|noted|recorded|memori[sz]ed|remembered|written (?:it|that|this) down"
_CLAIMS: Final = re.compile(
    rf"""
    \bI(?:['\u2019]ve|\ have)?\ (?:just\ |now\ |also\ |already\ )*
        (?:{_DONE}|(?:updated|added|put)\b[^.!?\n]{{0,60}}\b(?:memory|notes?)|made\ a\ note)
    | \bI(?:['\u2019]ll|\ will)\ (?:be\ sure\ to\ |always\ )?
        (?:remember|keep\ (?:that|this|it)\ in\ mind|make\ a\ note)
    | (?:^|[.!?]\s+)(?:saved|noted|recorded)\b(?=[.!,]|\ (?:to|in|that|it)\b)
    | \b(?:has|have)\ been\ (?:saved|stored|recorded)\b
    | (?:已|已经|我会|我就|帮你|为你|给你|我|都)(?:把[^。!?！？\n]{{0,30}})?
        (?:保存|记住|记下|记录|存好|记牢)(?:了|好|下来|到|这|你|$|[,，。!！])
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_NOT: Final = re.compile(
    r"\b(?:not|n[o']t|never|cannot|can['\u2019]t|could|if|unless|whether|have you|should)\b"
    r"|没有?|未|无法|不能|还没|不会|如果|是否|要不要|吗",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


def claims_saved(text: str) -> bool:
    """Whether some sentence says that something was, or will be, kept in memory."""
    return any(
        _CLAIMS.search(sentence[0]) and not _NOT.search(sentence[0])
        for sentence in _SENTENCE.finditer(text)
    )
