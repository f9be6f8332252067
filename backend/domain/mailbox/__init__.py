"""A mailbox: its state and preferences, the owner's decisions and rules, figures and archive."""
