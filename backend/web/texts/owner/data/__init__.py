"""The page about what is kept."""

from backend.web.texts.owner.data import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
