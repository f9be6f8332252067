"""Copies in disguise teach that a disguise says nothing: both labels wear them, and no figure counts them."""

from __future__ import annotations

from collections import Counter

import pytest

from backend.domain.mail.message import Address, Message
from backend.domain.reading.model_text import prepare
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
from model_export.disguises import DISGUISES, EVERY, copies
from model_export.learner import DEFAULT, FREE
from model_export.rows import Row, corpus, owner_of
from model_export.training import PassageCounts, decided, fit, train

SAID = """We help small firms find customers. Could you tell me who decides about your website?

Our prices start at 400 euros a month, and the first review costs nothing."""
MAIL = Message(
    from_=(Address("bob@corvane.test", "Bob"),),
    to=(Address("anna@berg.test"),),
    subject="Your site",
    text=SAID,
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return corpus(files=["train_1", "train_3", "train_70"])


def own_words(message: Message) -> Counter[str]:
    """Words as they are read, without subject, findings and stems."""
    read = prepare(message, owner_of(MAIL)).split(" ")
    return Counter(word for word in read if word[1:2] != "_")


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("number", range(4))
def test_a_message_in_disguise_is_read_as_it_is_meant(disguise, number: int):
    disguised = disguise(MAIL, number, "en")
    assert disguised != MAIL
    plain, read = own_words(MAIL), own_words(disguised)
    assert sum((plain - read).values()) <= 2
    assert sum((read - plain).values()) <= 4


def test_both_labels_wear_them_and_stay_what_they_are(rows: list[Row]):
    disguised = copies(rows)
    by_id = {row.id: row for row in rows}
    for copy in disguised:
        row = by_id[copy.id.removesuffix(", disguised")]
        assert (copy.label, copy.finer_class, copy.group) == (row.label, row.finer_class, row.group)
        assert copy.message != row.message
    for label in ("sales", "legit"):
        share = sum(row.label == label for row in disguised) / sum(row.label == label for row in rows)
        assert 0.5 / EVERY < share < 1.5 / EVERY
    assert [copy.id for copy in copies(rows)] == [copy.id for copy in disguised]


def test_no_figure_counts_a_copy(rows: list[Row]):
    assert {row.id for row in train(rows[::6]).judged} == {row.id for row in rows[::6]}


def test_a_row_is_judged_by_the_view_that_is_most_like_a_pitch(rows: list[Row]):
    few = rows[::6]
    seen, model = PassageCounts.of(few), fit(few, DEFAULT)
    assert max(len(row.texts) for row in few) > 1
    found = seen.logits(model, range(len(few)))
    parts = [model.decision_function(row.texts).tolist() for row in few]
    assert found.tolist() == [[whole, max(others, default=float("-inf"))] for whole, *others in parts]
    judged = decided(found, slope=0.5)
    assert judged.tolist() == [
        max(whole, *(part - 4.0 for part in others), whole) for whole, *others in parts
    ]


def test_what_costs_nothing_to_write_above_a_mail_is_not_learned_from():
    vocabulary = set(ModelSession.open(SHIPPED).facts.vocabulary)
    assert "f_unsubscribe_header" in vocabulary
    assert not vocabulary & {f"f_{name}" for name in FREE}
