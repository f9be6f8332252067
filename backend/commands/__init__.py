"""The commands of `pitchgate`. Their docstrings are for readers of the code; the help is in the catalogue
(`help.…`)."""
