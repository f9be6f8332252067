"""The settings card: what Pitchgate may do, and how strict it is."""

from __future__ import annotations

from backend.domain.mailbox.mailbox import DigestPace, Mailbox, Mode, Strictness
from backend.domain.reading.topics import Topic
from backend.web.addon.cards import widgets
from backend.web.addon.cards.frame import Frame
from backend.web.addon.cards.state import trouble, warnings
from backend.web.addon.cards.widgets import Json


def settings_card(frame: Frame, mailbox: Mailbox) -> Json:
    """The settings card. Its form's fields are called as the preferences are."""
    words, chosen = frame.words, mailbox.preferences
    closed = () if frame.challenges else (Mode.CHALLENGE,)
    modes = [(words[f"mode_{m}"], str(m)) for m in Mode if m not in closed or m is chosen.mode]
    why = widgets.paragraph(frame.no_challenges) if closed else None
    degrees = [(words[f"strictness_{degree}"], str(degree)) for degree in Strictness]
    paces = [(words[f"digest_{pace}"], str(pace)) for pace in DigestPace]
    topics = [(_capital(words[f"topic_{topic}"]), str(topic)) for topic in Topic]
    save = frame.act("save", {"act": "save", "version": frame.version}, "FILLED")
    return widgets.card(
        "settings",
        words["settings"],
        "Pitchgate",
        (
            trouble(frame, mailbox),
            widgets.section((widgets.line(words[f"news_{mailbox.notices}"]), *warnings(frame, mailbox))),
            widgets.section((widgets.choice("mode", words["mode"], modes, chosen.mode), why)),
            widgets.section((widgets.choice("strictness", words["strictness"], degrees, chosen.strictness),)),
            widgets.section((widgets.choice("digest", words["digest_h"], paces, chosen.digest),)),
            widgets.section((widgets.ticks("welcome", words["welcome_h"], topics, chosen.welcome),)),
        ),
        fixedFooter={"primaryButton": save},
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
