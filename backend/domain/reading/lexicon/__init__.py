"""The product's own words for what mail says, by language. Data only; read by `concepts` and `phrases`."""

from __future__ import annotations

from backend.domain.reading.lexicon.concepts_cs import CONCEPTS as CONCEPTS_CS
from backend.domain.reading.lexicon.concepts_de import CONCEPTS as CONCEPTS_DE
from backend.domain.reading.lexicon.concepts_en import CONCEPTS as CONCEPTS_EN
from backend.domain.reading.lexicon.concepts_es import CONCEPTS as CONCEPTS_ES
from backend.domain.reading.lexicon.concepts_fr import CONCEPTS as CONCEPTS_FR
from backend.domain.reading.lexicon.concepts_it import CONCEPTS as CONCEPTS_IT
from backend.domain.reading.lexicon.concepts_nl import CONCEPTS as CONCEPTS_NL
from backend.domain.reading.lexicon.concepts_pl import CONCEPTS as CONCEPTS_PL
from backend.domain.reading.lexicon.concepts_pt import CONCEPTS as CONCEPTS_PT
from backend.domain.reading.lexicon.concepts_sv import CONCEPTS as CONCEPTS_SV
from backend.domain.reading.lexicon.phrases_cs import PHRASES as PHRASES_CS
from backend.domain.reading.lexicon.phrases_de import PHRASES as PHRASES_DE
from backend.domain.reading.lexicon.phrases_en import PHRASES as PHRASES_EN
from backend.domain.reading.lexicon.phrases_es import PHRASES as PHRASES_ES
from backend.domain.reading.lexicon.phrases_fr import PHRASES as PHRASES_FR
from backend.domain.reading.lexicon.phrases_it import PHRASES as PHRASES_IT
from backend.domain.reading.lexicon.phrases_nl import PHRASES as PHRASES_NL
from backend.domain.reading.lexicon.phrases_pl import PHRASES as PHRASES_PL
from backend.domain.reading.lexicon.phrases_pt import PHRASES as PHRASES_PT
from backend.domain.reading.lexicon.phrases_sv import PHRASES as PHRASES_SV

CONCEPTS = {
    "en": CONCEPTS_EN,
    "de": CONCEPTS_DE,
    "fr": CONCEPTS_FR,
    "es": CONCEPTS_ES,
    "pt": CONCEPTS_PT,
    "it": CONCEPTS_IT,
    "nl": CONCEPTS_NL,
    "pl": CONCEPTS_PL,
    "cs": CONCEPTS_CS,
    "sv": CONCEPTS_SV,
}
PHRASES = {
    "en": PHRASES_EN,
    "de": PHRASES_DE,
    "fr": PHRASES_FR,
    "es": PHRASES_ES,
    "pt": PHRASES_PT,
    "it": PHRASES_IT,
    "nl": PHRASES_NL,
    "pl": PHRASES_PL,
    "cs": PHRASES_CS,
    "sv": PHRASES_SV,
}
