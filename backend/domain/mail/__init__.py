"""What arrived, from bytes or from Gmail's part tree, and what can be told from its form alone."""
