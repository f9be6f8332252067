"""Who writes in the demo, and who writes later on."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from backend.demo.letters import arrivals, letters
from backend.domain.mailbox.mailbox import Preferences

ROUNDS = 40


def test_newcomers_go_on_selling_each_for_the_first_time_and_from_a_firm_that_is_still_answered() -> None:
    everything = letters()
    later = list(islice(arrivals(seed=1), len(everything), len(everything) * ROUNDS))

    sellers = [letter for letter in later if letter.kind == "pitch" and not letter.local]

    assert len(sellers) == 2 * (ROUNDS - 1)
    assert len({letter.address for letter in sellers}) == len(sellers)
    assert not {letter.address for letter in sellers} & {letter.address for letter in everything}
    assert all(letter.name in letter.text for letter in sellers)
    hour = sellers[: 2 * 3 * 7]  # some forty minutes of watching
    assert max(Counter(letter.address.partition("@")[2] for letter in hour).values()) <= (
        Preferences().domain_challenges
    )


def test_who_has_a_mailbox_follows_up_under_their_own_subject() -> None:
    everything = letters()
    later = list(islice(arrivals(seed=1), len(everything), len(everything) * 3))
    local = [letter for letter in everything if letter.local]

    assert {letter.subject for letter in later if letter.local} == {f"Re: {one.subject}" for one in local}
