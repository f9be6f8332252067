"""Disconnecting and deleting, and the receipt for it."""

from backend.web.texts.owner.leave import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
