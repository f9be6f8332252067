"""What arrived, from bytes or from Gmail's part tree, and what its form alone shows."""
