"""What the offline model takes for an order to go elsewhere, and what it does not."""

import pytest

from bot.llm.offline.orders import ordered

NOTIFY, ASK = "send_notification", "ask_agent"


@pytest.mark.parametrize(
    ("text", "tool", "to", "message"),
    [
        ("notify #general: build is done", NOTIFY, "#general", "build is done"),
        ("Please notify general: build is done.", NOTIFY, "general", "build is done."),
        ("notify #general that the build is done", NOTIFY, "#general", "the build is done"),
        ("Could you post to #ops-2：one\ntwo", NOTIFY, "#ops-2", "one\ntwo"),
        ("tell #general lunch?", NOTIFY, "#general", "lunch?"),
        ("notify me: tea is ready", NOTIFY, "me", "tea is ready"),
        ("通知 #general:构建完成", NOTIFY, "#general", "构建完成"),
        ("请通知研发：构建完成了。大家测试一下", NOTIFY, "研发", "构建完成了。大家测试一下"),
        ("告诉 #研发 开会", NOTIFY, "#研发", "开会"),
        ("帮我发到 #general，今天放假", NOTIFY, "#general", "今天放假"),
        ("ask agent Ada: when is it?", ASK, "Ada", "when is it?"),
        ("Ask the agent Release Notes: what is new?", ASK, "Release Notes", "what is new?"),
        ("ask Ada: when?", ASK, "Ada", "when?"),
        ("问一下 Ada:什么时候?", ASK, "Ada", "什么时候?"),
        ("请问问小明：在哪里？", ASK, "小明", "在哪里？"),
        ("问代理Ada：在哪里？", ASK, "Ada", "在哪里？"),
    ],
)
def test_orders(text: str, tool: str, to: str, message: str) -> None:
    order = ordered(text)
    assert order is not None
    assert order.tool == tool
    assert order.arguments == {"channel" if tool == NOTIFY else "name": to, "message": message}


@pytest.mark.parametrize(
    "text",
    [
        "notify #general:", "notify everybody", "I was told to notify people tomorrow",
        "tell me about #general", "ask me anything", "task: buy milk", "问题：服务器坏了",
        "通知大家明天开会", "问候：你好", "I will ask Ada", "说好了：明天见",
        "What did #general say?",
    ],
)  # fmt: skip
def test_what_is_no_order(text: str) -> None:
    assert ordered(text) is None
