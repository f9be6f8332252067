"""A local Google in one process: OAuth, Gmail's REST API, Pub/Sub push, a quota meter, faults and a plain webmail.

It imports nothing of the rest of the backend, which reaches it only over HTTP. Its state is in memory and ends with the
process."""


class BadRequest(ValueError):
    """A request of a test, a tool or a person that they can correct; the text says how. `status` is the HTTP code."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
