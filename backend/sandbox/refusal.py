"""What Gmail says no to."""


class GmailRefusal(ValueError):
    """A request Gmail would refuse: `status` is the HTTP code, `message` Gmail's wording."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
