"""The pages of a signed-in owner."""
