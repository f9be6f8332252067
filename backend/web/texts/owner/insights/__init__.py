"""The insights page."""

from backend.web.texts.owner.insights import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
