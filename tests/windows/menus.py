"""The lines a tray menu should have, written down again: on Windows nobody can ask it."""

from __future__ import annotations

from typing import Any

SENDER = ("Why:", "Allow ann", "Allow everyone at", "Release", "Block ann", "Keep held")


def item(label: str, *children: dict[str, Any]) -> dict[str, Any]:
    """One line of a menu, as `Screen.menu` tells of it."""
    return {"label": label, "type": "standard", "children": list(children)}


def menu(*held: str, state: tuple[str, ...] = ("Active",), undo: bool = False) -> list[dict[str, Any]]:
    """The lines of the menu for these held senders."""
    words = [item(name, *map(item, SENDER)) for name in held]
    head = [*map(item, state), *([item("Undo")] if undo else [])]
    shelf = [item("Held, waiting for you"), *words] if held else [item("Nothing is held")]
    pause = item("Pause", item("For 1 hour"), item("Until tomorrow"))
    level = item("Strictness", item("Relaxed"), item("Normal"), item("Strict"))
    switches = map(item, ("Notify me", "Open at login", "Notify me about updates"))
    account = map(item, ("Connected computers", "Disconnect", "About", "Quit"))
    return [*head, *shelf, item("Review"), pause, level, *switches, *account]
