"""The pipeline: what is done with a message or for a mailbox, each stage safe to run twice. Read `stages` first."""
