"""A local Google: OAuth, Gmail REST, Pub/Sub push, a meter, faults and a plain webmail, in one process.

It stands alone: nothing here imports the rest of the backend, and the rest only meets it over HTTP.
State lives in memory and ends with the process.
"""
