"""The first run: learning whom the owner knows, what would have been held, and his choice."""

from backend.web.texts.owner.start import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
