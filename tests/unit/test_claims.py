"""What counts as a claim to have saved something, and what does not."""

import pytest

from bot.claims import claims_saved


@pytest.mark.parametrize(
    "text",
    [
        "I've saved that.",
        "I have noted your birthday.",
        "Nice! I’ll remember that.",
        "Great, I will keep that in mind.",
        "Noted! Anything else?",
        "I've added that to my memory.",
        "Your address has been saved.",
        "I just updated my notes about you.",
        "好的，我记住了。",
        "已保存。",
        "没问题！我会记住你的生日。",
        "好的,已经记下了",
        "我已把你的地址记录下来了。",
    ],
)
def test_claims(text: str) -> None:
    assert claims_saved(text)


@pytest.mark.parametrize(
    "text",
    [
        "I remember that you live in Berlin.",
        "You told me on Monday that you saved money.",
        "I have not saved anything.",
        "I couldn't save that.",
        "Should I remember that?",
        "If you want, I will remember it.",
        "Do you want me to note it?",
        "The file was saved by your editor.",
        "我记得你住在北京。",
        "我没有保存任何内容。",
        "要不要我记住这件事？",
        "我无法记住这个。",
        "你好！",
        "",
    ],
)
def test_is_no_claim(text: str) -> None:
    assert not claims_saved(text)
