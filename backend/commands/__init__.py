"""One command of `pitchgate` a file."""
