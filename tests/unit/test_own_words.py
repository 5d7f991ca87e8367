"""What people said is kept as they said it."""

import pytest

from bot.tools.own_words import own_words

SAID = "Hi! My name is Anna Kowalski and I work as a nurse in Leeds. How are you?"

GUITAR = "我最近开始学吉他,每周三上课"
ZHANG = "我叫张三,是一名Python开发者"


@pytest.mark.parametrize(
    ("content", "said", "kept"),
    [
        (
            "Anna Kowalski works as a nurse in Leeds.",
            SAID,
            "My name is Anna Kowalski and I work as a nurse in Leeds.",
        ),
        ("a nurse in Leeds", SAID, "a nurse in Leeds"),  # a quotation already
        ("Prefers short answers", SAID, "Prefers short answers"),  # from elsewhere
        ("我最近开始学吉他,每周三上课.", GUITAR, GUITAR),
        ("用户的名字是张三,Python开发者", ZHANG, ZHANG),
        ("The user's cat is named Doudou", "我的猫叫豆豆", "我的猫叫豆豆"),  # a translation
        ("我喜欢 hiking in the Lake District.", "I like hiking in the Lake District.",
         "I like hiking in the Lake District."),
        ("likes tea\nis from Oslo", "I like tea. I am from Oslo.", "I like tea.\nI am from Oslo."),
        ("The user likes tea", "Does Bo like tea?", "The user likes tea"),  # not the question
        ("用户喜欢茶", "我喜欢茶吗", "用户喜欢茶"),
        ("Likes tea", "I don't like tea.", "I don't like tea."),  # as it was said, not as misread
        ("anything", "", "anything"),
        ("", SAID, ""),
    ],
)  # fmt: skip
def test_own_words(content: str, said: str, kept: str) -> None:
    assert own_words(content, said) == kept


def test_doing_it_twice_changes_nothing() -> None:
    once = own_words("Anna is a nurse in Leeds", SAID)
    assert own_words(once, SAID) == once
