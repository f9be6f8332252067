"""What the pipeline asks of the outside: Protocols only, each with its units, errors and what a repeat does."""
