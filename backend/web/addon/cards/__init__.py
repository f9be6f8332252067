"""The add-on's cards: plain data made from what the store says. Pure."""
