"""The menu as data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.desktop.rig import flat
from tray_app.errors import TroubleKind
from tray_app.menu import (
    LABEL_LIMIT,
    QUESTIONS_SHOWN,
    SENDERS_SHOWN,
    TITLE_LIMIT,
    Action,
    Do,
    Item,
    clipped,
    cut,
    screen,
)
from tray_app.state import Message, Status, TrayState, Trouble, Undoable

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
STATUS = Status(version="0.1.0", email="o@example.com", condition="active")
ONLINE = TrayState(server="https://p.example", signed_in=True, status=STATUS, autostart=False)
HELD = Message(
    "m1", "ann@seller.example", "Ann", "seller.example", "Hello", told="Looks like a pitch: asks for a call"
)


def labels(state: TrayState) -> list[str]:
    return [item.label for item in flat(screen(state, "0.1.0", NOW).menu)]


def item(state: TrayState, label: str) -> Item:
    return next(i for i in flat(screen(state, "0.1.0", NOW).menu) if i.label.startswith(label))


def test_signed_out_there_is_nothing_but_connecting() -> None:
    shown = labels(TrayState(autostart=None))
    assert "Not connected" in shown
    assert "Connect…" in shown
    assert not [label for label in shown if label.startswith(("Pause", "Held", "Disconnect", "Open at"))]


def test_a_held_sender_offers_every_decision_and_says_why() -> None:
    sender = item(replace(ONLINE, held=(HELD, replace(HELD, gmail_id="m2"))), "Ann (2): Hello")
    assert [child.label for child in sender.children] == [
        "Looks like a pitch: asks for a call",
        "Allow ann@seller.example",
        "Allow everyone at seller.example",
        "Release the newest",
        "Block ann@seller.example",
        "Keep held",
    ]
    assert [c.action.args for c in sender.children if c.action] == [
        ("m1", d) for d in ("allow", "allow_domain", "release", "block", "keep")
    ]


def test_a_free_mail_sender_offers_no_rule_for_everyone_there() -> None:
    sender = item(replace(ONLINE, held=(replace(HELD, domain=""),)), "Ann: Hello")
    assert not [child for child in sender.children if "everyone" in child.label]


def test_more_senders_than_fit_are_counted() -> None:
    many = tuple(replace(HELD, gmail_id=f"m{n}", sender=f"a{n}@x.example") for n in range(SENDERS_SHOWN + 3))
    assert "3 more senders…" in labels(replace(ONLINE, held=many))
    assert "1 more sender…" in labels(replace(ONLINE, held=many[:-2]))
    assert not [t for t in labels(replace(ONLINE, held=many[:-3])) if "more sender" in t]


def test_trouble_says_what_and_what_to_do() -> None:
    shown = labels(
        replace(ONLINE, trouble=Trouble(TroubleKind.UNREACHABLE, "No connection", "Check it."), waiting=2)
    )
    assert shown[:4] == ["No connection", "Check it.", "Try again now", "2 decisions waiting to be sent"]
    assert "Strictness" not in shown
    again = labels(replace(ONLINE, trouble=Trouble(TroubleKind.SIGNED_OUT, "No longer connected")))
    assert "Connect this computer again…" in again


def test_a_lapsed_watch_offers_to_connect_gmail_again() -> None:
    lapsed = replace(STATUS, condition="watch_lapsed", cause="Renewing failed twice.", who="pitchgate")
    state = replace(ONLINE, status=lapsed)
    assert item(state, "Connect Gmail again").action is not None
    assert "Renewing failed twice." in labels(state)


def test_a_state_is_told_in_the_servers_words() -> None:
    words = {"title": "Access lost", "cause": "Google shut us out.", "remedy": "Connect again."}
    lost = replace(STATUS, condition="needs_reconnect", who="owner", warnings=("A gap was cut.",), **words)
    assert labels(replace(ONLINE, status=lost))[:4] == [*words.values(), "A gap was cut."]
    fine = replace(STATUS, title="Active", cause="New mail is read as it comes.")
    assert labels(replace(ONLINE, status=fine))[:2] == ["Active for o@example.com", ""], "nothing to mend"
    reading = replace(STATUS, condition="indexing", title="Learning", index_done=3, index_total=9)
    assert labels(replace(ONLINE, status=reading))[0] == "Learning (3 of 9)"
    over = replace(STATUS, condition="paused", title="Paused", paused_until=NOW)
    assert labels(replace(ONLINE, status=over))[0] == "Active for o@example.com"


def test_what_the_sender_has_to_say_is_told_as_their_words() -> None:
    sender = item(replace(ONLINE, held=(replace(HELD, note="We met\nin Ghent"),)), "Ann: Hello")
    assert "The sender says: We met in Ghent" in [child.label for child in sender.children]


def test_pause_turns_into_resume() -> None:
    assert {"Pause", "For 1 hour", "Until tomorrow"} <= set(labels(ONLINE))
    resting = replace(ONLINE, status=replace(STATUS, paused_until=NOW + timedelta(hours=1)))
    assert "Resume" in labels(resting)
    assert "Pause" not in labels(resting)
    assert labels(resting)[0].startswith("Paused until")


def test_strictness_is_a_choice_of_one() -> None:
    levels = item(ONLINE, "Strictness").children
    assert [(level.label, level.checked, level.radio) for level in levels] == [
        ("Relaxed", False, True),
        ("Normal", True, True),
        ("Strict", False, True),
    ]


def test_questions_have_a_list_of_their_own_and_tell_nothing_of_the_verdict() -> None:
    assert not [label for label in labels(ONLINE) if "pitch" in label]
    mail = tuple(replace(HELD, gmail_id=f"q{number}") for number in range(QUESTIONS_SHOWN + 2))
    asked = replace(ONLINE, status=replace(STATUS, questions=mail))
    assert item(asked, "Sales pitch or not? 7 emails").action == Action(Do.QUESTIONS)
    assert labels(asked).count("Ann: Hello") == QUESTIONS_SHOWN
    choices = item(asked, "Ann: Hello").children
    assert [one.label for one in choices] == ["Yes, a sales pitch", "No", "Can’t say"]
    assert [one.action.args for one in choices if one.action] == [
        ("q0", said) for said in ("yes", "no", "unsure")
    ]
    one = replace(ONLINE, status=replace(STATUS, questions=mail[:1]))
    assert item(one, "Was this email a sales pitch?").enabled
    away = replace(asked, trouble=Trouble(TroubleKind.UNREACHABLE, "No connection"))
    assert not [label for label in labels(away) if "pitch" in label], "the server has them"


def test_an_update_is_told_only_when_asked_for() -> None:
    newer = replace(ONLINE, status=replace(STATUS, version="0.10.0"))
    assert not [t for t in labels(newer) if "0.10.0" in t]
    found = replace(newer, update_check=True)
    assert "The server has version 0.10.0: update this app" in labels(found)
    same = replace(ONLINE, update_check=True)
    assert not [t for t in labels(same) if "update this app" in t]


def test_undo_stands_before_the_list_and_only_in_time() -> None:
    state = replace(ONLINE, undoable=Undoable("k", "Allowed ann@x.example", NOW + timedelta(seconds=5)))
    found = item(state, "Undo: Allowed ann@x.example").action
    assert found is not None
    assert (found.do, found.args) == (Do.UNDO, ("k",))
    late = replace(state, undoable=Undoable("k", "Allowed ann@x.example", NOW))
    assert not [t for t in labels(late) if t.startswith("Undo")]


@given(st.builds(Message, st.text(), st.text(), st.text(), st.text(), st.text(), told=st.text()))
def test_no_mail_can_break_or_widen_the_menu(hostile: Message) -> None:
    shown = screen(replace(ONLINE, held=(hostile,), unseen=frozenset({"x"})), "0.1.0", NOW)
    for one in flat(shown.menu):
        assert wide(one.label) <= LABEL_LIMIT + 20
        assert one.label.isprintable()
    assert wide(shown.title) <= TITLE_LIMIT


@given(st.text(), st.integers(1, 50))
def test_cut_keeps_one_printable_line_within_the_limit(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert wide(short) <= limit
    assert short == "" or short.isprintable()


def wide(text: str) -> int:
    """How many of Windows' characters it takes. One too many in a notice's title, and there is no notice."""
    return len(text.encode("utf-16-le")) // 2


def test_an_emoji_counts_twice_and_is_never_halved() -> None:
    assert cut("\U0001f680" * 5, 10) == "\U0001f680" * 5
    assert cut("\U0001f680" * 6, 10) == "\U0001f680" * 4 + "…"
    assert clipped("a\U0001f680", 2) == "a"
    assert clipped("a\ud83d", 5) == "a", "half a character from a careless server"


def test_equal_states_make_equal_screens() -> None:
    later = NOW + timedelta(minutes=3)
    state = replace(ONLINE, held=(HELD,))
    assert screen(state, "0.1.0", NOW) == screen(state, "0.1.0", later), "an open menu is not redrawn by time"
