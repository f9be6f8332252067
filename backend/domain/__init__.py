"""The nouns: pure values and rules. No I/O, no clock, no randomness; `now` is handed in.

Read `message` (what arrived), `policy` (what follows from it), `challenge` and `credits` (how a
sender gets in) and `mailbox` (what state an owner's mailbox is in).
"""
