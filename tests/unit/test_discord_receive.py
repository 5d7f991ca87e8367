"""From a message of discord.py to an Event: what is dropped, what is plain, who is spoken to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import discord
import pytest

from adapters.base import Address, Attachment, Event
from adapters.commands import is_command
from adapters.discord import build_client, invite_url
from adapters.discord.receive import link_to, plain, to_event
from adapters.discord.send import nonce, title

Json = dict[str, Any]  # the wire, whose shapes are Discord's
BOT, ANA, BEN, GUILD, HALL, DEN, THREAD, STAFF, OWN = 1, 2, 3, 40, 50, 51, 60, 70, 71
SEE = str(discord.Permissions(view_channel=True).value)


def user(id_: int, name: str, *, bot: bool = False) -> Json:
    handle = name.lower()
    return {
        "id": str(id_), "username": handle, "global_name": name, "discriminator": "0",
        "avatar": None, "bot": bot,
    }  # fmt: skip


def role(id_: int, name: str, permissions: str = "0", **more: object) -> Json:
    return {
        "id": str(id_), "name": name, "permissions": permissions, "position": 0, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False, "managed": False, "mentionable": True, "flags": 0, **more,
    }  # fmt: skip


def channel(id_: int, name: str, overwrites: list[Json]) -> Json:
    return {
        "id": str(id_), "type": 0, "name": name, "position": 0, "nsfw": False,
        "permission_overwrites": overwrites, "guild_id": str(GUILD), "parent_id": None,
    }  # fmt: skip


HIDDEN = [{"id": str(GUILD), "type": 0, "allow": "0", "deny": SEE}]
HOME: Json = {
    "id": str(GUILD), "name": "Home", "owner_id": str(ANA), "emojis": [], "stickers": [],
    "features": [], "verification_level": 0, "default_message_notifications": 0,
    "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0, "premium_tier": 0,
    "preferred_locale": "en-US", "afk_timeout": 300, "system_channel_flags": 0, "icon": None,
    "member_count": 3, "members": [], "presences": [], "voice_states": [],
    "roles": [
        role(GUILD, "@everyone", SEE),
        role(STAFF, "Staff"),
        role(OWN, "Reverie", tags={"bot_id": str(BOT)}),
    ],
    "channels": [channel(HALL, "hall", []), channel(DEN, "den", HIDDEN)],
    "threads": [
        {
            "id": str(THREAD), "type": 11, "name": "trip", "guild_id": str(GUILD),
            "parent_id": str(HALL), "owner_id": str(ANA), "message_count": 0, "member_count": 1,
            "rate_limit_per_user": 0,
            "thread_metadata": {
                "archived": False, "auto_archive_duration": 60, "locked": False,
                "archive_timestamp": "2026-01-31T12:00:00+00:00",
            },
        }
    ],
}  # fmt: skip


def said(text: str, *, where: int = HALL, author: Json | None = None, **more: object) -> Json:
    return {
        "id": "900", "type": 0, "channel_id": str(where), "author": author or user(ANA, "Ana"),
        "content": text, "timestamp": "2026-01-31T12:00:00+00:00", "edited_timestamp": None,
        "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [],
        "attachments": [], "embeds": [], "components": [], "pinned": False, "flags": 0, **more,
    }  # fmt: skip


def heard(data: Mapping[str, Any], *, auto_thread: bool = False) -> Event | None:
    """Through the objects that discord.py makes of it."""
    client = build_client()
    state = client._connection
    state.user = discord.ClientUser(state=state, data=user(BOT, "Reverie", bot=True))  # type: ignore[arg-type]
    guild = discord.Guild(data=HOME, state=state)  # type: ignore[arg-type]
    state._add_guild(guild)
    place = guild.get_channel_or_thread(int(data["channel_id"]))
    direct = client.get_partial_messageable(
        int(data["channel_id"]), type=discord.ChannelType.private
    )
    message = discord.Message(state=state, channel=place or direct, data=data)  # type: ignore[arg-type]
    return to_event(message, state.user, auto_thread=auto_thread)


def event(data: Mapping[str, Any], *, auto_thread: bool = False) -> Event:
    found = heard(data, auto_thread=auto_thread)
    assert found is not None
    return found


def reply_to(author: Json) -> Json:
    return {
        "type": 19,
        "message_reference": {"message_id": "800", "channel_id": str(HALL)},
        "referenced_message": said("before", author=author) | {"id": "800"},
    }


ME, OTHER = user(BOT, "Reverie", bot=True), user(BEN, "Ben")


def test_who_and_where_and_when() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    id_ = str(discord.utils.time_snowflake(at))
    found = event(said("你好", where=HALL) | {"id": id_})
    assert found.address == Address(platform="discord", space="40", channel="50")
    assert (found.id, found.at) == (id_, at)
    assert (found.user, found.name, found.text) == ("2", "Ana", "你好")
    assert (found.room_kind, found.room_name, found.mentioned) == ("public", "hall", False)
    assert found.realm == event(said("hi", where=99)).realm == "dm"  # one person everywhere


@pytest.mark.parametrize(
    ("where", "address", "kind"),
    [
        (DEN, ("40", "51", None), "private"),
        (THREAD, ("40", "50", "60"), "public"),
        (99, ("dm", "99", None), "dm"),
    ],
)
def test_the_room(where: int, address: tuple[str, str, str | None], kind: str) -> None:
    found = event(said("hi", where=where))
    assert (found.address.space, found.address.channel, found.address.thread) == address
    assert found.room_kind == kind


@pytest.mark.parametrize(
    "more",
    [
        {"author": ME},
        {"author": user(9, "Bleep", bot=True)},
        {"webhook_id": "5"},
        {"type": 7},  # somebody joined
        {"type": 6},  # a message was pinned
        {"type": 18},  # a thread was opened
        {"type": 21},  # the message on which a thread hangs
        {"type": 20, "author": ME},  # an answer to a command
    ],
)
def test_only_people_are_heard(more: Json) -> None:
    assert heard(said("hi", **more)) is None


@pytest.mark.parametrize(
    ("more", "mentioned", "elsewhere"),
    [
        ({"content": "<@1> hi", "mentions": [ME]}, True, False),
        ({"content": "hi <@!1>", "mentions": [ME]}, True, False),
        ({"content": "<@&71> hi", "mention_roles": ["71"]}, True, False),
        ({"content": "<@3> hi", "mentions": [OTHER]}, False, True),
        ({"content": " <@&70> hi", "mention_roles": ["70"]}, False, True),
        ({"content": "hi <@3>", "mentions": [OTHER]}, False, False),
        ({"content": "<@3> ask <@1>", "mentions": [OTHER, ME]}, True, True),
        ({"content": "and?", **reply_to(ME)}, True, False),
        ({"content": "and?", **reply_to(OTHER)}, False, True),
        ({"content": "and?", **reply_to(user(ANA, "Ana"))}, False, False),
        ({"content": "and?", **reply_to(ME), "referenced_message": None}, False, False),
        ({"content": "@everyone hi", "mention_everyone": True}, False, False),
    ],
)
def test_who_is_spoken_to(more: Json, mentioned: bool, elsewhere: bool) -> None:
    found = event(said("") | more)
    assert (found.mentioned, found.elsewhere) == (mentioned, elsewhere)


def test_a_dm_needs_no_mention() -> None:
    assert not event(said("<@1> hi", where=99, mentions=[ME])).mentioned


def test_names_stand_for_ids() -> None:
    text = "<@1>，问 <@3> 和 <@&70>，在 <#51> 或 <#60>，<#404>"
    found = event(said(text, mentions=[ME, OTHER], mention_roles=["70"]))
    assert found.text == "问 @Ben 和 @Staff，在 #den 或 #trip，<#404>"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("<@1> hi", "hi"),
        ("<@1>: hi", "hi"),
        ("<@!1>，你好", "你好"),
        ("hey <@1>, you", "hey, you"),
        ("<@1> <@1>", ""),
        ("<:wave:123> <a:dance:4>", ":wave: :dance:"),
        ("at <t:0:R>", "at 1970-01-01 00:00 UTC"),
        ("try </memory show:12>", "try /memory show"),
        ("see <https://example.org/a?b=1>", "see https://example.org/a?b=1"),
        ("1 < 2 > 0 && <b>", "1 < 2 > 0 && <b>"),
        ("<t:999999999999>", "<t:999999999999>"),
        ("", ""),
    ],
)
def test_plain_words(content: str, shown: str) -> None:
    assert plain(content, frozenset({1}), {}) == shown


def test_a_question_in_a_channel_can_have_a_thread_of_its_own() -> None:
    called: Json = {"content": "<@1> hi", "mentions": [ME]}
    assert event(said("") | called, auto_thread=True).address.thread == "900"
    assert event(said("hi"), auto_thread=True).address.thread is None
    inside = event(said("", where=THREAD) | called, auto_thread=True)
    assert inside.address.thread == str(THREAD)
    assert event(said("hi", where=99), auto_thread=True).address.thread is None


@pytest.mark.parametrize(
    ("text", "called", "obeyed"),
    [
        ("!memory", False, True),
        ("！记忆 搜索 茶", False, True),
        ("!MEMORY show", False, True),
        ("!help", False, False),  # many bots listen to that
        ("!help", True, True),
        ("!memoryless", True, False),
        ("my !memory", True, False),
        ("!wow", True, False),
    ],
)
def test_typed_commands(text: str, called: bool, obeyed: bool) -> None:
    data = said(f"<@1> {text}", mentions=[ME]) if called else said(text)
    assert is_command(event(data)) is obeyed
    assert is_command(event(said(text, where=99))) is (obeyed or text == "!help")


def test_a_nonce_is_one_thing_and_short() -> None:
    keys = [nonce("discord/dm/1", "k", str(n)) for n in range(3)] + [
        nonce("discord/dm/2", "k", "0")
    ]
    assert len(set(keys)) == 4
    assert nonce("discord/dm/1", "k", "0") == keys[0]
    assert all(len(key) <= 25 and key.isascii() for key in keys)


def test_a_title_is_one_short_line() -> None:
    assert title("where\n  is it?") == "where is it?"
    assert len(title("长" * 500)) == 80
    assert title(" ") == "…"


@pytest.mark.parametrize(
    ("space", "thread", "event", "place"),
    [
        ("40", None, "900", "40/50/900"),
        ("40", "60", "900", "40/60/900"),
        ("40", "900", "900", "40/50/900"),  # a thread that hangs on it: it stands in the channel
        ("dm", None, "900", "@me/50/900"),
    ],
)
def test_a_message_has_a_link(space: str, thread: str | None, event: str, place: str) -> None:
    address = Address(platform="discord", space=space, channel="50", thread=thread)
    assert link_to(address, event) == f"https://discord.com/channels/{place}"
    assert link_to(address, "not-an-id") == ""


def test_files_go_along() -> None:
    file = {
        "id": "5", "filename": "清单.txt", "size": 12, "url": "https://cdn.discordapp.com/a/5",
        "proxy_url": "https://media.discordapp.net/a/5", "content_type": "text/plain",
    }  # fmt: skip
    bare = {key: value for key, value in file.items() if key != "content_type"}
    found = event(said("", attachments=[file, bare]))
    assert found.text == ""
    url = "https://cdn.discordapp.com/a/5"
    assert found.files == (
        Attachment(name="清单.txt", kind="text/plain", size=12, ref=url),
        Attachment(name="清单.txt", kind="", size=12, ref=url),
    )


def test_the_invitation_asks_for_little() -> None:
    url = invite_url("123456")
    assert url.startswith("https://discord.com/oauth2/authorize?client_id=123456&")
    assert "scope=bot+applications.commands" in url
    bits = int(url.partition("permissions=")[2].partition("&")[0])
    wanted = discord.Permissions(
        view_channel=True, send_messages=True, send_messages_in_threads=True,
        create_public_threads=True, read_message_history=True, attach_files=True,
        add_reactions=True,
    )  # fmt: skip
    assert bits == wanted.value
    with pytest.raises(ValueError, match="Application ID"):
        invite_url("my bot")


def test_a_client_asks_for_little() -> None:
    for sharded in (False, True):
        client = build_client(sharded=sharded)
        wanted = {name for name, on in client.intents if on}
        assert wanted == {"guilds", "guild_messages", "dm_messages", "message_content"}
        assert client.allowed_mentions is not None
        assert client.allowed_mentions.to_dict()["parse"] == []
        assert isinstance(client, discord.AutoShardedClient) is sharded


@pytest.mark.parametrize(
    "settings",
    [
        {"api_base": "https://evil.example/api/v10"},
        {"api_base": "http://127.0.0.1.evil.example/api"},
        {"gateway_url": "ws://10.0.0.1/gateway"},
        {"gateway_url": "127.0.0.1"},
    ],
)
def test_a_token_goes_nowhere_else(settings: dict[str, str]) -> None:
    before = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    with pytest.raises(ValueError, match="only a simulator on this machine"):
        build_client(**settings)  # type: ignore[arg-type]
    assert before == (discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)
