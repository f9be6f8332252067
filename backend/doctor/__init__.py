"""`pitchgate doctor`: checks a set-up from end to end and names for each fault the command or setting that corrects
it."""
