"""From what a run found to the generated part of docs/performance.md and its plots."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "performance.md"
NAMES = {"ours": "ours", "article": "article", "kept": "article, kept"}
COLOURS = ("#1f6f5c", "#b3562c", "#8a8f98")
WIDTH, ROW, LEFT = 640, 22, 190


def write(found: Mapping[str, Any]) -> None:
    """Renew the sections of the parts that were run, between their marks; everything else stays as it is."""
    text = PAGE.read_text("utf-8")
    for part, section in SECTIONS.items():
        if part in found:
            begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
            made = f"{begin}\n\n{section(found)}\n\n{end}"
            text = re.sub(f"{begin}.*?{end}", lambda _, made=made: made, text, flags=re.DOTALL)
    PAGE.write_text(text, "utf-8")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _mail(found: Mapping[str, Any]) -> str:
    scenes = found["mail"]
    first = next(iter(scenes.values()))
    rows: list[list[object]] = []
    for scene, kinds in scenes.items():
        who = [name for name in NAMES if name in next(iter(kinds.values()))]
        for name in who:
            where = scene if name == who[0] else ""
            rows.append([where, NAMES[name], *(figures[name] for figures in kinds.values())])
        if "share" in next(iter(kinds.values())):
            rows.append(["", "ours over article, kept", *(figures["share"] for figures in kinds.values())])
    rows.append(["quota units", "", *(figures["units"] for figures in first.values())])
    bars = {kind: {n: figures[n] for n in NAMES if n in figures} for kind, figures in first.items()}
    (DOCS / "performance-cpu.svg").write_text(_bars("CPU a message, ms", bars), "utf-8")
    started = next(iter(found["started"].values()))
    words = {"seconds": "seconds to the first answer", "cpu_s": "CPU, s", "resident_mb": "memory, MB"}
    starts = [[text, *(figures[key] for figures in started.values())] for key, text in words.items()]
    waits = [
        [kind, NAMES[name], *(figures[f"{name}_p{share}"] for share in (50, 95, 99))]
        for kind, figures in first.items()
        for name in NAMES
        if f"{name}_p50" in figures
    ]
    return "\n\n".join(
        [
            _table(["", "", *first], rows),
            _table(["push to label, ms", "", "p50", "p95", "p99"], waits),
            "![CPU a message](performance-cpu.svg)",
            _table(["at the start", *(NAMES[name] for name in started)], starts),
        ]
    )


def _latency(found: Mapping[str, Any]) -> str:
    rows = [
        [load if kind == next(iter(kinds)) else "", NAMES[kind], *figures.values()]
        for load, kinds in found["latency"].items()
        for kind, figures in kinds.items()
    ]
    return _table(["busy processes beside it", "push to label, ms", "p50", "p95", "p99"], rows)


def _counts(found: Mapping[str, Any]) -> str:
    rows = [[way, *figures.values()] for way, figures in found["counts"].items()]
    return _table(["one ordinary message", *found["counts"]["burst"]], rows)


def _far(found: Mapping[str, Any]) -> str:
    rows = [[NAMES[kind], rate] for kind, rate in found["far"].items()]
    return _table(["80 ms a call", "messages a second"], rows)


def _push(found: Mapping[str, Any]) -> str:
    rows = [
        [
            connections,
            *(round(figures["ours"][key]) for key in ("rate", "cpu_us")),
            figures["ours"]["p99_ms"],
            *(round(figures["bare"][key]) for key in ("rate", "cpu_us")),
            figures["bare"]["p99_ms"],
            figures["rate_ratio"],
            figures["p99_ratio"],
        ]
        for connections, figures in found["push"].items()
    ]
    bars = {
        f"{n} connections": {k: round(t[k]["rate"]) for k in ("ours", "bare")}
        for n, t in found["push"].items()
    }
    (DOCS / "performance-push.svg").write_text(_bars("pushes a second", bars), "utf-8")
    head = ["connections", "ours /s", "CPU, µs", "p99, ms", "bare /s", "CPU, µs", "p99, ms", "rate", "p99"]
    alone = found["push"]["1"]
    limit = round(alone["kept"]["rate"] / alone["bare"]["rate"], 2)
    told = (
        "Over one connection a bare route that keeps each push in a commit of its own, and does nothing else, "
        f"answered {alone['kept']['rate']:,.0f} a second: {limit} of the bare route's rate."
    )
    return f"{_table(head, rows)}\n\n{told}\n\n![Pushes a second](performance-push.svg)"


def _memory(found: Mapping[str, Any]) -> str:
    points = found["memory"]
    return _table(["messages", *(f"{n:,}" for n, _ in points)], [["MB", *(mb for _, mb in points)]])


def _watching(found: Mapping[str, Any]) -> str:
    fields = dict(found["watching"])
    percent = fields.pop("percent")
    share = f"{percent}%" if percent is not None else "–"
    return _table(["µs a message", *fields, "of the cheapest message"], [["", *fields.values(), share]])


def _floor(found: Mapping[str, Any]) -> str:
    fields = found["floor"]
    steps = _table(["µs a step", *fields["steps_us"]], [["", *map(round, fields["steps_us"].values())]])
    head = ["CPU a message, ms", "floor", "with what is asked", "ours over it"]
    rows = [
        [kind, ms, fields["limit_ms"][kind], fields["ours"].get(kind, "–")]
        for kind, ms in fields["floor_ms"].items()
    ]
    return steps + "\n\n" + _table(head, rows)


def _again(found: Mapping[str, Any]) -> str:
    fields = found["again"]
    if "skipped" in fields:
        return f"Not measured: {fields['skipped']}."
    rows = [
        [told, fields[name]["ordinary"]["ms"], fields[name]["pitches"]["ms"], fields[name]["MB"]]
        for name, told in (("once", "read once"), ("twice", "where in doubt, twice"))
    ]
    table = _table(["CPU a message, ms", "ordinary", "pitch", "memory, MB"], rows)
    return f"{table}\n\nA message that is read twice takes {fields['doubtful_ms']} ms more."


SECTIONS = {
    "mail": _mail,
    "counts": _counts,
    "floor": _floor,
    "watching": _watching,
    "latency": _latency,
    "far": _far,
    "push": _push,
    "memory": _memory,
    "again": _again,
}


def _bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Horizontal bars in groups, with their figures; readable on light and dark pages."""
    most = max(value for figures in groups.values() for value in figures.values())
    names = list(dict.fromkeys(name for figures in groups.values() for name in figures))
    y, parts = 34, [_text(0, 16, title, "start", "bold")]
    for group, figures in groups.items():
        for place, (name, value) in enumerate(figures.items()):
            if not place:
                parts.append(_text(LEFT - 12, y + 14, group, "end"))
            long = max(1.0, (WIDTH - LEFT - 130) * value / most)
            colour = COLOURS[names.index(name) % len(COLOURS)]
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{ROW - 5}" fill="{colour}"/>')
            parts.append(_text(LEFT + long + 6, y + 14, f"{value:g} {NAMES.get(name, name)}", "start"))
            y += ROW
        y += 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="#6b7280"><title>{html.escape(title)}</title>'
        + "".join(parts)
        + "</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{html.escape(text)}</text>"
    )
