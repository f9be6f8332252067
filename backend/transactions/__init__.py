"""One file a concern; every function is one transaction, or a part of one that others call with `yield from`."""
