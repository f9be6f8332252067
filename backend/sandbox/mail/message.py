"""One stored message: raw bytes, labels, and views parsed once when first asked for."""

from functools import cached_property

from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.mime_view import Part, parse, snippet_of, text_of


class StoredMessage:
    """A message in a mailbox. `internal_date` is epoch milliseconds; `labels` changes over its life."""

    def __init__(
        self, message_id: str, thread_id: str, raw: bytes, labels: set[str], internal_date: int
    ) -> None:
        self.id = message_id
        self.thread_id = thread_id
        self.raw = raw
        self.labels = labels
        self.internal_date = internal_date
        self.history_id = 0
        self.headers = fields.read_headers(raw)

    @property
    def sort_key(self) -> tuple[int, str]:
        """Oldest first."""
        return (self.internal_date, self.id)

    def header(self, name: str) -> str:
        """The first value of a header field (any case), or an empty string."""
        return fields.first(self.headers, name)

    @cached_property
    def rfc822_id(self) -> str:
        """The Message-ID without angle brackets, or an empty string."""
        found = fields.message_ids(self.header("Message-ID"))
        return found[0] if found else ""

    @cached_property
    def subject(self) -> str:
        """The subject as shown, or an empty string."""
        return self.header("Subject")

    @cached_property
    def root(self) -> Part:
        """The part tree."""
        return parse(self.raw)

    @cached_property
    def snippet(self) -> str:
        """The first words, HTML-escaped."""
        return snippet_of(self.root)

    @cached_property
    def text(self) -> str:
        """The readable text."""
        return text_of(self.root)

    @cached_property
    def has_attachment(self) -> bool:
        """Whether any part carries a file name."""
        return any(part.filename for part in self.root.walk())
