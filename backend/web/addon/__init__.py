"""The Gmail sidebar add-on: Google calls it on the owner's behalf."""
