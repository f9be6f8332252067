"""Hand-written stand-ins for the outside, shared by unit tests and journeys."""
