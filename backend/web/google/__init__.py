"""Google itself: pushes, and owners on their way to its consent page and back."""
