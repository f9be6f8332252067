"""Lists as text: what a line may say, and that what is written out reads back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.rules import (
    MOST_LINES,
    MOST_TEXT,
    ImportEffect,
    Rule,
    effect_of,
    read_list,
    subject_of,
    write_list,
)

ALLOW, BLOCK = RuleKind.ALLOW, RuleKind.BLOCK


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (" Bo@Shop.Example ", "bo@shop.example"),
        ("<bo@shop.example>", "bo@shop.example"),
        ("bo+tag@shop.example", "bo+tag@shop.example"),
        ("shop.example", "shop.example"),
        ("@shop.example", "shop.example"),
        ("*@mail.shop.example", "shop.example"),
        ("*.shop.co.uk", "shop.co.uk"),
        ("bo@Müll.example", "bo@xn--mll-hoa.example"),
    ],
)
def test_a_subject_is_written_as_rules_are_stored(text: str, subject: str) -> None:
    assert subject_of(text) == subject


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "rule_empty"),
        (" <> ", "rule_empty"),
        ("bo", "rule_domain"),
        ("a b@x.example", "rule_address"),
        ("bo@", "rule_address"),
        ("bo@[127.0.0.1]", "rule_address"),
        ("gmail.com", "rule_provider"),
        ("*@googlemail.com", "rule_provider"),
        ("a" * 300 + ".example", "rule_domain"),
        ("bo@x.example\nBcc: all@y.example", "rule_address"),
    ],
)
def test_what_is_no_sender_says_why(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        subject_of(text)
    assert (refused.value.code, refused.value.field) == (code, "subject")


def test_lines_of_every_kind() -> None:
    text = (
        "\ufefftype,address\n\n# a note\nallow a@x.example\nBLOCK;b.example,since 2020\n"
        '"block","c@x.example"\nd@x.example\n'
    )
    reading = read_list(text, BLOCK)
    assert reading.faults == ()
    assert [(rule.kind, rule.subject) for rule in reading.rules] == [
        (ALLOW, "a@x.example"),
        (BLOCK, "b.example"),
        (BLOCK, "c@x.example"),
        (BLOCK, "d@x.example"),
    ]


def test_the_later_line_counts_and_faults_name_their_line() -> None:
    reading = read_list("allow a@x.example\nnonsense\nblock a@x.example\ngmail.com", ALLOW)
    assert reading.rules == (Rule("a@x.example", BLOCK),)
    assert [(fault.line, fault.code) for fault in reading.faults] == [
        (2, "rule_domain"),
        (4, "rule_provider"),
    ]


def test_a_list_has_an_end() -> None:
    read_list("\n" * MOST_LINES, BLOCK)
    for text in ("a\n" * (MOST_LINES + 1), "a" * (MOST_TEXT + 1)):
        with pytest.raises(Refused) as refused:
            read_list(text, BLOCK)
        assert refused.value.code == "rules_too_long"


def test_what_importing_would_do() -> None:
    rules = [Rule("a@x.example", ALLOW), Rule("b@x.example", ALLOW), Rule("c@x.example", ALLOW)]
    assert effect_of(rules, {"a@x.example": ALLOW, "b@x.example": BLOCK}) == ImportEffect(
        added=1, changed=1, same=1
    )


local = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True)
domain = st.from_regex(r"[a-z]{3,10}\.example", fullmatch=True)
subjects = st.one_of(domain, st.builds("{}@{}".format, local.filter(lambda part: part != "*"), domain))


@given(st.dictionaries(subjects, st.sampled_from([ALLOW, BLOCK]), max_size=20))
def test_a_list_written_out_reads_back_the_same(rules: dict[str, RuleKind]) -> None:
    # Quotes around a whole address are taken for a program's, so an address cannot begin with one.
    kept = [Rule(subject, kind) for subject, kind in rules.items() if not subject.startswith("'")]
    text = write_list(kept)
    assert read_list(text, ALLOW).rules == tuple(kept)
    assert all(line.startswith(("allow ", "block ")) for line in text.splitlines())


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    reading = read_list(text, BLOCK)
    for rule in reading.rules:
        assert subject_of(rule.subject) == rule.subject
