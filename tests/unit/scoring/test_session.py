"""What the model says, from several threads too, and what the process that reads never imports."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.model_text import prepare
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession

ANNA = Owner("anna@firm.test", "Anna Berg")


def text(body: str, subject: str = "") -> str:
    to = (Address("anna@firm.test", "Anna Berg"),)
    return prepare(
        Message(from_=(Address("bob@seo-kings.test", "Bob"),), to=to, subject=subject, text=body), ANNA
    )


PITCH = text(
    "Hi Anna, we help companies like yours rank on the first page of Google. Free SEO audit, no obligation. "
    "Would you have 15 minutes for a quick call next week?",
    "SEO for firm.test",
)
ORDINARY = text(
    "Hi Anna, thanks for your order, the invoice is attached as discussed yesterday. See you Friday."
)


@pytest.fixture(scope="module")
def session() -> ModelSession:
    return ModelSession.open(SHIPPED)


class TestScores:
    def test_a_pitch_is_told_from_ordinary_mail_with_reasons(self, session: ModelSession):
        limits = session.thresholds(Strictness.NORMAL)
        assert session.score(PITCH).probability >= limits.hold
        assert session.score(ORDINARY).probability < limits.clear
        assert session.score(PITCH).reasons
        assert session.score(PITCH).model == session.facts.version

    def test_a_brief_score_has_the_same_bits_and_counts_and_no_reasons(self, session: ModelSession):
        for said in (PITCH, ORDINARY, f"{PITCH} {ORDINARY}", "", "a é ? x\ud800y"):
            brief, whole = session.score_briefly(said), session.score(said)
            assert (brief.probability, brief.logit) == (whole.probability, whole.logit)
            assert (brief.trace.words, brief.trace.known) == (whole.trace.words, whole.trace.known)
            assert (brief.trace.made_with, brief.trace.shares, brief.reasons) == (
                whole.trace.made_with,
                "",
                (),
            )

    @pytest.mark.parametrize(
        ("subject", "body"), [("", ""), ("hi", ""), ("Hello", "Hi Anna"), ("x", "x"), ("", "?")]
    )
    def test_mail_with_next_to_nothing_in_it_is_never_held(
        self, session: ModelSession, subject: str, body: str
    ):
        limits = session.thresholds(Strictness.STRICT)
        assert session.score(text(body, subject)).probability < limits.hold

    def test_stricter_means_lower_thresholds(self, session: ModelSession):
        relaxed, normal, strict = (session.thresholds(s) for s in Strictness)
        assert relaxed.hold > normal.hold > strict.hold
        assert relaxed.challenge > normal.challenge > strict.challenge

    @pytest.mark.parametrize("wrong", [None, b"bytes", 7])
    def test_what_is_no_text_is_refused_not_scored(self, session: ModelSession, wrong: object):
        with pytest.raises(TypeError):
            session.score(wrong)  # type: ignore[arg-type]

    def test_lone_surrogates_are_scored(self, session: ModelSession):
        assert 0.0 <= session.score("hello \ud800 there").probability <= 1.0


def test_many_threads_score_as_one_does(session: ModelSession):
    with ThreadPoolExecutor(4) as threads:
        scores = list(threads.map(session.score, [PITCH, ORDINARY] * 50))
    assert len({score.probability for score in scores}) == 2


def test_the_reading_process_imports_nothing_of_training_nor_of_the_server():
    script = (
        "import sys; from backend.scoring import SHIPPED; from backend.reader_process import _load; "
        "_load(SHIPPED.read_bytes(), 'model'); "
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'onnx', 'skl2onnx', 'joblib', 'aiohttp', 'pydantic', 'quart',"
        " 'structlog', 'asyncio', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- The runtime of the model tells nobody anything, and keeps nothing to tell later


SCORES = """
from pathlib import Path
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
print(ModelSession.open(SHIPPED).score("quick question about your team").probability)
"""


def test_scoring_leaves_no_device_id_and_no_database_behind(tmp_path: Path) -> None:
    quiet = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    dropped = (
        "ORT_DISABLE_TELEMETRY",
        "CI",
        "GITHUB_ACTIONS",
        "TF_BUILD",
    )  # it keeps quiet in known build machines
    environment = {name: value for name, value in os.environ.items() if name not in dropped} | quiet
    done = subprocess.run(
        [sys.executable, "-c", SCORES], env=environment, capture_output=True, text=True, check=True
    )
    assert 0 <= float(done.stdout) <= 1
    assert "elemetry" not in done.stdout + done.stderr
    assert [str(path) for path in tmp_path.rglob("*")] == []
