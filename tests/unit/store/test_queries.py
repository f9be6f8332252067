"""Both dialects answer the same transactions: same queries, same parameters, same kind of answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import backend.transactions
from backend.domain.mailbox.archive import OWNED_TABLES
from backend.domain.mailbox.archive import TABLES as ARCHIVED
from backend.store.library import Dialect, migrations, queries
from backend.transactions.mailboxes import LASTING
from backend.transactions.views import RETENTION_TABLES

TRANSACTIONS = Path(backend.transactions.__file__).parent
RESTORE = {"doubt_intents"}
"""What puts a backup back: of the embedded file only, before anything is served from it."""


def called() -> set[str]:
    """Names of queries the transactions ask for."""
    names = {f"forget_{table}" for table in OWNED_TABLES} | {f"retain_{table}" for table in RETENTION_TABLES}
    names |= {f"{page}_{kind}" for page in ("latest", "earlier") for kind in ("messages", "placed", "inbox")}
    names |= {"add_to_balance", "take_from_balance", "shelf_rows", "shelf_heads", "shelf_heads_of_all"}
    names |= {f"archive_{table}" for table in ARCHIVED}
    names |= {f"restore_{table}" for table, kept in ARCHIVED.items() if kept.imported and table != "ledger"}
    for path in TRANSACTIONS.glob("*.py"):
        names |= set(
            re.findall(
                r'(?:\b(?:q|row_count|each|maybe|only)|(?:yield |\()Statement)\(\s*(?:[\w.]+(?:\[.*\])?,\s*)?"(\w+)"',
                path.read_text(encoding="utf-8"),
            )
        )
    return names


def test_each_query_exists_in_both_dialects_with_the_same_face() -> None:
    faces = [
        {
            query.name: (query.params, query.yields)
            for query in queries(dialect).values()
            if query.name not in RESTORE
        }
        for dialect in Dialect
    ]
    assert faces[0] == faces[1]


def test_transactions_call_what_exists_and_nothing_lies_idle() -> None:
    assert called() | RESTORE == set(queries(Dialect.SQLITE))


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_positional_parameter_is_a_declared_one(dialect: Dialect) -> None:
    for query in queries(dialect).values():
        if dialect is Dialect.POSTGRES:
            assert set(query.order) == query.params, query.name


def test_no_pattern_is_a_bare_parameter() -> None:
    """SQLite replans a statement whenever such a parameter changes."""
    bare = [
        one.name for one in queries(Dialect.SQLITE).values() if re.search(r"LIKE :\w+(?! \|\|)\b", one.sql)
    ]
    assert bare == []


def test_both_dialects_are_at_the_same_version() -> None:
    steps = [[(step.version, step.name) for step in migrations(dialect)] for dialect in Dialect]
    assert steps[0] == steps[1]


def _schema(dialect: Dialect) -> dict[str, list[str]]:
    text = "\n".join(step.sql for step in migrations(dialect))
    dropped = re.findall(r"^DROP TABLE (\w+)", text, re.M)
    return {
        table: re.findall(r"^    (\w+) (?:TEXT|INTEGER|BIGINT|BOOLEAN|BLOB|BYTEA|REAL|DOUBLE)", body, re.M)
        for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", text, re.S)
        if table not in dropped
    }


def test_both_dialects_have_the_same_tables_and_columns() -> None:
    here, there = _schema(Dialect.SQLITE), _schema(Dialect.POSTGRES)
    assert here == there
    assert here.keys() == {*OWNED_TABLES, *LASTING}


def test_every_table_with_a_mailbox_is_under_row_level_security() -> None:
    text = "\n".join(step.sql for step in migrations(Dialect.POSTGRES))
    for table in (*OWNED_TABLES, "receipts"):
        assert f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;" in text
        assert f"CREATE POLICY one_mailbox ON {table}\n" in text


def test_every_query_names_its_mailbox_or_is_known_to_be_about_all() -> None:
    about_all = {
        # looked up by something else that is unique or secret
        *(
            "mailbox_by_email",
            "mailbox_by_sub",
            "insert_mailbox",
            "challenge",
            "challenge_by_token",
        ),
        *("device_by_token", "code", "session", "receipt"),
        # the worker's and the operator's
        *("mailboxes", "lanes"),
        *(
            "balance_differences",
            "daily_differences",
            "failing_longest",
            "sealed_tokens",
        ),
        *(
            "count_mailboxes",
            "count_links",
            "count_messages",
            "count_released",
            "count_dead_letters",
            "count_unjudged",
            "count_challenges",
        ),
        *("count_failing", "drop_receipts", "save_missing", "pulse"),
        # by an address that the mailbox had before
        "mailbox_by_former",
        # when it is known again what time it is
        *("bring_back_duties", "bring_back_messages"),
        *("bring_back_digests", "bring_back_web_pushes"),
        *("begin_owning", "end_owning", "bring_back_sendings"),
        # named by a secret
        *("digest_link", "use_digest_link", "undo_digest_link"),
        "count_drifts",
        *("models_at_work", "model_acts", "known_models", "model", "add_model", "note_model_act"),
        *("labels_in_trial", "labels_of_the_asked", "trial_pairs"),
        *RESTORE,
    }
    without = {query.name for query in queries(Dialect.SQLITE).values() if "mailbox_id" not in query.params}
    assert without == about_all
