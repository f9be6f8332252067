"""The costs in words, and rates by part with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from backend.domain.mail.message import Address, Headers, Message, Owner
from backend.domain.mailbox.mailbox import Strictness
from model_export.metrics import WAYS, Rate, costs, fired, length, script, sent, sliced
from model_export.rows import Row


def row(finer_class: str, name: str = "Bob", text: str = "hello") -> Row:
    label = "sales" if finer_class == "crude" else "legit"
    message = Message(from_=(Address("bob@out.test", name),), text=text, subject="s")
    return Row("1", label, "", finer_class, "train_1", message, Owner("me@own.test"))


def test_the_cost_counts_strangers_only_and_all_pitches():
    rows = [row("stranger")] * 4 + [row("known")] * 2 + [row("crude")] * 4
    scores = np.array([0.9, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1])
    (cost,) = costs(rows, {Strictness.NORMAL: scores >= 0.5})
    assert cost.strangers == Rate(1, 4)
    assert cost.pitches == Rate(3, 4)
    assert cost.words == (
        "of 1,000 ordinary emails from strangers about 250 are held; of 100 pitches about 75 are caught"
    )


def test_an_interval_holds_its_share_and_narrows_with_count():
    few, many = Rate(1, 10), Rate(100, 1000)
    assert few.interval[0] < 0.1 < few.interval[1]
    assert many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]
    assert Rate(0, 100).interval[0] == pytest.approx(0.0, abs=1e-12)
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_parts_come_in_order_with_both_labels_apart():
    found = sliced(
        [row("known"), row("crude"), row("known")], [True, True, False], lambda r: r.finer_class, ["known"]
    )
    assert [(part.name, part.pitches, part.ordinary, part.strangers) for part in found] == [
        ("known", Rate(0, 0), Rate(1, 2), Rate(0, 0)),
        ("crude", Rate(1, 1), Rate(0, 0), Rate(0, 0)),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "no name"),
        ("Ann Lee", "Latin, plain"),
        ("Zoë Łuk", "Latin with accents and marks"),
        ("Mª José", "Latin with accents and marks"),
        ("Иван", "Cyrillic"),
        ("李 Wei", "Cjk"),
    ],
)
def test_the_letters_of_a_name(name: str, expected: str):
    assert script(row("known", name)) == expected


def test_findings_are_counted_on_the_pitches_of_each_language():
    pitches = [
        row("crude", text="We offer you a free audit of your site."),
        row("crude", text="We have seen the oak."),
    ]
    found = fired([*pitches, row("known", text="We offer you a free audit of your site.")])
    assert found["t_offers_free"] == {"en": 0.5}


@pytest.mark.parametrize(
    ("header", "way"),
    [("List-Id", WAYS[0]), ("List-Unsubscribe", WAYS[1]), ("Auto-Submitted", WAYS[2]), ("X-Mailer", WAYS[3])],
)
def test_the_way_a_message_came_is_told_by_its_headers(header: str, way: str):
    message = Message(from_=(Address("bob@out.test"),), text="hello", headers=Headers(((header, "x.y"),)))
    assert sent(Row("1", "legit", "", "bulk", "train_1", message, Owner("me@own.test"))) == way


def test_lengths_are_classes_of_words():
    assert length(row("known", text="one two three")) == "up to 15 words"
    assert length(row("known", text="word " * 500)) == "over 160 words"
