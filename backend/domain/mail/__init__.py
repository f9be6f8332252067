"""An email, from bytes or from Gmail's part tree: its sender, its visible text, and whether a machine wrote it."""
