"""The demo: a local Google, the real server, and people who write to each other.

processes    the sandbox and the server as processes that can be killed and started again
google       what a script may do in the sandbox: mailboxes, deliveries, the meter
owner        connects her mailbox as a browser would
letters      the mail that arrives
salesperson  finds the challenge in their mailbox and solves it over HTTP
play         the whole evening: arrivals, kills, the end
tally        what became of every message, and whether anything was lost or doubled
"""
