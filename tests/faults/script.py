"""The script of a fault journey: who writes what, and what the owner does. It follows from seed and size alone,
so that a run with faults and a run without can be held against each other letter by letter.

Nothing in it depends on the order in which two letters are handled: a sender who is to be answered has a domain
of their own, and acts follow only once the letters they are about have come to rest.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from backend.demo.letters import Letter, letters

OWNER = "ana@harbourlane.example"
OWNER_NAME = "Ana Duarte"
CREDITS = 3
"""What one solve earns: one credit releases the mail that waits, two are left for follow-ups."""


@dataclass(frozen=True)
class Piece:
    """One letter of the script under a key of its own. `first` is the key of the letter it follows up."""

    key: str
    letter: Letter
    first: str = ""


@dataclass
class Script:
    """Everything that happens, in three acts with a rest between them."""

    first: list[Piece] = field(default_factory=list)
    second: list[Piece] = field(default_factory=list)
    third: list[Piece] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    sellers: list[Letter] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    written_to: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Letters in all."""
        return len(self.first) + len(self.second) + len(self.third)


TAILS = (
    "– für Zürich, im März", "– à propos de l’été à Besançon", "początek współpracy w Łodzi",
    "« œuvre\u00a0: édition »", "👩\u200d💻 größer, schöner, schneller",
    "ação e atenção em São Paulo", "über die Straße nach Köln-Mülheim",
)  # fmt: skip
"""What subjects end in: long, and hard to fold, because Google compares a reply's with its thread's."""

SHARES = {
    "seller": 0.02,
    "pitch": 0.03,
    "guarded": 0.06,
    "forged": 0.02,
    "known": 0.08,
    "machine": 0.10,
    "aside": 0.06,
    "colleague": 0.03,
}
"""Of the letters of the first act; what is left are strangers who sell nothing."""

FIRST, SECOND = 0.68, 0.08


def write_script(seed: int, size: int) -> Script:
    """The script of `size` letters."""
    chance = random.Random(seed)
    script = Script()
    cast = _Cast(chance)
    first = int(size * FIRST)
    for kind, share in SHARES.items():
        for number in range(max(3, int(first * share))):
            piece = cast.piece(kind, number)
            script.first.append(piece)
            if kind == "known":
                script.known.append(piece.letter.address)
            if kind == "seller":
                script.sellers.append(piece.letter)
    script.first += [cast.piece("stranger", n) for n in range(first - len(script.first))]
    script.second = [cast.piece("stranger", 10_000 + n) for n in range(max(4, int(size * SECOND)))]
    _acts(script)
    _follow_ups(script, cast, size)
    for act in (script.first, script.second, script.third):
        chance.shuffle(act)
    return script


def _acts(script: Script) -> None:
    """What the owner does once the first letters rest; each letter in at most one act."""
    guarded = [piece.key for piece in script.first if piece.key.startswith("guarded")]
    pitches = [piece.key for piece in script.first if piece.key.startswith("pitch")]
    strangers = [piece.key for piece in script.first if piece.key.startswith("stranger")]
    few = max(1, len(guarded) // 8)
    script.released = guarded[:few]
    script.returned = guarded[few : 2 * few]
    script.allowed = guarded[2 * few : 3 * few]
    script.answered = pitches[: max(1, len(pitches) // 4)]
    script.declined = pitches[len(script.answered) : len(script.answered) + max(1, len(pitches) // 8)]
    script.blocked = strangers[:few]
    script.deleted = strangers[few : few + max(2, len(strangers) // 40)]
    script.written_to = [f"new{n}@friend{n}.example" for n in range(few)]


def _follow_ups(script: Script, cast: _Cast, size: int) -> None:
    by_key = {piece.key: piece for piece in script.first}
    again: list[Piece] = []
    for number, seller in enumerate(p for p in script.first if p.key.startswith("seller")):
        again += [cast.again(seller, n) for n in range(number % 4)]
    for keys in (script.released, script.allowed, script.blocked, script.answered, script.declined):
        again += [cast.again(by_key[key], 0) for key in keys]
    again += [cast.written_to(address) for address in script.written_to]
    again += [cast.again(piece, 0) for piece in script.first if piece.key.startswith("known")][: size // 20]
    left = size - len(script.first) - len(script.second) - len(again)
    script.third = again + [cast.piece("stranger", 20_000 + n) for n in range(max(0, left))]


class _Cast:
    """Senders and their texts, taken from the demo's letters and given names of their own."""

    def __init__(self, chance: random.Random) -> None:
        everything = letters()
        self._chance = chance
        self._by_kind = {
            "pitch": [one for one in everything if one.kind == "pitch"],
            "guarded": [one for one in everything if one.kind == "pitch_guarded"],
            "forged": [one for one in everything if one.kind == "pitch_forged"],
            "machine": [one for one in everything if one.kind in ("receipt", "list", "bounce")],
            "aside": [one for one in everything if one.kind in ("promotions", "spam")],
            "colleague": [one for one in everything if one.kind == "colleague"],
            "stranger": [
                one
                for one in everything
                if one.kind in ("customer", "applicant", "journalist", "authority", "school", "supplier")
            ],
        }
        self._by_kind["seller"] = self._by_kind["pitch"]
        self._by_kind["known"] = [one for one in everything if one.kind in ("correspondent", "friend")]

    def piece(self, kind: str, number: int) -> Piece:
        """One first letter of `kind`."""
        model = self._chance.choice(self._by_kind[kind])
        name = model.name or "Somebody"
        domain = "harbourlane.example" if kind == "colleague" else f"{kind}{number}.example"
        # Nobody answers a machine: what makes a pitch a guarded one is its address.
        sender = f"{name} <{'no-reply' if kind == 'guarded' else f'{kind}{number}'}@{domain}>"
        tail = " ".join(self._chance.choice(TAILS) for _ in range(self._chance.randint(1, 4)))
        letter = replace(
            model,
            kind=kind,
            sender=sender,
            subject=f"{model.subject} {tail}",
            local=kind == "seller",
            known=kind == "known",
        )
        return Piece(f"{kind}-{number}", letter)

    def again(self, piece: Piece, number: int) -> Piece:
        """A follow-up by the same sender."""
        letter = replace(piece.letter, subject=f"Re: {piece.letter.subject}", local=False, known=False)
        return Piece(f"again{number}-{piece.key}", letter, piece.key)

    def written_to(self, address: str) -> Piece:
        """Somebody the owner has written to of their own accord tries to sell them something."""
        model = self._by_kind["pitch"][0]
        return Piece(f"new-{address}", replace(model, sender=f"New <{address}>", local=False))
