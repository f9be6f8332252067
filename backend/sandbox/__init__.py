"""A local Google in one process: OAuth, Gmail's REST API, Pub/Sub push, a quota meter, faults and a plain webmail.

It imports nothing of the rest of the backend, which reaches it only over HTTP. Its state is in memory and ends with the
process."""
