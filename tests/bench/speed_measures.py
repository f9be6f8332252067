"""What is measured of a server: CPU a message in bursts and one by one, latency, rate when Google is far, memory."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.demo.letters import Letter, letters
from backend.domain.mailbox.message import HELD
from tests.bench.speed_fixtures import NUMBERS, OURS, Fixture, Google, letters_like

DRAIN = 2.5
"""Seconds after the last message: second looks and echoes of our own changes belong to its cost."""
PATIENCE = 300.0
ORDINARY = [one for one in letters() if one.kind in ("customer", "applicant", "school", "supplier")]
PITCH = next(one for one in letters() if one.kind == "pitch")
DONE_BY = {"ordinary": "messages.get", "held": "messages.modify", "challenged": "messages.send"}


@dataclass
class Outcome:
    """One run of a measure: CPU and units a message, messages a second, and what became of each letter by key."""

    cpu_ms: float
    rate: float
    units: float
    fates: dict[str, str] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)


async def spaced(google: Google, fixture: Fixture, kind: str, number: int, pace: float, run: int) -> Outcome:
    """Deliver `number` letters of `kind` one by one, `pace` a second, each to the next mailbox. What the server does in
    the time between them is part of what they cost."""
    boxes = fixture.open_ if kind == "challenged" else fixture.quiet
    load = letters_like(PITCH if kind != "ordinary" else ORDINARY, number, run)
    sent: dict[str, tuple[str, str]] = {}
    await google.reset_meter()
    used, began = fixture.cpu(), time.monotonic()
    for place, letter in enumerate(load):
        await asyncio.sleep(max(0.0, began + place / pace - time.monotonic()))
        box = boxes[place % len(boxes)]
        sent[letter.address] = (box, await google.deliver(letter, box))
    await _until_called(google, fixture, DONE_BY[kind], number)
    busy = time.monotonic() - began
    await asyncio.sleep(DRAIN)
    used = fixture.cpu() - used
    units = await google.units(fixture.domain)
    times = [await google.until_labelled(*one, HELD) for one in sent.values()] if kind == "held" else []
    latencies = [taken for taken in times if taken is not None]
    return Outcome(1e3 * used / number, number / busy, units / number, await _fates(google, sent), latencies)


async def handled(
    google: Google, fixture: Fixture, kind: str, number: int, each: int, run: int, drain: float = DRAIN
) -> Outcome:
    """Deliver `number` letters of `kind`, `each` to a mailbox under one push, until all are worked off."""
    boxes = fixture.open_ if kind == "challenged" else fixture.quiet
    load = letters_like(PITCH if kind != "ordinary" else ORDINARY, number, run)
    sent: dict[str, tuple[str, str]] = {}
    used = busy = 0.0
    await google.reset_meter()
    wave = len(boxes) * each
    for first in range(0, number, wave):
        part = load[first : first + wave]
        await google.push_modes(paused=True)
        sent |= await _deliver(google, part, boxes, each)
        before, began = fixture.cpu(), time.monotonic()
        await google.push_modes(paused=False)
        await _until_called(google, fixture, DONE_BY[kind], first + len(part))
        busy += time.monotonic() - began
        await asyncio.sleep(drain)
        used += fixture.cpu() - before
    units = await google.units(fixture.domain)
    fates = await _fates(google, sent)
    return Outcome(1e3 * used / number, number / busy, units / number, fates)


async def _deliver(
    google: Google, part: Sequence[Letter], boxes: Sequence[str], each: int
) -> dict[str, tuple[str, str]]:
    """All of them, each mailbox's within the second of one push; (mailbox, id) by sender."""
    sent = {}
    for place, letter in enumerate(part):
        box = boxes[place // each % len(boxes)]
        sent[letter.address] = (box, await google.deliver(letter, box))
    return sent


async def _until_called(google: Google, fixture: Fixture, method: str, times: int) -> None:
    end = time.monotonic() + PATIENCE
    while await google.calls(fixture.domain, method) < times:
        if time.monotonic() > end:
            raise TimeoutError(f"{fixture.kind}: not done after {PATIENCE:.0f} s; see {fixture.folder}")
        await asyncio.sleep(0.05)


async def _fates(google: Google, sent: dict[str, tuple[str, str]]) -> dict[str, str]:
    """By sender: held or inbox, and whether the sender was answered."""
    held: dict[str, frozenset[str]] = {}
    answered = {address for mail in await google.outbox() for address in mail["recipients"]}
    for box in {box for box, _ in sent.values()}:
        held[box] = frozenset(await google.labelled(box, HELD))
    return {
        sender: ("held" if gmail_id in held[box] else "inbox") + (" answered" if sender in answered else "")
        for sender, (box, gmail_id) in sent.items()
    }


async def latency(google: Google, fixture: Fixture, number: int) -> dict[str, float]:
    """Milliseconds from a pitch's arrival at Google to its label there, one by one, each in a mailbox at rest."""
    times = []
    for place, letter in enumerate(letters_like(PITCH, number, next(NUMBERS))):
        box = fixture.quiet[place % len(fixture.quiet)]
        if len(fixture.quiet) < number:
            await asyncio.sleep(DRAIN)  # else the push of the echo before would stand in for it
        end, gmail_id = time.monotonic() + PATIENCE, await google.deliver(letter, box)
        while (taken := await google.until_labelled(box, gmail_id, HELD)) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"{fixture.kind}: no label; see {fixture.folder}")
            await asyncio.sleep(0.2)  # while it answers us, the local Google answers no house
        times.append(taken)
    return percentiles(times)


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """The middle one and the slowest of twenty and of a hundred, in ms."""
    cuts = statistics.quantiles(times, n=100)
    return {f"p{share}": round(cuts[share - 1], 1) for share in (50, 95, 99)}


async def far(google: Google, fixture: Fixture, number: int) -> float:
    """Messages a second when each call of Gmail's takes 80 ms, ten messages a push."""
    await google.knobs(latency_ms=80)
    try:
        return (await handled(google, fixture, "ordinary", number, 10, next(NUMBERS))).rate
    finally:
        await google.knobs(latency_ms=0)


async def memory(google: Google, fixture: Fixture, number: int) -> list[tuple[int, float]]:
    """(messages so far, MB resident) at the start and ten times on the way to `number` ordinary messages."""
    assert fixture.kind == OURS
    points = [(0, round(fixture.resident(), 1))]
    for part in range(10):
        await handled(google, fixture, "ordinary", number // 10, 10, next(NUMBERS), drain=1.2)
        points.append(((part + 1) * (number // 10), round(fixture.resident(), 1)))
    return points


def same(fates: dict[str, dict[str, str]]) -> None:
    """Raise unless every house did the same with every letter."""
    names = list(fates)
    for other in names[1:]:
        differ = [(key, fates[names[0]][key], fate) for key, fate in fates[other].items()]
        differ = [one for one in differ if one[1] != one[2]]
        if differ or fates[names[0]].keys() != fates[other].keys():
            raise RuntimeError(f"{names[0]} and {other} did not do the same: {differ[:5]}")
