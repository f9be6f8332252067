"""How the model reads a message, and how its findings are put into words."""
