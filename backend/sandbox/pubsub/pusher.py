"""The task that pushes: one loop over all subscriptions, each push in a task of its own."""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass

import aiohttp

from backend.sandbox.clock import Clock
from backend.sandbox.oauth.signing import KeyRing
from backend.sandbox.pubsub.broker import Broker
from backend.sandbox.pubsub.envelope import PushTokens, push_request
from backend.sandbox.pubsub.model import ACKNOWLEDGING, Delivery, Subscription

LONGEST_WAIT = 1.0
USER_AGENT = "CloudPubSub-Google"


@dataclass(slots=True)
class _Flow:
    """One subscription's flow: pushes under way, and how long it is held back after refusals."""

    in_flight: int = 0
    backoff: float = 0.0
    held_until: float = 0.0


class Pusher:
    """Pushes what is due. Start and stop it inside the running loop."""

    def __init__(self, broker: Broker, keys: KeyRing, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._tokens = PushTokens(keys)
        self._flows: dict[str, _Flow] = defaultdict(_Flow)
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        broker.wake = self._wake.set

    async def start(self) -> None:
        """Begin pushing."""
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT}, connector=aiohttp.TCPConnector(limit=64)
        )
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop pushing; what is under way is cut."""
        tasks = [*self._tasks, *([self._loop_task] if self._loop_task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def pending(self) -> int:
        """Messages waiting or under way on push subscriptions."""
        waiting = sum(len(item.waiting) for item in self._broker.subscriptions.values() if item.endpoint)
        return waiting + sum(flow.in_flight for flow in self._flows.values())

    def unfetched(self) -> int:
        """Messages on subscriptions that are pulled and not acknowledged yet."""
        pulled = [item for item in self._broker.subscriptions.values() if not item.endpoint]
        return sum(len(item.waiting) + len(item.leased) for item in pulled)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait = self._start_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    def _start_due(self) -> float:
        """Start every push that may go now; returns seconds until the next one may."""
        now = self._clock.now()
        wait = LONGEST_WAIT
        if self._broker.modes.paused:
            return wait
        for subscription in list(self._broker.subscriptions.values()):
            if subscription.endpoint and subscription.waiting:
                wait = min(wait, self._start_subscription(subscription, now))
        return max(wait, 0.001)

    def _start_subscription(self, subscription: Subscription, now: float) -> float:
        flow = self._flows[subscription.name]
        if flow.held_until > now:
            return flow.held_until - now
        # After a refusal one push at a time probes the endpoint until it acknowledges again.
        room = 1 if flow.backoff else self._broker.modes.max_in_flight
        due = sorted((item for item in subscription.waiting if item.due <= now), key=lambda item: item.due)
        for delivery in due[: max(0, room - flow.in_flight)]:
            subscription.waiting.remove(delivery)
            flow.in_flight += 1
            task = asyncio.create_task(self._push(subscription, delivery, flow))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        later = [item.due for item in subscription.waiting if item.due > now]
        return min(later) - now if later else LONGEST_WAIT

    async def _push(self, subscription: Subscription, delivery: Delivery, flow: _Flow) -> None:
        delivery.attempt += 1
        acknowledged = False
        try:
            acknowledged = await self._post(subscription, delivery)
        finally:
            flow.in_flight -= 1
            self._settle(subscription, delivery, flow, acknowledged)
            self._wake.set()

    async def _post(self, subscription: Subscription, delivery: Delivery) -> bool:
        assert self._session is not None
        body, headers = push_request(subscription, delivery)
        token = self._tokens.token(subscription, self._broker.modes, self._clock.real())
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._broker.counts["pushed"] += 1
        self._broker.counts["skewed"] += bool(self._broker.modes.bearer_skew or self._clock.skew)
        try:
            async with self._session.post(
                subscription.endpoint,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=subscription.ack_deadline),
            ) as answer:
                self._broker.counts[f"answered_{answer.status}"] += 1
                return answer.status in ACKNOWLEDGING
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._broker.counts["unanswered"] += 1
            return False

    def _settle(
        self, subscription: Subscription, delivery: Delivery, flow: _Flow, acknowledged: bool
    ) -> None:
        now = self._clock.now()
        modes = self._broker.modes
        if acknowledged:
            self._broker.counts["acknowledged"] += 1
            flow.backoff = 0.0
            return
        self._broker.counts["refused"] += 1
        flow.backoff = min(modes.backoff_max, flow.backoff * 2 or modes.backoff_min)
        flow.held_until = now + flow.backoff
        if subscription.dead_letter_topic and delivery.attempt >= subscription.max_attempts:
            self._broker.dead_letter(subscription, delivery.message, now)
            return
        delivery.due = now + subscription.retry_delay(delivery.attempt)
        subscription.waiting.append(delivery)
