"""Time, randomness and secrets at rest: the real ones behind `backend.ports.system`."""
