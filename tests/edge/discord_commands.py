"""A bot on the unmodified discord.py that has one of each: commands, menus, buttons, a form."""

import io

import discord as dpy
from discord import app_commands

from tests.edge.discord_bot import Bot

FACTS = ("likes tea", "likes trains", "喜欢茶")
Asked = dpy.Interaction[dpy.Client]


class Form(dpy.ui.Modal, title="Edit a fact"):
    """A form as the adapter will have one: a text, a choice, and words between."""

    hint = dpy.ui.TextDisplay[dpy.ui.LayoutView]("Change it, or leave it.")
    fact = dpy.ui.TextInput[dpy.ui.View](label="Fact", custom_id="fact", default="likes tea")
    where = dpy.ui.Label[dpy.ui.View](
        text="Who may see it",
        component=dpy.ui.Select[dpy.ui.View](
            custom_id="audience",
            options=[
                dpy.SelectOption(label="Me", value="person", default=True),
                dpy.SelectOption(label="All", value="workspace"),
            ],
        ),
    )

    async def on_submit(self, asked: Asked) -> None:
        menu = self.where.component
        assert isinstance(menu, dpy.ui.Select)
        await asked.response.send_message(f"{self.fact.value} / {menu.values}", ephemeral=True)


class Buttons(dpy.ui.View):
    """A list's buttons."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(dpy.ui.Button(label="Site", url="https://x.invalid"))

    @dpy.ui.button(label="Forget", custom_id="forget")
    async def forget(self, asked: Asked, _: dpy.ui.Button[dpy.ui.View]) -> None:
        await asked.response.edit_message(content="forgotten", view=None)

    @dpy.ui.button(label="Edit", custom_id="edit")
    async def edit(self, asked: Asked, _: dpy.ui.Button[dpy.ui.View]) -> None:
        await asked.response.send_modal(Form(custom_id="form"))

    @dpy.ui.button(label="Later", custom_id="later")
    async def later(self, asked: Asked, _: dpy.ui.Button[dpy.ui.View]) -> None:
        await asked.response.defer()
        await asked.edit_original_response(content="edited later")

    @dpy.ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, asked: Asked, _: dpy.ui.Button[dpy.ui.View]) -> None:
        raise AssertionError("nobody can press this")

    @dpy.ui.select(
        custom_id="pick",
        options=[dpy.SelectOption(label=f, value=str(n)) for n, f in enumerate(FACTS)],
    )
    async def pick(self, asked: Asked, menu: dpy.ui.Select[dpy.ui.View]) -> None:
        await asked.response.send_message(f"picked {menu.values}", ephemeral=True)


class CommandBot(Bot):
    """Has one of each."""

    def __init__(self) -> None:
        super().__init__()
        self.echoes = False
        self.errors: list[Exception] = []
        self.asked: list[Asked] = []
        memory = app_commands.Group(
            name="memory",
            description="What is remembered",
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        memory.command(name="show", description="All of it")(show)
        memory.command(name="forget", description="One of it")(forget)
        self.tree.add_command(memory)
        self.tree.add_command(slow)
        self.tree.add_command(add)
        self.tree.add_command(guilds_only)
        self.tree.add_command(admins_only)
        self.tree.add_command(remember)
        self.tree.add_command(who)
        self.tree.on_error = self.failed  # type: ignore[method-assign]

    async def failed(self, asked: Asked, error: Exception) -> None:
        self.asked.append(asked)
        self.errors.append(getattr(error, "original", error))


async def show(asked: Asked, loud: bool = False) -> None:
    await asked.response.send_message("your facts", view=Buttons(), ephemeral=not loud)


async def forget(asked: Asked, fact: str) -> None:
    await asked.response.defer(ephemeral=True, thinking=True)
    await asked.followup.send(f"forgot {fact}")
    await asked.followup.send("and told nobody", ephemeral=True)


async def complete(_: Asked, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f, value=f"id-{f}") for f in FACTS if current in f]


forget = app_commands.autocomplete(fact=complete)(forget)


@app_commands.command(description="Thinks first")
async def slow(asked: Asked) -> None:
    await asked.response.defer(thinking=True)
    await asked.edit_original_response(
        content="thought", attachments=[dpy.File(io.BytesIO(b"{}"), filename="export.json")]
    )
    message = await asked.original_response()
    await asked.followup.edit_message(message.id, content="thought twice")


@app_commands.command(description="Takes all kinds")
@app_commands.choices(kind=[app_commands.Choice(name="Fact", value="f")])
async def add(
    asked: Asked,
    kind: app_commands.Choice[str],
    about: dpy.User,
    times: int,
    weight: float = 1.0,
    file: dpy.Attachment | None = None,
) -> None:
    read = (await file.read()).decode() if file else ""
    text = f"{kind.value} {about.display_name} {times} {weight} {read}"
    await asked.response.send_message(text.strip())


@app_commands.command(name="room", description="Only in guilds")
@app_commands.guild_only()
async def guilds_only(asked: Asked) -> None:
    await asked.response.send_message(f"in {asked.channel}")


@app_commands.command(name="mode", description="Only for admins")
@app_commands.default_permissions(manage_guild=True)
async def admins_only(asked: Asked) -> None:
    await asked.response.send_message(f"{asked.permissions.manage_guild}")


@app_commands.context_menu(name="Remember this")
async def remember(asked: Asked, message: dpy.Message) -> None:
    await asked.response.send_message(f"will remember: {message.content}", ephemeral=True)


@app_commands.context_menu(name="Who is it")
async def who(asked: Asked, user: dpy.User) -> None:
    await asked.response.send_message(user.display_name, ephemeral=True)
