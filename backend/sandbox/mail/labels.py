"""Label names, ids and the rules Gmail applies to them."""

from dataclasses import dataclass, field

from backend.sandbox.refusal import GmailRefusal

SYSTEM_LABELS = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
# Gmail refuses these in messages.modify: they say how a message came to be.
FIXED_LABELS = frozenset({"SENT", "DRAFT", "CHAT"})
# A message is in one of these at most.
PLACES = frozenset({"INBOX", "SPAM", "TRASH"})
MAX_USER_LABELS = 10_000
MAX_NAME_LENGTH = 225

_RESERVED = frozenset(name.lower() for name in SYSTEM_LABELS) | {"all mail", "important", "bin", "scheduled"}


class LabelError(GmailRefusal):
    """About a label."""


@dataclass(slots=True)
class Label:
    """One label. `name` equals `id` for system labels."""

    id: str
    name: str
    system: bool = False
    label_list_visibility: str = "labelShow"
    message_list_visibility: str = "show"
    color: dict[str, str] | None = None


@dataclass(slots=True)
class LabelBook:
    """All labels of one mailbox; names are unique without regard to case."""

    _by_id: dict[str, Label] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
    _next: int = 1

    def __post_init__(self) -> None:
        for name in SYSTEM_LABELS:
            self._by_id[name] = Label(id=name, name=name, system=True)

    def all(self) -> list[Label]:
        """System labels first, then user labels in order of creation."""
        return list(self._by_id.values())

    def get(self, label_id: str) -> Label | None:
        """The label with this id, or None."""
        return self._by_id.get(label_id)

    def named(self, name: str) -> Label | None:
        """The label with this name (any case), or None."""
        label_id = self._by_name.get(name.strip().lower())
        return self._by_id.get(label_id) if label_id else self._by_id.get(name.strip().upper())

    def create(self, name: str) -> Label:
        """A new user label. Raises LabelError: 409 if the name is taken, 400 if it is not allowed."""
        clean = self._checked(name)
        if len(self._by_name) >= MAX_USER_LABELS:
            raise LabelError(400, "Too many labels")
        label = Label(id=f"Label_{self._next}", name=clean)
        self._next += 1
        self._by_id[label.id] = label
        self._by_name[clean.lower()] = label.id
        return label

    def rename(self, label: Label, name: str) -> None:
        """Give a user label another name. Raises LabelError as `create` does."""
        if label.system:
            raise LabelError(400, "Cannot update system label")
        clean = self._checked(name, own_id=label.id)
        del self._by_name[label.name.lower()]
        label.name = clean
        self._by_name[clean.lower()] = label.id

    def remove(self, label: Label) -> None:
        """Delete a user label. Raises LabelError for a system label."""
        if label.system:
            raise LabelError(400, "Cannot delete system label")
        del self._by_id[label.id]
        del self._by_name[label.name.lower()]

    def _checked(self, name: str, own_id: str | None = None) -> str:
        clean = name.strip()
        if not clean or len(clean) > MAX_NAME_LENGTH or clean.lower() in _RESERVED:
            raise LabelError(400, "Invalid label name")
        if any(part.strip() == "" for part in clean.split("/")):
            raise LabelError(400, "Invalid label name")
        holder = self._by_name.get(clean.lower())
        if holder is not None and holder != own_id:
            raise LabelError(409, "Label name exists or conflicts")
        return clean
