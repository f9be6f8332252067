"""When a push is looked after: at once, and when the second is over in which Google drops pushes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import AccessState, Mailbox, NoticeHint, Preferences
from backend.pipeline import memory as module
from backend.pipeline.memory import Looks

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WINDOW = 11
NUMBERS = count(1)


@dataclass
class Ear:
    """The looks of one process, counted in tenths of a second."""

    tenth: int = 0
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        self.looks = Looks(lambda: self.tenth)

    def push(self, *, echo: bool = False, seen: bool = False, mailbox: str = "ana") -> None:
        self.looks.after_push(mailbox, NoticeHint(next(NUMBERS), NOW), WINDOW, already_listed=seen, echo=echo)

    def run(
        self, tenths: int, *pushes: int, held: tuple[int, ...] = (), echoes: tuple[int, ...] = ()
    ) -> list[int]:
        """At which of the next tenths a look is made, each taking none of them, with pushes at these tenths, those of
        `echoes` taken for echoes. During the tenths of `held` nobody looks."""
        made = []
        for tenth in range(tenths):
            if tenth in pushes or tenth in echoes:
                self.push(echo=tenth in echoes)
            if tenth not in held and (look := self.looks.begin()):
                made.append(tenth)
                self.looks.end(look)
            self.tenth += 1
        return made


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_a_push_is_looked_after_at_once_and_when_its_window_has_closed(ear: Ear) -> None:
    """Google drops what it would have pushed in the second after a push: a look before that is over sees too little."""
    assert ear.run(50, 3) == [3, 14]


def test_each_push_gets_a_look_at_the_end_of_its_window(ear: Ear) -> None:
    assert ear.run(50, 0, 9) == [0, 11, 20], "the second is looked after with the first's second look"
    assert ear.run(50, 0, 12) == [0, 11, 12, 23]


def test_pushes_faster_than_googles_do_not_make_us_look_faster(ear: Ear) -> None:
    assert ear.run(60, *range(30)) == [0, 11, 22, 33, 40]


def test_what_is_listed_already_is_looked_after_at_the_end_of_the_window_alone(ear: Ear) -> None:
    """A late push, or the echo of our own change; mail of the second after it was told by nobody else."""
    ear.push(seen=True)
    assert ear.run(30) == [11]


def test_one_look_ends_the_windows_of_a_push_and_of_the_echo_that_follows(ear: Ear) -> None:
    assert ear.run(50, 0, echoes=(1,)) == [0, 12]
    assert ear.run(50, 0, echoes=(9,)) == [0, 20]
    assert ear.run(50, 0, 4, echoes=(2,)) == [0, 13, 15], "what may be mail puts nothing off"


def test_echoes_put_a_look_off_by_one_window_at_most(ear: Ear) -> None:
    assert ear.run(60, 0, echoes=tuple(range(1, 30))) == [0, 22, 40]


def test_an_echo_alone_is_looked_after_at_the_end_of_its_window(ear: Ear) -> None:
    assert ear.run(30, echoes=(0,)) == [11]


def test_an_echo_during_a_look_puts_off_what_follows_it(ear: Ear) -> None:
    ear.push()
    look = ear.looks.begin()
    assert look is not None
    ear.tenth += 3
    ear.push(echo=True)
    ear.looks.end(look)
    assert ear.run(40) == [11]


def test_the_last_of_many_pushes_during_a_look_gets_its_look_too(ear: Ear) -> None:
    ear.push()
    look = ear.looks.begin()
    assert look is not None
    for _ in range(2):
        ear.tenth += 10
        ear.push()
    assert ear.looks.begin() is None, "one at a time"
    ear.looks.end(look)
    assert ear.run(60) == [0, 11]


def test_a_look_that_is_made_again_is_followed_by_the_last_pushs_all_the_same(ear: Ear) -> None:
    ear.push()
    look = ear.looks.begin()
    assert look is not None
    ear.looks.end(look, 5)
    assert ear.run(50) == [5, 11]


def test_a_look_after_the_last_push_is_enough_for_all(ear: Ear) -> None:
    assert ear.run(40, 0, 3, 9, held=tuple(range(30))) == [30]


def test_mailboxes_wait_for_none_but_themselves(ear: Ear) -> None:
    for name in ("ana", "bea"):
        ear.push(mailbox=name)
    first, second = ear.looks.begin(), ear.looks.begin()
    assert first is not None
    assert second is not None
    assert [first.mailbox_id, second.mailbox_id] == ["ana", "bea"]
    assert {*ear.looks.waiting()} == {"ana", "bea"}


def test_a_look_brings_the_furthest_that_pushes_told(ear: Ear) -> None:
    ear.push()
    look = ear.looks.begin()
    assert look is not None
    assert look.hint is not None
    ear.looks.end(look, 0)
    ear.push()
    again = ear.looks.begin()
    assert again is not None
    assert again.hint == (look.hint.position + 1, NOW)
    ear.looks.end(again)
    ear.tenth += WINDOW
    last = ear.looks.begin()
    assert last is not None
    assert last.hint == again.hint
    ear.looks.end(last)
    assert ear.looks.waiting() == ()


def test_what_is_to_come_wakes_who_begins_it(ear: Ear) -> None:
    rung = []
    ear.looks.wake = lambda: rung.append(ear.tenth)
    ear.push()
    look = ear.looks.begin()
    assert look is not None
    ear.tenth += 3
    ear.push()
    assert rung == [0], "nothing new is to be begun while it runs"
    ear.looks.end(look)
    assert rung == [0, 3]


def test_pushes_that_came_are_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch, ear: Ear) -> None:
    monkeypatch.setattr(module, "MOST_PUSHES", 3)
    for number in (1, 2, 1, 3, 4):
        ear.looks.note_push(f"p{number}")
    assert [ear.looks.is_repeat(f"p{number}") for number in range(6)] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_a_mailbox_is_known_by_its_address_once_it_was_looked_at(ear: Ear) -> None:
    owner = Owner("Ana@corp.test")
    mailbox = Mailbox(
        "box", "sub", owner, AccessState.CONNECTED, Preferences(), frozenset(), NOW, cursor="70"
    )
    assert (ear.looks.listed_to("ana@corp.test"), ear.looks.has_looked("box")) == (None, False)
    ear.looks.listed(mailbox)
    assert (ear.looks.listed_to("ana@corp.test"), ear.looks.has_looked("box")) == (("box", 70), True)
    ear.looks.forget("box")
    assert (ear.looks.listed_to("ana@corp.test"), ear.looks.has_looked("box")) == (None, False)


@given(
    mail=st.lists(st.integers(0, 80), min_size=1, max_size=12),
    delays=st.lists(st.integers(0, 15), min_size=12, max_size=12),
    busy=st.frozensets(st.integers(0, 100), max_size=60),
    mistaken=st.frozensets(st.integers(0, 100), max_size=60),
    takes=st.integers(0, 15),
)
def test_no_mail_is_lost_in_googles_window(
    mail: list[int], delays: list[int], busy: frozenset[int], mistaken: frozenset[int], takes: int
) -> None:
    """Google publishes the first change of each second and drops the others; pushes take their time, and so do looks.
    Some pushes are taken for echoes that are none. All mail is seen without any sweep, by at most two looks a push."""
    ear, arrivals, published = Ear(), sorted(mail), -10
    pushes: dict[int, list[int]] = {}
    for number, tenth in enumerate(arrivals):
        if tenth - published >= 10:
            pushes.setdefault(tenth + delays[number], []).append(number + 1)
            published = tenth
    seen, made, running, ends = 0, 0, None, 0
    for tenth in range(180):
        if running is not None and tenth >= ends:
            ear.looks.end(running)
            running = None
        for number in pushes.get(tenth, ()):
            ear.looks.after_push(
                "ana", NoticeHint(number, NOW), WINDOW, already_listed=number <= seen, echo=tenth in mistaken
            )
        if tenth not in busy and running is None and (running := ear.looks.begin()) is not None:
            seen, made, ends = sum(1 for at in arrivals if at <= tenth), made + 1, tenth + takes
        ear.tenth += 1
    assert seen == len(arrivals)
    assert made <= 2 * sum(len(some) for some in pushes.values())
