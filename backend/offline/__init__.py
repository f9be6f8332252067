"""Mail that lies in files: an archive is read message by message and judged as it would have been on arrival.

archives    an mbox, a Takeout zip, a folder, a single mail → raw messages
mbox        where one message of an mbox ends and the next begins; what Gmail's labels are called in its languages
judge       raw messages → verdicts on all cores, with what the owner's own sent mail in the archive tells
"""
