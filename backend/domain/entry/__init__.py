"""How a sender gets in: the challenge, its message, credits, a polite no."""
