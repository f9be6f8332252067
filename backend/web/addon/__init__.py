"""The Gmail sidebar add-on: Google asks in its owner's name."""
