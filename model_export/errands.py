"""Why a message was written: finer classes of "sales" and "legit", the field `class` of each row.

The model separates pitches from each class of ordinary mail on its own, because a newsletter, a colleague and a
stranger with a real request differ from a pitch in different ways. Pitches differ among themselves just as much."""

from __future__ import annotations

SALES = "sales"
NOTHING = "nothing"
STRANGER = "stranger"
ORDINARY = ("known", STRANGER, "bulk", NOTHING)
"""People the owner deals with; strangers who sell nothing; mail sent to many; mail that says next to nothing, or is far
from everything in the corpus, by which nobody should be judged."""
UNKNOWN = (STRANGER, "bulk", NOTHING)
"""Those of them whom the owner does not deal with, so that a sender's record does not protect them."""
PITCHES = ("crude", "sequence", "trade", "knowing")
"""Bulk offers to anybody (links, websites, goods, lists, loans); outreach by software and sales people; trades, offices
and insurers; sellers who know the owner's field and hardly ask for anything."""
CLASSES = {"legit": ORDINARY, SALES: PITCHES}
"""The classes of each label. A pitch in an owner's own mail has the class `SALES`, because nothing more is known of
it."""
