"""The plan of a fault journey: what breaks, how often, and in which order; it follows from the seed.

Every fault of the sandbox strikes at least `each` times, and what comes and goes on any method strikes each that is
called. Answers that are final for Google's own reasons are aimed only where the product may recover from them: a 404 to
messages.get says that the message is gone, and invalidArgument that it will never be given out, so both would rightly
change the end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import WOULD_BE_HELD
from backend.settings import GMAIL_MODIFY
from tests.faults.fixture import NAME, Fixture
from tests.faults.helpers import project
from tests.faults.script import OWNER

ANYWHERE = (
    "unauthenticated", "rate_limit", "user_rate_limit", "daily_limit", "access_not_configured",
    "too_many_requests", "too_many_concurrent", "backend_500", "bad_gateway", "unavailable",
    "gateway_timeout", "slow", "drop", "drop_after", "drop_mid", "unavailable_after", "garbage",
)  # fmt: skip
PASSING = ("failed_precondition", "forbidden_page")
METHODS = (
    "getProfile", "history.list", "labels.create", "labels.list", "messages.get", "messages.list", "messages.modify",
    "messages.send", "settings.getVacation", "settings.sendAs.list", "threads.get", "watch",
)  # fmt: skip
"""What the product calls in these acts; `PASSING` strikes each of them."""
WITH_LETTERS = ("messages.get", "messages.modify", "messages.send", "settings.getVacation", "threads.get")
"""What is called about new letters only: what strikes it comes while the most of them do."""
TOKEN_PASSING = (
    "rate_limit_exceeded", "disabled_client", "deleted_client", "invalid_client", "unauthorized_client",
    "restricted_client", "invalid_scope", "internal_failure", "forbidden_page", "failed_precondition",
)  # fmt: skip
"""Refusals of a refresh that pass; the last one is an error that is an object."""
ENDS_GRANT = ("invalid_grant", "admin_policy_enforced", "org_internal")
AIMED = {
    "invalid_argument": ("history.list", "messages.modify", "labels.list"),
    "not_found": ("history.list",),
    "label_conflict": ("messages.modify",),
}
TOPPED_UP = {"invalid_argument": "labels.list", "not_found": "history.list"}
MADE_BY_CONNECTING = ("watch", "labels.list")
"""Where these still strike when all mail is dealt with: a duty that was refused rests, twice as long each time, until
the owner connects again."""
SELDOM = ("watch", "oauth.token", "oauth.certs")
"""Calls that are not waited for."""
MADE_ANEW = {"revoke": "label_taken", "narrow_scopes": "label_conflict"}
"""The label that is made again when consent has been mended meets this at its making: somebody else has just made
it, or a conflict that no list explains."""
ENDS_CONSENT = ("insufficient_scope", "domain_policy")
PARTS = {
    "oauth.token": ("slow", "drop", "unavailable", "backend_500"),
    "oauth.certs": ("slow", "drop", "unavailable"),
}
ACTS = ("raise_history_floor", "expire_watch", "expire_access_tokens", "revoke", "refuse_refresh",
        "narrow_scopes", "exhaust_quota", "delete_label")  # fmt: skip
TURNS: dict[str, dict[str, Any]] = {
    "duplicate_pushes": {"copies": 3},
    "reordered_pushes": {"reorder": 2.0},
    "late_pushes": {"delay": 2.0},
    "dropped_pushes": {"drop_ratio": 1.0},
    "skewed_push_clock": {"bearer_skew": 25.0},
    "forged_pushes": {"bearer_fault": "signature"},
    "foreign_pushes": {"bearer_fault": "email"},
}
"""Push modes, in force for a moment each."""
SKEW = 25.0
"""Seconds by which Google's clock is ahead of ours or behind, in turns; with `skewed_push_clock` on top a push's
token may be beyond what is allowed for."""
STILL: dict[str, Any] = {
    "copies": 1, "reorder": 0.0, "delay": 0.0, "drop_ratio": 0.0, "bearer_skew": 0.0, "bearer_fault": "",
}  # fmt: skip
KNOBS: dict[str, dict[str, Any]] = {
    "lagging_history": {"history_lag": 1.5},
    "empty_history_pages": {"history_empty_pages": 2},
    "history_without_labels": {"history_labels": "none"},
    "history_ids_as_text": {"history_id_type": "string"},
    "kept_message_ids": {"rewrite_message_ids": False},
    "concurrency_cap": {"concurrency_cap": 2},
}
USUAL: dict[str, Any] = {
    "history_lag": 0.0, "history_empty_pages": 0, "history_labels": "added", "history_id_type": "number",
    "rewrite_message_ids": True, "concurrency_cap": 0, "latency_ms": 0,
}  # fmt: skip
CROWDED: dict[str, Any] = {"concurrency_cap": 4, "latency_ms": 300}
"""While the calls of another program of the owner's take all places the mailbox has."""
CROWD = 60

PLANNED = (
    *ANYWHERE, *PASSING, *AIMED, *MADE_ANEW.values(), *ENDS_CONSENT, *ACTS, *TURNS, *KNOBS, "invalid_grant",
    "crowd", "skewed_clock", "skewed_mail", "skewed_watch", "skewed_sign_in",
)  # fmt: skip
"""Every fault that has to strike, by the name it is counted under."""
Injection = tuple[str, Callable[[str], Awaitable[None]]]
"""The method a fault waits for ("" if it strikes at once), and what brings it about, given that method."""

MOST_RULES = 4
"""Rules in force for one method: with more, calls would hardly ever succeed."""
STANDSTILL = 3.0
"""Seconds without a fault that may be put in force, or that strikes: what is left then is for later."""

MENDING = 240.0
"""Seconds in which the owner must have come through to connect again, over deaths, on a machine with other work."""

ANY_CALL = ("messages.*", "messages.get")
EARLY = 0.5
"""Share of the plan that lies in the first act, whatever is put in beside it."""
AHEAD = 0.3
"""Share of an act's letters that may be under way before its trouble has come as far."""
LEAST_LIFE = 3.0
"""Seconds the backend lives at least on average: dying sooner it would never come to do anything."""


def part_of(each: int) -> int:
    """How often at least a fault that strikes many methods strikes each of them."""
    return -(-each // 4)


class Trouble:
    """Plays the plan in a house. `counts` is what has happened so far, by name; `friend` is somebody the owner has
    written to before."""

    def __init__(
        self, fixture: Fixture, seed: int, each: int, kills: int, seconds: float, friend: str
    ) -> None:
        self._fixture = fixture
        self._chance = random.Random(seed)
        self._each = each
        self._kills = kills
        self._seconds = seconds
        self._plan = self._write_plan()
        self._total = len(self._plan)
        self._progress = 1.0
        self._broken_until: float | None = None
        self._returning = 2.0
        self._friend = friend
        self._skew = 0.0
        self.counts: Counter[str] = Counter()

    def _write_plan(self) -> list[Injection]:
        plan: list[Injection] = []

        def rule(kind: str, method: str = "*", times: int = 1) -> None:
            plan.append((method, lambda method: self._rule(kind, method, times)))

        for kind in ANYWHERE:
            for _ in range(self._each):
                rule(kind, self._chance.choice(("*", "messages.*", "messages.get", "messages.get")))
        for kind, methods in AIMED.items():
            for _ in range(self._each):
                rule(kind, self._chance.choice(methods))
        for kind in ENDS_CONSENT:
            for _ in range(-(-self._each // 3)):
                rule(kind, times=3)
        for _ in range(self._each):
            plan.append(("oauth.token", lambda _: self._refused_token(ENDS_GRANT[0])))
            plan += [("", self._crowd), ("", self._skew_clock)]
        for method, kinds in PARTS.items():
            for kind in kinds:
                for _ in range(part_of(self._each)):
                    rule(kind, method)
        for kind in (*TOKEN_PASSING, *ENDS_GRANT[1:]):
            for _ in range(part_of(self._each)):
                plan.append(("oauth.token", lambda _, kind=kind: self._refused_token(kind)))  # type: ignore[misc]
        for name in ACTS:
            for _ in range(self._each):
                plan.append(("", lambda _, name=name: self._act(name)))  # type: ignore[misc]
        for name in (*TURNS, *KNOBS):
            for _ in range(self._each):
                plan.append(("", lambda _, name=name: self._turn(name)))  # type: ignore[misc]
        self._chance.shuffle(plan)
        early = range(int(len(plan) * EARLY))
        for kind in PASSING:
            for method in METHODS:
                for _ in range(part_of(self._each)):
                    at = (
                        self._chance.choice(early)
                        if method in WITH_LETTERS
                        else self._chance.randrange(len(plan))
                    )
                    plan.insert(at, (method, lambda method, kind=kind: self._rule(kind, method)))  # type: ignore[misc]
        return plan

    async def pace(self, share: float) -> None:
        """Wait until the trouble of this act has come as far as `share` of it."""
        while share > self._progress + AHEAD:  # noqa: ASYNC110 - a poll, in another process's time
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def during(self, share: float) -> AsyncIterator[None]:
        """`share` of all trouble happens while the body runs; then everything is lifted, and comes to rest."""
        count = round(self._total * share)
        last = count >= len(self._plan) - 2
        part = self._plan if last else self._plan[:count]
        self._plan = [] if last else self._plan[count:]
        kills = self._kills - self._fixture.kills if last else round(self._kills * share)
        self._progress = 0.0
        watching = asyncio.create_task(self._keep_connected())
        fidgeting = asyncio.create_task(self._fidget())
        try:
            await self._skew_clock("")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._inject(part, self._seconds * share))
                group.create_task(self._kill(kills, self._seconds * share))
                yield
            if last:
                await self._top_up()
            await self._spend(60.0)
        finally:
            self._progress = 1.0
            fidgeting.cancel()
            await self._fixture.sandbox.lift()
            await self._fixture.sandbox.knobs(**USUAL)
            await self._fixture.sandbox.push_modes(**STILL)
            await self._fixture.sandbox.skew_clock(0)
            await self._mended()
        # A refusal that Google gave before may come late, and the owner is told to connect once more.
        await self._fixture.rest()
        watching.cancel()

    async def _inject(self, part: list[Injection], seconds: float) -> None:
        """Everything in `part`, in its order except that what still has enough in force waits for its turn."""
        began, left, moved = time.monotonic(), list(part), time.monotonic()
        while left:
            rules, _ = await self._fixture.sandbox.faults()
            waiting = Counter(rule["method"] for rule in rules)
            ready = [n for n, (method, _) in enumerate(left) if not method or waiting[method] < MOST_RULES]
            if not ready and time.monotonic() - moved < STANDSTILL:
                await asyncio.sleep(0.05)
                continue
            method, injection = left.pop(ready[0] if ready else 0)
            # Calls of that kind have ceased for this act: the fault strikes any other, if it can.
            await injection(method if ready or method not in ANY_CALL else "*")
            moved = time.monotonic()
            self._progress = 1 - len(left) / len(part)
            ahead = began + seconds * self._progress - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
        self._progress = 1.0

    async def _kill(self, kills: int, seconds: float) -> None:
        """The backend dies at random moments, spread over `seconds`, the time it takes to return included."""
        began = time.monotonic()
        for number in range(kills):
            left = began + seconds - time.monotonic()
            alive = max(LEAST_LIFE, left / (kills - number) - self._returning)
            await asyncio.sleep(self._chance.uniform(0.3, 1.7) * alive)
            died = time.monotonic()
            await self._fixture.kill_and_restart()
            self._returning = time.monotonic() - died

    async def _fidget(self) -> None:
        """The owner marks an old letter read and unread, so that there is always some call to spoil."""
        on = False
        while True:
            await asyncio.sleep(0.25)
            if self._fixture.ids:
                some = next(iter(self._fixture.ids.values()))
                on = not on
                unread = ("UNREAD",)
                with suppress(PitchgateError):
                    await self._fixture.sandbox.move(
                        OWNER, [some], unread if on else (), () if on else unread
                    )

    async def _rule(self, kind: str, method: str, times: int = 1) -> None:
        ours = {} if method.startswith("oauth.") else {"project": project(NAME)}
        seconds = round(self._chance.uniform(0.2, 2.2), 2)
        await self._fixture.sandbox.rule(kind, method=method, times=times, seconds=seconds, **ours)

    async def _refused_token(self, kind: str) -> None:
        await self._rule(kind, "oauth.token")
        await self._fixture.sandbox.act("expire_access_tokens", OWNER)

    async def _crowd(self, _: str) -> None:
        """Another program of the owner's uses up the places."""
        sandbox = self._fixture.sandbox
        await sandbox.knobs(**(USUAL | CROWDED))
        await sandbox.crowd(OWNER, CROWD)
        await sandbox.knobs(**USUAL)
        self.counts["crowd"] += 1

    async def _skew_clock(self, _: str) -> None:
        self._skew = -SKEW if self._skew > 0 else SKEW
        await self._fixture.sandbox.skew_clock(self._skew)
        self.counts["skewed_clock"] += 1

    async def _delete_label(self) -> None:
        """A label that no mail of ours carries: deleting Held would rightly let all held mail go."""
        sandbox = self._fixture.sandbox
        await sandbox.move(OWNER, [next(iter(self._fixture.ids.values()))], add=(WOULD_BE_HELD,))
        await sandbox.act("delete_label", OWNER, label=WOULD_BE_HELD)

    async def _act(self, name: str) -> None:
        sandbox = self._fixture.sandbox
        if name in MADE_ANEW:
            await self._mended()
            await self._delete_label()
            await self._rule(MADE_ANEW[name], "labels.create")
        if name == "delete_label":
            await self._delete_label()
        elif name == "exhaust_quota":
            await sandbox.act(name, OWNER)
            await asyncio.sleep(0.5)
            await sandbox.reset_meter()  # the minute is over
        elif name == "narrow_scopes":
            await sandbox.act(name, OWNER, remove=[GMAIL_MODIFY])
            self._break_consent()
        else:
            if name == "refuse_refresh":
                await self._mended()
            await sandbox.act(name, OWNER)
            if name == "refuse_refresh":
                await sandbox.act("expire_access_tokens", OWNER)
            if name in ("revoke", "refuse_refresh"):
                self._break_consent()

    async def _turn(self, name: str) -> None:
        if name in TURNS:
            await self._fixture.sandbox.push_modes(**(STILL | TURNS[name]))
        else:
            await self._fixture.sandbox.knobs(**(USUAL | KNOBS[name]))
        self.counts[name] += 1

    def _break_consent(self) -> None:
        """The owner mends it within a second, whether the backend has noticed or not."""
        self._broken_until = time.monotonic() + self._chance.uniform(0.1, 1.0)

    async def _keep_connected(self) -> None:
        """The owner connects again whenever she is told to, or a moment after she took her consent back."""
        while True:
            await asyncio.sleep(0.15)
            mailbox = await self._fixture.mailbox()
            lost = mailbox is not None and mailbox.link is AccessState.NEEDS_RECONNECT
            broken = self._broken_until is not None
            late = self._broken_until is not None and time.monotonic() > self._broken_until
            if lost or late:
                if broken:
                    await self._fixture.sandbox.act("refuse_refresh", OWNER, on=False)
                    self.counts["refuse_refresh_lifted"] += 1
                if await self._fixture.connect():
                    self._broken_until = None
                else:
                    await asyncio.sleep(1.0)  # a person would not press the button six times a second

    async def _mended(self) -> None:
        """Wait until the owner's consent stands."""
        end = time.monotonic() + MENDING
        while time.monotonic() < end:
            mailbox = await self._fixture.mailbox()
            if self._broken_until is None and mailbox is not None and mailbox.link is AccessState.CONNECTED:
                return
            await asyncio.sleep(0.1)
        raise PitchgateError("The owner could not connect again.")

    async def _spend(self, seconds: float, standstill: float = STANDSTILL) -> None:
        """Wait until the rules in force have struck, or none does any more although no letter is left; at most so
        long. A server that Google refuses rests longer and longer, and its letters are what some rules wait for."""
        end, moved, before = time.monotonic() + seconds, time.monotonic(), -1
        while time.monotonic() < end:
            rules, _ = await self._fixture.sandbox.faults()
            left = sum(rule["method"] not in SELDOM for rule in rules)
            if left != before:
                before, moved = left, time.monotonic()
            if not left:
                return
            if time.monotonic() - moved > standstill:
                if not await self._fixture.letters_left():
                    return
                moved = time.monotonic()
            await asyncio.sleep(0.1)

    async def _top_up(self) -> None:
        """What was lifted before it struck strikes now, wherever there is a call."""
        for _ in range(10):
            await self._spend(15.0, standstill=6.0)
            _, counts = await self._fixture.sandbox.faults()
            short = [
                kind
                for kind in (*ANYWHERE, *AIMED, *ENDS_CONSENT)
                for _ in range(self._each - counts.get(kind, 0))
                if kind not in MADE_ANEW.values()
            ]
            remade = [act for act, kind in MADE_ANEW.items() for _ in range(self._each - counts.get(kind, 0))]
            watches = self._each - counts.get("skewed_watch", 0)
            missing = [
                pair for pair, number in (await self.on_methods()).items() if number < part_of(self._each)
            ]
            if not short and not remade and not missing and watches <= 0:
                return
            for pair in missing:
                await self._again(*pair.split(" on "))
            for act in remade:
                await self._act(act)
            for _ in range(watches - len(remade)):
                await self._watched_anew()
            for kind in short:
                method = TOPPED_UP.get(kind, "*")
                await self._rule(kind, method)
                if method in MADE_BY_CONNECTING:
                    await self._watched_anew()

    async def _watched_anew(self) -> None:
        """Consent ends, the owner mends it, and Gmail is asked to watch again while its clock is off."""
        await self._mended()
        _, before = await self._fixture.sandbox.faults()
        await self._fixture.sandbox.act("revoke", OWNER)
        self._break_consent()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            _, counts = await self._fixture.sandbox.faults()
            if counts.get("skewed_watch", 0) > before.get("skewed_watch", 0):
                return
            await asyncio.sleep(0.1)

    async def _again(self, kind: str, method: str) -> None:
        """A fault that has not struck a method often enough, and what makes the product call it."""
        if method == "oauth.token":
            await self._refused_token(kind)
            return
        if method == "labels.create":
            await self._mended()
            await self._delete_label()
        await self._rule(kind, method)
        if method == "messages.get":
            # Their own mail is read, too, and changes nothing about a friend.
            await self._fixture.sandbox.write(OWNER, self._friend, "Shall we say Friday? Yours, Ana")
        elif method in ("getProfile", "messages.list", "threads.get"):
            await self._act("raise_history_floor")
        elif method not in WITH_LETTERS:
            await self._watched_anew()

    async def on_methods(self) -> dict[str, int]:
        """How often what passes has struck, by kind and method."""
        met = await self._fixture.sandbox.by_method()
        pairs = [(kind, method) for kind in PASSING for method in METHODS]
        pairs += [(kind, "oauth.token") for kind in (*TOKEN_PASSING, *ENDS_GRANT)]
        return {f"{kind} on {method}": met.get(kind, {}).get(method, 0) for kind, method in pairs}

    async def report(self) -> dict[str, int]:
        """How often each fault struck."""
        with suppress(aiohttp.ClientError):
            _, counts = await self._fixture.sandbox.faults()
            happened = Counter(counts)
            happened["refuse_refresh"] -= self.counts["refuse_refresh_lifted"]
            for name, number in self.counts.items():
                if name != "refuse_refresh_lifted":
                    happened[name] = number
            pushes = (await self._fixture.sandbox.push_report())["counts"]
            happened["pushes_lost"] = pushes.get("lost", 0)
            happened["pushes_refused"] = pushes.get("answered_401", 0)
            happened["pushes_unanswered"] = pushes.get("unanswered", 0)
            return dict(sorted(happened.items()))
        return {}
