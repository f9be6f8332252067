"""From corpus to file on a slice of it: parity, same bytes, splits that keep writers apart, and the commands."""

from __future__ import annotations

import hashlib
import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backend.domain.mailbox.archive import FORMAT
from backend.scoring import SHIPPED
from backend.scoring.model_file import audit
from backend.scoring.session import ModelSession
from model_export import own, training
from model_export.__main__ import cli, main
from model_export.card import BadCard, read_card, write_card
from model_export.evaluation import Evaluation, evaluate, summary
from model_export.learner import DEFAULT, Counts, PitchModel
from model_export.publish import (
    MAX_DIFFERENCE,
    NotPublished,
    build,
    corpus_digest,
    hard_texts,
    parity,
    publish,
    sources,
)
from model_export.rows import CORPUS, UNKNOWN, BadRow, Row, corpus, records, row_of
from model_export.training import Trained, held_out_logits, judged_and_train_only, train

FILES = ["train_1", "train_3", "train_8", "edge_1"]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = [(record, name) for name in sorted(FILES) for record in records(CORPUS / f"{name}.jsonl")]
    return [row_of(*one) for one in found[::5]]


@pytest.fixture(scope="module")
def trained(rows: list[Row]) -> Trained:
    return train(rows)


@pytest.fixture(scope="module")
def found(trained: Trained) -> Evaluation:
    return evaluate(trained)


@pytest.fixture(scope="module")
def data(trained: Trained, rows: list[Row], found: Evaluation) -> bytes:
    return build(trained, rows, summary(found))


class TestExport:
    def test_graph_and_scikit_learn_agree_singly_and_in_batches(
        self, trained: Trained, rows: list[Row], data: bytes
    ):
        session = ModelSession(data, audit(data))
        assert parity(session, trained.model, [*(row.text for row in rows), *hard_texts()]) <= MAX_DIFFERENCE

    def test_shares_add_up_to_the_logit(self, trained: Trained, rows: list[Row], data: bytes):
        session = ModelSession(data, audit(data))
        for row in rows[:20]:
            assert abs(session.score(row.text).logit - trained.model.decision_function([row.text])[0]) < 1e-9

    def test_the_card_says_what_was_learned_from_and_what_was_missed(
        self, trained: Trained, data: bytes, found: Evaluation
    ):
        card = write_card(data, audit(data), found, 1e-16)
        assert f"{len(trained.judged)} messages written for this project, in 3 files" in card
        assert "No mail of real people" in card
        assert f"met at {found.pooled.ece:.3f}" in card or f"missed at {found.pooled.ece:.3f}" in card
        own = " ".join(write_card(data, audit(data), found, 1e-16, own=7).split())
        assert "7 of an owner's own mail: this model may serve their mailbox and no other" in own
        assert "No mail of real people" not in own

    def test_training_again_gives_the_same_bytes(self, rows: list[Row], data: bytes):
        again = train(rows)
        assert build(again, rows, summary(evaluate(again))) == data

    def test_a_graph_that_differs_is_not_published(
        self, trained: Trained, rows: list[Row], data: bytes, tmp_path: Path
    ):
        out = tmp_path / "model.onnx"
        out.write_bytes(b"the old one")
        moved = deepcopy(trained)
        moved.model.offset_ += 1e-6
        with pytest.raises(NotPublished):
            publish(data, moved, rows, out)
        assert out.read_bytes() == b"the old one"

    def test_the_shipped_model_is_the_one_of_its_card_and_made_from_these_sources(self):
        card, data = read_card(SHIPPED.with_suffix(".md")), SHIPPED.read_bytes()
        assert card["sha256"] == hashlib.sha256(data).hexdigest()
        assert (card["version"], card["corpus"]) == (audit(data).version, audit(data).corpus)
        renew = f"train again: .venv/bin/pitchgate-model export --out {SHIPPED.relative_to(Path.cwd())}"
        assert card["sources"] == sources(), renew

    def test_the_shipped_metadata_has_the_fields_of_a_model_made_now(self, data: bytes):
        shipped, made = (audit(model).metadata for model in (SHIPPED.read_bytes(), data))
        assert shipped.keys() == made.keys()
        for name in ("metrics", "params", "thresholds"):
            assert _fields(json.loads(shipped[name])) == _fields(json.loads(made[name]))

    @pytest.mark.reproduce
    def test_the_shipped_model_belongs_to_every_row_as_it_is_worded_here(self, every_row: list[Row]):
        assert audit(SHIPPED.read_bytes()).corpus == corpus_digest(every_row)


class TestSplits:
    @pytest.mark.parametrize("which", ["rows", pytest.param("every_row", marks=pytest.mark.reproduce)])
    def test_no_sender_stands_on_both_sides(self, which: str, request: pytest.FixtureRequest):
        owners: dict[str, set[str]] = {}
        for row in judged_and_train_only(request.getfixturevalue(which))[0]:
            owners.setdefault(row.sender, set()).add(row.group)
        shared = {sender for sender, groups in owners.items() if len(groups) > 1}
        assert not shared

    def test_a_left_out_file_is_not_trained_on(self, rows: list[Row], monkeypatch: pytest.MonkeyPatch):
        seen: list[set[str]] = []
        fit = training.fit

        def watched(inside: list[Row], params: object, counts: Counts) -> PitchModel:
            seen.append({row.group for row in inside})
            assert {matrix.shape[0] for matrix, _ in counts.blocks} == {len(inside)}
            return fit(inside, DEFAULT, counts)

        monkeypatch.setattr(training, "fit", watched)
        judged, aside = judged_and_train_only(rows)
        held_out_logits(judged, DEFAULT, train_only=aside)
        every = {row.group for row in rows}
        assert [every - groups for groups in seen] == [{"train_1"}, {"train_3"}, {"train_8"}]

    def test_counted_once_or_for_each_fold_the_terms_and_the_logits_are_the_same(self, rows: list[Row]):
        inside = [i for i, row in enumerate(rows) if row.group != "train_3"]
        outside = [i for i, row in enumerate(rows) if row.group == "train_3"]
        counts = Counts.of([row.text for row in rows])
        once = training.fit([rows[i] for i in inside], DEFAULT, counts.take(inside))
        alone = training.fit([rows[i] for i in inside], DEFAULT)
        texts = [rows[i].text for i in outside]
        assert once.terms() == alone.terms()
        assert np.array_equal(once.coef_, alone.coef_)
        assert np.array_equal(once.logits(once.weighed(counts.take(outside))), alone.decision_function(texts))

    def test_files_of_one_label_train_but_are_never_judged(self, trained: Trained):
        assert {row.group for row in trained.judged} == {"train_1", "train_3", "train_8"}

    def test_thresholds_keep_their_promise(self, trained: Trained):
        ordinary = [row.finer_class in UNKNOWN for row in trained.judged]
        strangers = trained.probabilities[np.array(ordinary)]
        for strictness, rates in training.FALSE_RATES.items():
            limits = trained.thresholds[strictness]
            for threshold, rate in zip((limits.clear, limits.hold, limits.challenge), rates, strict=True):
                assert np.mean(strangers >= threshold) <= rate


class TestLoaders:
    @pytest.fixture
    def takeout(self, tmp_path: Path) -> Path:
        path = tmp_path / "all.mbox"
        messages = [
            ("1", "seller@out.test", "Inbox,Pitches", "Buy our list"),
            ("2", "friend@out.test", "Inbox", "Dinner on Friday?"),
            ("3", "me@own.test", "Sent", "Yes"),
            ("4", "junk@out.test", "Spam", "You won"),
        ]
        path.write_text(
            "".join(
                f"From x Thu Jan  1 00:00:00 2026\nMessage-ID: <{n}@x>\nFrom: {sender}\nTo: me@own.test\n"
                f"X-Gmail-Labels: {labels}\nSubject: s\n\n{body}\n\n"
                for n, sender, labels, body in messages
            )
        )
        return path

    def test_gmail_labels_become_labels(self, takeout: Path):
        found = own.labelled_mail(takeout, "me@own.test", {"pitches"})
        assert [(row.sender, row.label) for row in found] == [
            ("seller@out.test", "sales"),
            ("friend@out.test", "legit"),
        ]

    def test_corrections_are_joined_by_message_id(self, takeout: Path, tmp_path: Path):
        export = tmp_path / "export.json"
        decided = [
            {
                "gmail_id": gmail_id,
                "decision": decision,
                "decided_at": f"2026-03-0{day}T09:00:00+00:00",
                **more,
            }
            for gmail_id, decision, day, more in (
                ("a", "allow", 2, {}),  # the later word, though it stands first
                ("a", "block", 1, {}),
                ("b", "sales", 1, {"undone_at": None}),
                ("b", "release", 3, {"undone_at": "2026-03-04T09:00:00+00:00"}),
                ("c", "block", 1, {}),  # about mail that is not in the archive
            )
        ]
        known = [
            {"gmail_id": g, "message_id": m} for g, m in (("a", "<1@x>"), ("b", "<2@x>"), ("c", "<9@x>"))
        ]
        export.write_text(json.dumps({"format": FORMAT, "messages": known, "corrections": decided}))
        found = own.corrected_mail(export, takeout, "me@own.test")
        assert [(row.sender, row.label) for row in found] == [
            ("seller@out.test", "legit"),
            ("friend@out.test", "sales"),
        ]
        for wrong in ("[]", "{}", json.dumps({"format": "else", "messages": [], "corrections": []})):
            export.write_text(wrong)
            with pytest.raises(BadRow, match="no data export"):
                own.corrected_mail(export, takeout, "me@own.test")


def _fields(value: Any) -> Any:
    return {name: _fields(part) for name, part in value.items()} if isinstance(value, dict) else None


class TestBadRows:
    @pytest.mark.parametrize("line", ["no json", "[1]"])
    def test_a_bad_line_is_named(self, line: str, tmp_path: Path):
        path = tmp_path / "bad.jsonl"
        path.write_text("{}\n" + line)
        with pytest.raises(BadRow, match="line 2"):
            list(records(path))

    def test_a_file_the_corpus_has_not_is_named(self):
        with pytest.raises(BadRow, match="no file elsewhere; it has edge_1, train_1"):
            corpus(files=["train_1", "elsewhere"])

    def test_missing_fields_and_wrong_labels(self):
        with pytest.raises(BadRow, match="subject"):
            row_of({"id": "a", "from": "x", "to": "y"}, "g")
        plain = {"id": "a", "from": "x", "to": "y", "subject": "s"}
        for given in ({}, {"class": "crude"}, {"label": "sales", "class": "known"}, {"class": ""}):
            with pytest.raises(BadRow, match="class"):
                row_of({**plain, **given}, "g")
        with pytest.raises(BadRow, match="neither"):
            row_of({"id": "a", "from": "x", "to": "y", "subject": "s", "label": "spam"}, "g")


class TestCommands:
    def test_score_goes_through_the_serving_path(self, tmp_path: Path):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join((CORPUS / "train_4.jsonl").read_text().splitlines(keepends=True)[:3]))
        done = CliRunner().invoke(cli, ["score", str(path)], catch_exceptions=False)
        lines = [json.loads(line) for line in done.output.splitlines()]
        session = ModelSession.open(SHIPPED)
        expected = [session.score(row_of(record, "x").text).probability for record in records(path)]
        assert [line["score"] for line in lines] == expected
        assert all(set(line) == {"id", "score", "reasons"} for line in lines)

    def test_score_takes_what_people_have(self, tmp_path: Path):
        """No label, no HTML, no subject, nothing at all but an id; ten million letters; half a character."""
        odd: list[dict[str, object]] = [
            {"id": "bare"},
            {
                "id": "nulls",
                "subject": None,
                "from": None,
                "to": None,
                "headers": None,
                "text": None,
                "html": None,
            },
            {"id": "label", "label": "spam", "text": "hello"},
            {"id": "huge", "text": "word " * 2_000_000},
            {
                "id": "half",
                "text": "\ud800",
                "subject": "a\nBcc: b@c.example",
                "headers": {"X-Y": None, "List-Id": 5},
            },
        ]
        path = tmp_path / "rows.jsonl"
        path.write_text("\ufeff" + "\r\n\r\n".join(json.dumps(record) for record in odd), encoding="utf-8")
        done = CliRunner().invoke(cli, ["score", str(path)], catch_exceptions=False)
        lines = [json.loads(line) for line in done.output.splitlines()]
        assert [line["id"] for line in lines] == [record["id"] for record in odd]
        assert all(0 < line["score"] < 0.5 and isinstance(line["reasons"], list) for line in lines)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            (b"{", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[1]", "not an object"),
            (b'{"text": "no id"}', "no text under id"),
            (b'{"id": "a", "text": 5}', "text"),
            (b'{"id": "a", "headers": ["x"]}', "headers"),
            (b'{"id": "a", "headers": {"X: y\\n\\nhidden": "z"}}', "no name of a header"),
            (b'{"id": "a", "headers": {"Subject": "twice"}}', "Subject"),
        ],
    )
    def test_score_names_the_line_it_cannot_read(
        self,
        line: bytes,
        expected: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(b'{"id": "fine"}\n\n' + line + b"\n")
        monkeypatch.setattr(sys, "argv", ["pitchgate-model", "score", str(path)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert [json.loads(row)["id"] for row in capsys.readouterr().out.splitlines()] == ["fine"]
        assert "rows.jsonl, line 3: " in str(ended.value.code)
        assert expected in str(ended.value.code)

    def test_export_reproduce_report_and_compare(self, tmp_path: Path):
        out, page = tmp_path / "model.onnx", tmp_path / "report.html"
        some = ["--files", "train_23,train_24"]
        runner = CliRunner()
        assert runner.invoke(cli, ["export", "--out", str(out), *some]).exit_code == 0
        again = runner.invoke(cli, ["reproduce", str(out.with_suffix(".md")), *some])
        assert again.exit_code == 0, again.output
        other = runner.invoke(cli, ["reproduce", str(out.with_suffix(".md")), "--files", "train_23,train_25"])
        assert other.exit_code == 1
        assert "corpus" in other.output
        found = [
            "report",
            "--model",
            str(out),
            "--previous",
            str(SHIPPED),
            "--no-curve",
            "--out",
            str(page),
            *some,
        ]
        shown = runner.invoke(cli, found)
        assert shown.exit_code == 0, shown.output
        text = page.read_text()
        assert "<svg" in text
        assert "src=" not in text
        assert "http" not in text.replace("http://www.w3.org", "")
        assert "terms" in runner.invoke(cli, ["compare", "--no-corpus", str(SHIPPED), str(out)]).output

    def test_one_file_cannot_be_left_out(self):
        assert CliRunner().invoke(cli, ["evaluate", "--files", "train_1"]).exit_code == 2

    def test_a_text_that_is_no_card(self, tmp_path: Path):
        path = tmp_path / "card.md"
        path.write_text("# hello")
        with pytest.raises(BadCard):
            read_card(path)
