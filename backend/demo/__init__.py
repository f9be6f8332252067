"""The demo: a local Google, the real server, and people who write to each other.

letters  the mail that arrives
people   sandbox and server as processes that can be killed and started again; the owner, who connects as a browser
         would, and sellers who solve the challenge over HTTP
play     the whole evening: arrivals, kills, the end; and whether any message was lost or doubled
"""
