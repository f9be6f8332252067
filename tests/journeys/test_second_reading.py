"""The reading process is killed in the middle of second readings: the first ones stand, and mail flows on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from backend.demo.letters import letters
from backend.settings import ENCODER_FILE
from tests.journeys.conftest import Journey, begin_journey, tally, until
from tests.journeys.stopping_reader import STOP
from tests.journeys.test_bad_days import figures
from tests.machine import Forked
from tests.second_reading import tiny_encoder

ALL_MAIL_TWICE = {
    "PITCHGATE_SECOND_READING": "true",
    "PITCHGATE_SECOND_READING_FROM": "0",
    "PITCHGATE_SECOND_READING_BELOW": "1",
    "PITCHGATE_SECOND_READING_SECONDS": "30",
    "PITCHGATE_READER_SECONDS": "30",
}


class Stopping(Forked):
    """The server whose second readings stop."""

    def __init__(self, name: str, words: list[str], environment: Mapping[str, str], log: Path) -> None:
        if name == "server":
            words, environment = (
                ["tests.journeys.stopping_reader", "serve"],
                {**ALL_MAIL_TWICE, **environment},
            )
        super().__init__(name, words, environment, log)


async def stopped(told: Journey) -> psutil.Process:
    """The reading process, once it has stopped in a second reading."""

    async def look() -> list[psutil.Process]:
        readers = psutil.Process(told.stage.server.pid).children()
        return [one for one in readers if one.status() == psutil.STATUS_STOPPED]

    (found,) = await until(look, "a second reading under way")
    return found


async def test_whoever_dies_in_a_second_reading_leaves_the_first(tmp_path: Path) -> None:
    file = tmp_path / "state" / ENCODER_FILE
    file.parent.mkdir(mode=0o700)
    file.write_bytes(tiny_encoder())
    async with begin_journey(tmp_path, Stopping) as told:
        for sender in ("Ann Seller <ann@one.example>", "Bob Seller <bob@two.example>"):
            gmail_id = await told.write(
                replace(told.pitch, sender=sender, subject=f"Leads, or are you {STOP}?")
            )
            (await stopped(told)).kill()
            await told.settled(gmail_id, held=True)
        assert 'pitchgate_second_readings_total{outcome="lost"} 2.0' in await figures(told)

        await told.write(next(letter for letter in letters() if letter.kind == "customer"))
        await told.quiet()
        assert 'pitchgate_second_readings_total{outcome="read"} 1.0' in await figures(told)
        found = await tally(told, tmp_path)
    assert found.clean, (found.lost, found.doubled)
    assert (found.delivered, found.challenged) == (3, 2)
