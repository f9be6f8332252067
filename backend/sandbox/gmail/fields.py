"""The `fields` parameter: partial answers such as `messages(id,threadId),nextPageToken`."""

from typing import Any

from backend.sandbox.gmail.errors import invalid

Mask = dict[str, "Mask"]
MAX_LENGTH = 2000


def read_mask(text: str) -> Mask:
    """Parse a field mask. Raises ApiError 400."""
    if len(text) > MAX_LENGTH:
        raise invalid("Invalid field mask")
    mask, rest = _group(text.replace(" ", ""), 0)
    if rest != len(text.replace(" ", "")):
        raise invalid(f"Invalid field selection {text[:60]}")
    return mask


def apply_mask(value: Any, mask: Mask) -> Any:
    """Keep only what the mask names; lists are masked item by item. An empty mask keeps everything."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [apply_mask(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: apply_mask(value[name], inner) for name, inner in mask.items() if name in value}


def _group(text: str, at: int) -> tuple[Mask, int]:
    mask: Mask = {}
    while at < len(text):
        start = at
        while at < len(text) and (text[at].isalnum() or text[at] in "*_"):
            at += 1
        name = text[start:at]
        if not name:
            raise invalid(f"Invalid field selection {text[:60]}")
        inner: Mask = {}
        if at < len(text) and text[at] == "/":
            inner, at = _path(text, at + 1)
        elif at < len(text) and text[at] == "(":
            inner, at = _group(text, at + 1)
            if at >= len(text) or text[at] != ")":
                raise invalid(f"Invalid field selection {text[:60]}")
            at += 1
        mask.setdefault(name, {}).update(inner)
        if at >= len(text) or text[at] != ",":
            break
        at += 1
    return mask, at


def _path(text: str, at: int) -> tuple[Mask, int]:
    """One element after a slash: it ends at the next comma or bracket of its own level."""
    start = at
    while at < len(text) and (text[at].isalnum() or text[at] in "*_"):
        at += 1
    name = text[start:at]
    if not name:
        raise invalid(f"Invalid field selection {text[:60]}")
    if at < len(text) and text[at] == "/":
        inner, at = _path(text, at + 1)
        return {name: inner}, at
    if at < len(text) and text[at] == "(":
        inner, at = _group(text, at + 1)
        if at >= len(text) or text[at] != ")":
            raise invalid(f"Invalid field selection {text[:60]}")
        return {name: inner}, at + 1
    return {name: {}}, at
