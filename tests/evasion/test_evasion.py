"""A pitch a language in each disguise, and ordinary mail in what it wears too. `make evasion` does all of them."""

from tests.evasion.measure import held, mails
from tests.evasion.tricks import tricks


def test_a_pitch_stays_held_in_nearly_every_disguise():
    pitches = list({mail.language: mail for mail in reversed(mails("pitches"))}.values())
    stay = {one.name: sum(held(one.dress(mail)) for mail in pitches) / len(pitches) for one in tricks()}
    assert len(pitches) == 6
    assert len(stay) >= 60
    assert sum(stay.values()) / len(stay) >= 0.95
    assert {name: share for name, share in stay.items() if share < 0.5} == {}


def test_ordinary_mail_in_the_same_clothes_stays():
    ordinary = list({mail.language: mail for mail in mails("ordinary")}.values())
    newly = [
        (one.name, mail.subject) for one in tricks() if one.worn for mail in ordinary if held(one.dress(mail))
    ]
    assert newly == []
