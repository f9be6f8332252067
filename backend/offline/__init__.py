"""Reads email archives and judges each message as if it had just arrived.

archives    an mbox, a Takeout zip, a folder, a single email → raw messages
mbox        splitting an mbox into messages; the names of Gmail's labels in its languages
judge       raw messages → verdicts, on all cores, using the owner's sent mail in the archive
"""
