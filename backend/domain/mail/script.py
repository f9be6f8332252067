"""In which letters a name is written: figures tell by it whether the model errs more for some people."""

from __future__ import annotations

import unicodedata

_ORDINALS = {"MASCULINE", "FEMININE"}  # the signs of "Eng.ª" and "Sr.º"


def script_of(name: str) -> str:
    """Of a name: "latin" (plain), "accents" (Latin with accents and marks), another script by its Unicode name in lower
    case, or "" where it has no letters."""
    letters = [letter for letter in name if letter.isalpha()]
    if not letters:
        return ""
    scripts = {unicodedata.name(letter, "unknown").split(" ")[0] for letter in letters} - _ORDINALS
    if not scripts <= {"LATIN"}:
        return min(scripts - {"LATIN"}).lower()
    return "latin" if all(letter.isascii() for letter in letters) else "accents"
