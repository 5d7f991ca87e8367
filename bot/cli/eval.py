"""`reverie eval …`: how well it remembers, and finds, in figures."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import AsJson, load_settings, run
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.commands.answer import Answer, Table
    from bot.commands.records import Record
    from bot.config import Settings
    from bot.eval.dialogue import Dialogue
    from bot.eval.memory import Outcome, Tally
    from bot.eval.retrieval import Scored

app = typer.Typer(help="Measure how well it remembers.", no_args_is_help=True)


class Set(StrEnum):
    """Which histories are played."""

    EN = "en"
    ZH = "zh"
    BOTH = "both"


@app.callback()
def measures() -> None:
    pass


@app.command()
def memory(
    chosen: Annotated[Set, typer.Option("--set", help="Of which language.")] = Set.BOTH,
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="One history, or one kind of them.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many of each language.")] = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="How many at a time, where a model is far away.")
    ] = 1,
    words: Annotated[
        bool, typer.Option("--words", help="Search by words alone: no embedder is used.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show each answer that was not right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Play scripted histories of weeks, and score what is remembered: right, stale (an old value
    as if it were true), missing, or leaked (told to somebody who may not know it)."""
    settings = load_settings()
    if words:
        settings = settings.model_copy(update={"embedding": "off"})
    from bot.cli.show import progress, render
    from bot.eval.history import LANGUAGES
    from bot.eval.memory import chosen as find
    from bot.eval.memory import evaluate

    languages = [each for each in LANGUAGES if chosen in (each, Set.BOTH)]
    histories = find(languages, only, limit)
    with progress("playing") as told:
        report = run(evaluate(settings, histories, told, jobs=jobs))
    render(_answer(report.outcomes, report.heading, verbose=verbose), as_json=as_json)


@app.command()
def retrieval(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder of LoCoMo conversations, or of our sets.")
    ],
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the questions of long talks, and score whether what answers them is found."""
    settings = load_settings()
    from bot.cli.show import render
    from bot.eval.dialogue import load
    from bot.eval.retrieval import METHODS

    unknown = [name for name in method or () if name not in METHODS]
    if unknown:
        raise UserError(f"There is no method {unknown[0]!r}. There are: {', '.join(METHODS)}.")
    scored = run(_retrieved(settings, load(data), method or list(METHODS)))
    render(_found(scored), as_json=as_json)


async def _retrieved(
    settings: "Settings", dialogues: "Sequence[Dialogue]", methods: "Sequence[str]"
) -> "list[Scored]":
    from bot.app import build_embedder
    from bot.cli.show import progress
    from bot.eval.retrieval import WITH_VECTORS, bench

    wanted = not WITH_VECTORS.isdisjoint(methods)
    embedder = build_embedder(settings) if wanted else None
    if embedder is None:
        methods = [name for name in methods if name not in WITH_VECTORS]
    if not methods:
        raise UserError(
            "There is no embedder, and the method needs one. Install the vectors extra."
        )
    scored = []
    async with bench(embedder) as made:
        with progress("embedding") as told:
            await made.fill(dialogues, told)
        with progress("asking") as told:
            for number, name in enumerate(methods):
                told(number, len(methods))
                for dialogue in dialogues:
                    scored.extend(await made.run(dialogue, name))
    if embedder is not None:
        await embedder.close()
    return scored


def _found(scored: "Sequence[Scored]") -> "Answer":
    from bot.commands.answer import Answer, Table
    from bot.eval.retrieval import summed
    from bot.eval.scores import MEASURES

    methods = dict.fromkeys(each.method for each in scored)
    sums = {name: summed([each for each in scored if each.method == name]) for name in methods}
    questions = len(scored) // len(methods)
    counts = Counter((each.method, kind) for each in scored for kind in ("all", each.category))
    rows = [
        (name, category, *(_measured(*values[measure]) for measure in MEASURES))
        for name, categories in sums.items()
        for category, values in categories.items()
        if category == "all" or name == next(iter(methods))
    ]
    records = tuple(
        {
            "type": "retrieval",
            "method": name,
            "category": category,
            "questions": counts[name, category],
            **{measure: round(middle, 4) for measure, (middle, _) in values.items()},
            "half_width_95": {measure: round(half, 4) for measure, (_, half) in values.items()},
        }
        for name, categories in sums.items()
        for category, values in categories.items()
    )
    table = Table(columns=("method", "category", *MEASURES), rows=tuple(rows))
    return Answer(
        lead=f"{questions} questions; after each mean, half the width of its 95 % interval.",
        tables=(table,),
        records=records,
    )


def _measured(middle: float, half: float) -> str:
    return f"{middle:.3f} ±{half:.3f}"


def _answer(outcomes: "Sequence[Outcome]", heading: str, *, verbose: bool) -> "Answer":
    from bot.commands.answer import Answer
    from bot.eval.memory import tallies

    found = list(tallies(outcomes))
    failed = [outcome for outcome in outcomes if outcome.score != "right"]
    tables = (_failures(failed), _scores(found)) if verbose and failed else (_scores(found),)
    records: tuple[Record, ...] = (
        {"type": "run", "text": heading},
        *(_of_outcome(outcome) for outcome in outcomes),
        *(_of_tally(tally) for tally in found),
    )
    return Answer(lead=heading, tables=tables, records=records)


def _scores(found: "Sequence[Tally]") -> "Table":
    from bot.commands.answer import Table
    from bot.eval.history import KINDS, SCORES

    return Table(
        columns=("kind", "set", "questions", *SCORES),
        rows=tuple(
            (
                KINDS[tally.kind] if tally.kind else "all",
                tally.language or "both",
                str(tally.scores.total()),
                *(_share(tally.scores[each], tally.scores.total()) for each in SCORES),
            )
            for tally in found
        ),
    )


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.0%})" if count else "0"


def _failures(failed: "Sequence[Outcome]") -> "Table":
    from bot.commands.answer import Table

    return Table(
        title="What was not right",
        columns=("history", "score", "asked", "said", "right would be"),
        rows=tuple(
            (each.history.name, each.score, each.turn.text, each.said, " or ".join(each.turn.right))
            for each in failed
        ),
    )


def _of_outcome(outcome: "Outcome") -> dict[str, object]:
    return {
        "type": "question",
        "history": outcome.history.name,
        "kind": outcome.history.kind,
        "set": outcome.history.language,
        "asked": outcome.turn.text,
        "by": outcome.turn.who,
        "where": outcome.turn.room or "dm",
        "said": outcome.said,
        "score": outcome.score,
    }


def _of_tally(tally: "Tally") -> dict[str, object]:
    from bot.eval.history import SCORES

    return {
        "type": "scores",
        "kind": tally.kind or "all",
        "set": tally.language or "both",
        "questions": tally.scores.total(),
        **{each: tally.scores[each] for each in SCORES},
    }
