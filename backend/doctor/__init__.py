"""`pitchgate doctor`: a set-up looked at from end to end, each fault with the command or setting that mends it."""
