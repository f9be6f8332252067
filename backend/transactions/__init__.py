"""Transactions as generators, a module per subject. Each function is one, or a part called by `yield from`."""
