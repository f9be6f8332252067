"""What stands around every page of an owner, and the state of his mailbox."""

from backend.web.texts.owner.frame import de, en, es, fr, pt

TEXTS = {"en": en.TEXTS, "de": de.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "pt": pt.TEXTS}
