"""Draws what `reverie eval retrieval` measured: recall at 10 of each method, with its interval."""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import ROOT, Cell, show

MEASURE = "R@10"
NAMES, BAR, ROW, HEAD = 110, 190, 20, 34  # pixels: of a name, a bar, a row, and above the rows
STYLE = "text{font:12px sans-serif;fill:#444}rect.bar{fill:#8ac}line{stroke:#036;stroke-width:1.5}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One group of questions: what each method got."""

    title: str
    bars: tuple[tuple[str, float, float], ...]  # method, mean, half its interval


def measured(folder: Path) -> list[Mapping[str, Any]]:
    """The lines of `reverie eval retrieval` about a folder. Raises CalledProcessError."""
    command = [sys.executable, "-m", "bot", "eval", "retrieval", "--data", str(folder), "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def panels(folder: Path, lines: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """All questions of LoCoMo together; of a set of ours, each language by itself."""
    there = list(dict.fromkeys(line["category"] for line in lines))
    ours = [name for name in there if name in ("own language", "in English")]
    return [
        Panel(
            title=folder.name if name == "all" else f"Chinese facts, {name}",
            bars=tuple(
                (line["method"], line[MEASURE], line["half_width_95"][MEASURE])
                for line in lines
                if line["category"] == name
            ),
        )
        for name in (ours or ["all"])
    ]


def plot(found: Sequence[Panel]) -> str:
    """An SVG of bars, panels side by side."""
    names = [name for name, _, _ in found[0].bars]
    high = HEAD + ROW * len(names) + 10
    drawn = "".join(
        f'<text x="{NAMES - 8}" y="{HEAD + ROW * n + 14}" text-anchor="end">{name}</text>'
        for n, name in enumerate(names)
    )
    for number, panel in enumerate(found):
        left = NAMES + number * (BAR + 60)
        drawn += f'<text x="{left}" y="20" font-weight="bold">{panel.title}</text>'
        drawn += "".join(_bar(left, HEAD + ROW * n, *bar[1:]) for n, bar in enumerate(panel.bars))
    wide = NAMES + len(found) * (BAR + 60)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}">'
        f"<title>{MEASURE} of each way to search</title><style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n'
    )


def _bar(left: int, top: int, value: float, half: float) -> str:
    start, end = left + BAR * max(value - half, 0), left + BAR * min(value + half, 1)
    return (
        f'<rect class="bar" x="{left}" y="{top + 3}" width="{BAR * value:.1f}" height="{ROW - 6}"/>'
        f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{top + ROW / 2}" y2="{top + ROW / 2}"/>'
        f'<text x="{end + 6:.1f}" y="{top + 14}">{value:.3f}</text>'
    )


def main(given: argparse.Namespace) -> None:
    found: list[Panel] = []
    for folder in given.data:
        lines = measured(folder)
        rows: list[list[Cell]] = [
            [
                line["method"],
                line["category"],
                *(f"{line[name]:.3f}" for name in line["half_width_95"]),
            ]
            for line in lines
        ]
        show(folder.name, ["method", "questions", *lines[0]["half_width_95"]], rows)
        found.extend(panels(folder, lines))
    given.plot.write_text(plot(found), encoding="utf-8")
    print(f"drawn: {given.plot}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="folders of dialogues")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "retrieval.svg")
    main(parser.parse_args())
