"""Makes a model file from a trained model (graph, metadata, hash, checks, parity with scikit-learn), and says whether
the same file comes out when it is made again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from backend.domain.mail.message import Message, Owner
from backend.domain.reading import model_text
from backend.domain.reading.model_text import prepare, reading_digest
from backend.scoring.model_file import FORMAT, audit, digest_of, packed_terms
from backend.scoring.session import ModelSession
from model_export.disguises import copies
from model_export.graph import to_onnx
from model_export.learner import Floats, PitchModel
from model_export.own import Gain
from model_export.rows import CORPUS, Row, records, row_of
from model_export.training import Trained

LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "skl2onnx")
MAX_DIFFERENCE = 1e-12
_NO_DIGEST = "0" * 64


class NotPublished(RuntimeError):
    """The file was not written: its graph, or the model it belongs to, is not what was trained."""


def build(
    trained: Trained, rows: Sequence[Row], metrics: Mapping[str, Any], own: Gain | None = None
) -> bytes:
    """The bytes of the model file, the same for the same trained parameters. `own`: how much better it became
    by training on the owner's mail too."""
    model = to_onnx(trained.model)
    metadata = _metadata(trained, rows, metrics) | ({"own": _json(own.as_dict())} if own else {})
    helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    place = data.rfind(_NO_DIGEST.encode())
    digest = digest_of(data, place, place + 64)
    return data[:place] + digest.encode() + data[place + 64 :]


def _metadata(trained: Trained, rows: Sequence[Row], metrics: Mapping[str, Any]) -> dict[str, str]:
    corpus = corpus_digest(rows)
    thresholds = {
        strictness.value: {"clear": t.clear, "hold": t.hold, "challenge": t.challenge}
        for strictness, t in trained.thresholds.items()
    }
    return {
        "format": FORMAT,
        "version": f"{corpus[:6]}-{fingerprint(trained.model)[:8]}",
        "corpus": corpus,
        "reading": reading_digest(),
        "rows": str(len(rows)),
        "params": _json(trained.params.as_dict()),
        "thresholds": _json(thresholds),
        "metrics": _json(metrics),
        "libraries": _json({name: importlib.metadata.version(name) for name in LIBRARIES}),
        "vocabulary": packed_terms(trained.model.terms()),
        "digest": _NO_DIGEST,
    }


def fingerprint(model: PitchModel) -> str:
    """SHA-256 over all learned parameters."""
    digest = hashlib.sha256("\n".join(model.terms()).encode())
    idf = [vectorizer.idf_ for vectorizer in model.vectorizers]
    for values in (
        *idf,
        model.coef_,
        model.intercept_,
        np.array([model.slope_, model.offset_, model.longest_]),
    ):
        digest.update(np.ascontiguousarray(values, "<f8").tobytes())
    return digest.hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def parity(session: ModelSession, model: PitchModel, texts: Sequence[str], batch: int = 64) -> float:
    """Largest difference of probability between graph and scikit-learn, for single messages and for batches."""
    expected = model.predict_proba(list(texts))[:, 1]
    single = np.array([session.score(text, explain=False).probability for text in texts])
    batches = [session.probabilities(texts[i : i + batch]) for i in range(0, len(texts), batch)]
    batched: Floats = np.concatenate(batches)
    return float(max(np.abs(single - expected).max(), np.abs(batched - expected).max()))


def publish(data: bytes, trained: Trained, rows: Sequence[Row], path: Path) -> float:
    """Check the file, measure parity on the corpus and on hard texts, then write `path`. Returns the largest
    difference.

    Raises `NotPublished` if the graph differs by more than `MAX_DIFFERENCE`, `ModelRefused` if a check fails; the old
    file then stays."""
    session = ModelSession(data, audit(data, path), path)
    difference = parity(session, trained.model, [*(row.text for row in rows), *hard_texts()])
    if difference > MAX_DIFFERENCE:
        raise NotPublished(f"graph and model differ by {difference:.1e}, allowed is {MAX_DIFFERENCE:.0e}")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)
    return difference


# ---- Whether the same file comes out when it is made again

LEXICON = Path(model_text.__file__).parent / "lexicon"


def corpus_digest(rows: Iterable[Row]) -> str:
    """SHA-256 over ids, labels, classes and prepared texts. It changes with the corpus and with the text
    preparation."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(
            f"{row.id}\x00{row.label}\x00{row.finer_class}\x00{chr(2).join(row.texts)}\x01".encode()
        )
    return digest.hexdigest()


@cache
def sources() -> dict[str, str]:
    """Quick hashes of the training data: of the files of corpus and lexicon, and of the prepared texts of every
    twentieth message and of some disguised copies, which change with the code. `corpus_digest` reads all messages."""
    paths = sorted(CORPUS.glob("*.jsonl"))
    some = [row_of(record, path.stem) for path in paths for record in islice(records(path), 0, None, 20)]
    return {
        "corpus": _files_digest(paths),
        "lexicon": _files_digest(
            sorted(path for path in LEXICON.rglob("*") if path.suffix not in (".py", ".pyc"))
        ),
        "wording": corpus_digest([*some, *copies(some)]),
    }


def _files_digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(f"{path.name}\x00".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def differences(stated: dict[str, Any], data: bytes) -> list[str]:
    """Empty if `data` has exactly the bytes that the card states; otherwise what explains the difference."""
    if hashlib.sha256(data).hexdigest() == stated["sha256"]:
        return []
    facts = audit(data)
    found = [f"the file's SHA-256 is {hashlib.sha256(data).hexdigest()}, the card states {stated['sha256']}"]
    if facts.corpus != stated["corpus"]:
        found.append("the corpus, or what prepares its texts, has changed since the model was trained")
    if json.loads(facts.metadata["params"]) != stated["params"]:
        found.append("the parameters differ")
    for name, version in stated.get("libraries", {}).items():
        ours = importlib.metadata.version(name)
        if ours != version:
            found.append(f"{name} is {ours}, it was {version}")
    for name, ours in (("python", platform.python_version()), ("machine", platform.machine())):
        if stated.get(name) != ours:
            found.append(f"{name} is {ours}, it was {stated.get(name)}")
    if len(found) == 1:
        what = "the coefficients" if facts.version != stated.get("version") else "the metadata"
        found.append(f"corpus, parameters and libraries agree, {what} do not: perhaps another processor")
    return found


# ---- Texts that have broken tokenisers: every script, odd code points, empty and very long texts

_SAMPLES = (
    "",
    " ",
    "?",
    "a",
    "I",
    "don't won't it's l'été",
    "İstanbul ΌΔΟΣ ὈΔΥΣΣΕΎΣ ΣΑΣ ẞ ß ǅ ŉ ﬃ",
    "\x00\x01\x02 control \x1b[31m characters \x7f",
    "tab\tnewline\nreturn\r\nform\x0cvertical\x0bend",
    "non\u00a0breaking\u2003em\u200bzero\u2060joiner\ufeffmark",
    "lone \ud800 surrogates \udfff here",
    "right \u202eto\u202c left",
    "e\u0301 combining \u0915\u094d\u0937 marks",
    "emoji 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇿 end",
    "ｆｕｌｌｗｉｄｔｈ ① Ⅷ ½ ²",
    "{{first_name}} <<company>> %NAME% __init__ f_language_en q_x g_y",
    "x" * 5000,
    "_" * 3000,
    "word " * 5000,
    " ".join(f"w{i}" for i in range(5000)),
    "###### ====== ------ ??????",
    "a\u0378b \ud83d\udca9 \U000e0001tag",
)
_SCRIPTS = (
    "Доброго дня, ми пропонуємо безкоштовний аудит",
    "Γεια σας, μπορούμε να μιλήσουμε αύριο;",
    "こんにちは、無料相談はいかがですか",
    "您好，我们是一家工厂，可以报价",
    "안녕하세요 무료 상담을 제안합니다",
    "مرحبا، هل يمكننا التحدث غدا",
    "שלום, אפשר לדבר מחר",
    "नमस्ते, क्या हम बात कर सकते हैं",
    "வணக்கம், நாம் பேசலாமா",
    "สวัสดีครับ เราขอเสนอราคา",
    "გამარჯობა, შეგვიძლია საუბარი",
    "Բարեւ, կարո՞ղ ենք խոսել",
    "ሰላም እንዴት ነህ",
    "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ",
    "ភាសាខ្មែរ ជំរាបសួរ",
    "ᚠᚢᚦᚨᚱᚲ 𐍈𐌹𐍂𐌰 𝒽𝑒𝓁𝓁𝑜 𝟏𝟐",
    "Xin chào, chúng tôi muốn giới thiệu",
    "Zażółć gęślą jaźń",
    "Příliš žluťoučký kůň",
    "Þetta er íslenska",
)


@cache
def hard_texts() -> tuple[str, ...]:
    """Prepared texts that are hard to split into words: the samples above, one by one and joined."""
    owner = Owner("anna.owner@example.test", "Anna Owner")
    prepared = [
        prepare(Message(text=sample, subject=sample[:60]), owner) for sample in (*_SAMPLES, *_SCRIPTS)
    ]
    mixed = " ".join((*_SAMPLES[:16], *_SCRIPTS))
    return (*prepared, prepare(Message(text=mixed), owner), "", " ", "\n")
