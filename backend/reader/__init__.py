"""Reading in separate processes: what strangers wrote is parsed and scored in a process that can be killed.

`child` is the code of such a process, `process` its handle in the server, `frames` the protocol between the two, and
`pool` lets the mailboxes use the processes in turn: it is the port `Reader`.
"""
