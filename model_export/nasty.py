"""Texts that have broken tokenisers: every script, odd code points, empty and very long texts."""

from __future__ import annotations

from backend.domain.mail.message import Message, Owner
from backend.domain.reading.model_text import prepare

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


def _texts() -> tuple[str, ...]:
    owner = Owner("anna.owner@example.test", "Anna Owner")
    prepared = [
        prepare(Message(text=sample, subject=sample[:60]), owner) for sample in (*_SAMPLES, *_SCRIPTS)
    ]
    mixed = " ".join((*_SAMPLES[:16], *_SCRIPTS))
    return (*prepared, prepare(Message(text=mixed), owner), "", " ", "\n")


NASTY = _texts()
