"""The review page, a mail on it, and the page of a sender."""

from backend.web.texts.owner.review import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
