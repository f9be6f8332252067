"""The mailbox as a pure in-memory model: no sockets, no clock, no global randomness."""
