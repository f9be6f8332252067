"""What the pipeline needs from outside: Protocols only. Each names its units and errors, and whether a call may be
repeated."""
