"""The scorer while it serves: threads, hot switch, what it refuses and what it never imports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.wording import prepare
from backend.scoring import SHIPPED
from backend.scoring.audit import ModelRefused
from backend.scoring.scorer import OnnxScorer
from backend.scoring.session import ModelSession
from tests.renamed_model import OTHER_VERSION, SHIPPED_VERSION, put_renamed

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


class TestServing:
    async def test_many_at_once_score_as_one_by_one(self):
        scorer = OnnxScorer.open(SHIPPED)
        scores = await asyncio.gather(*(scorer.score(t) for t in [PITCH, ORDINARY] * 50))
        scorer.close()
        assert len({score.probability for score in scores}) == 2

    async def test_switching_drops_no_request(self, tmp_path: Path):
        put_renamed(other := tmp_path / "other.onnx")
        scorer = OnnxScorer.open(SHIPPED)
        before = [asyncio.create_task(scorer.score(PITCH)) for _ in range(40)]
        await asyncio.sleep(0)  # all of them have begun
        version = await scorer.switch(other)
        after = await asyncio.gather(*(scorer.score(PITCH) for _ in range(40)))
        begun = await asyncio.gather(*before)
        scorer.close()
        # Who began with the old model is answered by it; nobody waits, nobody is refused.
        assert {score.model for score in begun} == {SHIPPED_VERSION}
        assert {score.model for score in after} == {version} == {scorer.model_version} == {OTHER_VERSION}
        assert {score.probability for score in (*begun, *after)} == {begun[0].probability}

    async def test_a_refused_file_leaves_the_old_model_in_place(self, tmp_path: Path):
        scorer = OnnxScorer.open(SHIPPED)
        broken = tmp_path / "broken.onnx"
        broken.write_bytes(b"no model")
        before = scorer.model_version
        with pytest.raises(ModelRefused):
            await scorer.switch(broken)
        assert scorer.model_version == before
        assert (await scorer.score(PITCH)).probability > 0.5
        scorer.close()


def test_serving_imports_nothing_of_training():
    script = (
        "import sys; from backend.scoring import SHIPPED; from backend.scoring.scorer import OnnxScorer; "
        "import backend.domain.reading.wording; OnnxScorer.open(SHIPPED).close(); "
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'onnx', 'skl2onnx', 'joblib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
