"""Whom the owner allows and blocks, and what that means for a sender."""

from backend.web.texts.owner.lists import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
