"""Why a message was written: the finer classes behind "sales" and "legit", the field `class` of each row.

A pitch is separated from each class of ordinary mail on its own, because a newsletter, a colleague and a stranger
with an honest errand differ from a pitch in different ways; and pitches are as little alike as ordinary mail.
"""

from __future__ import annotations

SALES = "sales"
NOTHING = "nothing"
STRANGER = "stranger"
ORDINARY = ("known", STRANGER, "bulk", NOTHING)
"""Somebody the owner deals with; somebody they do not know, who sells nothing; mail sent to many; mail with next
to nothing in it, or far from anything the corpus speaks of, on which nobody should be judged."""
UNKNOWN = (STRANGER, "bulk", NOTHING)
"""Of these, ordinary mail of people the owner does not deal with: whom a sender's record does not keep from harm."""
PITCHES = ("crude", "sequence", "trade", "knowing")
"""Bulk offers to anybody (links, websites, goods, lists, loans); outreach by software and sales people; trades, offices
and insurers as they write; somebody who knows the owner's field and hardly asks for anything."""
CLASSES = {"legit": ORDINARY, SALES: PITCHES}
"""The classes of each label. A pitch in an owner's own mail, of which nobody said more, has the class `SALES`."""
