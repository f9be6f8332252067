"""The nouns: pure values and rules. No I/O, no clock, no randomness; `now` is handed in.

Read `mail` (what arrived), `reading` (what the model makes of it), `policy` (what follows), `challenge` (how a sender
gets in) and `mailbox` (an owner's mailbox).
"""
