"""The settings, the challenge's wording among them."""

from backend.web.texts.owner.settings import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
