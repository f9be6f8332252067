"""The way in: the landing page, connecting, and everything that can go wrong on the way."""

from backend.web.texts.owner.connect import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
