"""Gmail's labels of a message in an export, in any language."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.mime import parse
from backend.offline.mbox import names_in, system_labels

LINES = [
    line.split(" ", 1)
    for line in files("backend.offline").joinpath("labels.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def labels(value: str) -> frozenset[str]:
    return system_labels(parse(f"X-Gmail-Labels: {value}\nFrom: a@x.example\n\nx".encode()))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Inbox,Important,Opened,Category Updates", {"INBOX", "CATEGORY_UPDATES"}),
        ("Archived,Opened,Category Promotions", {"CATEGORY_PROMOTIONS"}),
        ('"Culture, associations",Bin', {"TRASH"}),
        ('"Sent, not read",Unread', set()),
        ("Gesendet,Ge=?UTF-8?Q?=C3=B6?=ffnet", {"SENT"}),
        ("=?UTF-8?Q?Posteingang,Wichtig,Kategorie:_=22Neuigkeiten=22?=", {"INBOX", "CATEGORY_UPDATES"}),
        ("=?UTF-8?Q?Posteingang,Kategorie:_=E2=80=9EWerbung=E2=80=9C?=", {"INBOX", "CATEGORY_PROMOTIONS"}),
        ("=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Non_lus?=", {"INBOX"}),
        ("=?UTF-8?Q?Messages_envoy=C3=A9s,Cat=C3=A9gorie=C2=A0:_R=C3=A9seaux_?=\n =?UTF-8?Q?sociaux?=",
         {"SENT", "CATEGORY_SOCIAL"}),
        ("=?UTF-8?Q?Archivov=C3=A1no,Kategorie:_Soci=C3=A1?=\n =?UTF-8?Q?ln=C3=AD_s=C3=ADt=C4=9B,Nep=C5=99e?=",
         {"CATEGORY_SOCIAL"}),
        ("=?UTF-8?B?6YCB5L+h5riI44G/LOOCq+ODhuOCtOODqjog44OX44Ot44Oi44O844K344On44Oz?=",
         {"SENT", "CATEGORY_PROMOTIONS"}),
        ("GESENDET", {"SENT"}),
        ("Werbung,Promotions,Social", set()),  # the owner's own: no category is named so
        ("", set()),
    ],
)  # fmt: skip
def test_they_are_known_as_takeout_writes_them(value: str, found: set[str]) -> None:
    assert labels(value) == found


def test_a_name_means_one_label_in_whatever_language() -> None:
    meant = defaultdict(set)
    for language, line in LINES:
        label, names = line.split(": ", 1)
        for name in names.split(", "):
            meant[name.casefold()].add(label)
            assert language
            if not label.startswith("CATEGORY"):
                assert labels(name) == {label}, name
    kept = {name: found for name, found in meant.items() if not all("CATEGORY" in label for label in found)}
    assert {name: found for name, found in kept.items() if len(found) > 1} == {}


def test_every_language_tells_what_was_sent() -> None:
    assert {language for language, line in LINES if line.startswith("SENT:")} == {
        language for language, _ in LINES
    }
    assert len({language for language, _ in LINES}) >= 40


@given(st.text(max_size=300))
def test_no_value_is_too_strange(value: str) -> None:
    message = parse(b"X-Gmail-Labels: " + value.encode("utf-8", "replace") + b"\n\nx")
    assert system_labels(message) <= {"INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "CHAT"} | {
        f"CATEGORY_{name}" for name in ("SOCIAL", "PROMOTIONS", "UPDATES", "FORUMS")
    }
    assert all(names_in(message))
