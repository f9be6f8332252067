"""A plain webmail, so that a person can play any mailbox's owner."""
