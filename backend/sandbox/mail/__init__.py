"""The mailbox as a pure model in memory: no sockets, no clock, no global randomness."""
