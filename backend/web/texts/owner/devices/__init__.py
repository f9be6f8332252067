"""Computers and browsers: who may see held mail, and letting another one in."""

from backend.web.texts.owner.devices import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
