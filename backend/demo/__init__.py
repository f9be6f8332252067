"""The demo: a local Google, the real server, and people who write to each other.

processes  sandbox and server as processes that can be killed and started again
letters    the mail that arrives
people     the owner, who connects as a browser would, and sellers who solve the challenge over HTTP
play       the whole evening: arrivals, kills, the end
tally      what became of every message, and whether anything was lost or doubled
"""
