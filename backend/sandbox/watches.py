"""users.watch: which mailbox changes are published, to which topic, and how often at most."""

from collections import Counter
from dataclasses import dataclass, field

from backend.sandbox.faults import Knobs
from backend.sandbox.mail.history import HistoryRecord
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.pubsub.broker import TOPIC_NAME, Broker
from backend.sandbox.wire import GmailRefusal

CONFLICT = "Only one user push notification client allowed per developer (call /stop then try again)"


class WatchError(GmailRefusal):
    """About a watch."""


@dataclass(slots=True)
class Watch:
    """One active watch. `expires` and `last_published` are epoch seconds."""

    topic: str
    project: str
    expires: float
    labels: frozenset[str] = field(default_factory=frozenset)
    exclude: bool = False
    last_published: float = 0.0

    def covers(self, record: HistoryRecord) -> bool:
        """Whether the label filter lets a change through."""
        if not self.labels:
            return True
        touched = frozenset(record.labels) | frozenset(record.added) | frozenset(record.removed)
        return not (touched & self.labels) if self.exclude else bool(touched & self.labels)


class Watches:
    """All watches, by mailbox and project."""

    def __init__(self, broker: Broker, knobs: Knobs) -> None:
        self._broker = broker
        self._knobs = knobs
        self._watches: dict[tuple[str, str], Watch] = {}
        self.counts: Counter[str] = Counter()

    def start(
        self,
        mailbox: Mailbox,
        project: str,
        topic: str,
        labels: frozenset[str],
        exclude: bool,
        now: float,
    ) -> Watch:
        """Begin or renew a watch; publishes once at once. Raises WatchError."""
        self._check_topic(project, topic)
        present = self._watches.get((mailbox.address, project))
        if present is not None and present.expires > now and present.topic != topic:
            raise WatchError(400, CONFLICT)
        watch = Watch(topic, project, now + self._knobs.watch_lifetime, labels, exclude)
        self._watches[(mailbox.address, project)] = watch
        self._publish(mailbox, watch, mailbox.history.current, now)
        return watch

    def stop(self, mailbox: Mailbox, project: str) -> None:
        """End a watch; nothing happens if there is none."""
        self._watches.pop((mailbox.address, project), None)

    def expire(self, address: str) -> int:
        """Let the mailbox's watches lapse in silence; returns how many there were."""
        mine = [watch for (owner, _), watch in self._watches.items() if owner == address]
        for watch in mine:
            watch.expires = 0.0
        return len(mine)

    def of(self, address: str) -> list[Watch]:
        """The mailbox's watches, lapsed ones included."""
        return [watch for (owner, _), watch in self._watches.items() if owner == address]

    def rename(self, before: str, address: str) -> None:
        """The mailbox has another address."""
        for owner, project in [key for key in self._watches if key[0] == before]:
            self._watches[(address, project)] = self._watches.pop((owner, project))

    def forget(self, address: str) -> None:
        """Drop the watches of a mailbox that is no more."""
        for key in [key for key in self._watches if key[0] == address]:
            del self._watches[key]

    def changed(self, mailbox: Mailbox, records: list[HistoryRecord], now: float) -> None:
        """Publish a change to every watch it concerns."""
        for watch in self.of(mailbox.address):
            if watch.expires <= now:
                self.counts["lapsed"] += 1
            elif any(watch.covers(record) for record in records):
                self._publish(mailbox, watch, records[-1].id, now)

    def _publish(self, mailbox: Mailbox, watch: Watch, history_id: int, now: float) -> None:
        # Google drops, not queues, what exceeds one notification a second and user.
        if now - watch.last_published < self._knobs.push_interval:
            self.counts["dropped"] += 1
            return
        watch.last_published = now
        self.counts["published"] += 1
        shown = history_id if self._knobs.history_id_type == "number" else str(history_id)
        payload = {"emailAddress": mailbox.address, "historyId": shown}
        self._broker.publish_json(watch.topic, payload, now)

    def _check_topic(self, project: str, topic: str) -> None:
        match = TOPIC_NAME.match(topic)
        if match is None or match.group(1) != project:
            raise WatchError(400, f"Invalid topicName does not match projects/{project}/topics/*")
        known = self._broker.topics.get(topic)
        name = match.group(2)
        if known is None:
            text = (
                f"Error sending test message to Cloud PubSub {topic} : Resource not found (resource={name})."
            )
            raise WatchError(404, text)
        if not known.gmail_may_publish:
            text = f"Error sending test message to Cloud PubSub {topic} : User not authorized to perform this action."
            raise WatchError(403, text)
