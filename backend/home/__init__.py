"""`pitchgate home`: one owner, one machine behind a router, from nothing to a mailbox that is read."""
