"""Reading in a process of its own: what a stranger wrote is parsed, read and scored where it can be stopped.

`child` is that process, which keeps itself in bounds, `process` our end of it, `frames` what goes between the two, and
`pool` the port.
"""
