"""Tricks by which a pitch is dressed up so that a program reads something else than a person sees.

Each is a function of a mail and a sentence; a new one is one more entry. None is named in the program: what is tried
are families. `worn` are those that ordinary mail wears too.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

ZWSP, SOFT, JOINER, FILLER, NBSP = "\u200b", "\u00ad", "\u034f", "\u3164", "\u00a0"
CYRILLIC = str.maketrans("aceopxyiACEOPXTHKMB", "асеорхуіАСЕОРХТНКМВ")
GREEK = str.maketrans("aoviunAEHIKMNOPTXBZ", "αονιυηΑΕΗΙΚΜΝΟΡΤΧΒΖ")
PSEUDO = str.maketrans("aehinotuwk", "αєнιησтυωк")
LEET = str.maketrans("aeiost", "4310$7")
CAPITALS = str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")
MARKED = str.maketrans("aeioucnsz", "ăėĭŏŭċńśż")

IDLE = dict(
    line.split(" | ")
    for line in Path(__file__).with_name("idle.txt").read_text(encoding="utf-8").splitlines()
)
"""A few sentences a language that sell nothing."""


@dataclass(frozen=True)
class Part:
    """A text part: what it is and what it says; `about` are further fields of it."""

    kind: str
    text: str
    about: tuple[str, ...] = ()

    def bytes(self) -> bytes:
        head = (f"Content-Type: {self.kind}; charset=utf-8", "Content-Transfer-Encoding: base64", *self.about)
        body = base64.encodebytes(self.text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Mail:
    """A mail before it is written: `parts` are put into a multipart of `kind` where there are several."""

    language: str
    sender: str
    subject: str
    text: str
    parts: tuple[Part, ...] = ()
    kind: str = "alternative"
    headers: tuple[str, ...] = field(default=())

    @property
    def idle(self) -> str:
        return IDLE[self.language]

    @property
    def markup(self) -> str:
        """The text as plain HTML."""
        paragraphs = html.escape(self.text, quote=False).split("\n\n")
        return "".join(f"<p>{paragraph.replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)

    def said(self, text: str) -> Mail:
        return replace(self, text=text)

    def shown(self, *markups: str, plain: str | None = None) -> Mail:
        """As HTML, beside a plain text where there is one."""
        parts = [Part("text/html", f"<html><body>{markup}</body></html>") for markup in markups]
        return replace(self, parts=(*([Part("text/plain", plain)] if plain is not None else []), *parts))

    def bytes(self) -> bytes:
        subject = base64.b64encode(self.subject.encode()).decode()
        head = [
            f"From: {self.sender}",
            "To: Anna Berg <anna.berg@northwind-tools.test>",
            f"Subject: =?utf-8?b?{subject}?=",
            f"Date: {format_datetime(datetime(2026, 11, 3, 9, tzinfo=UTC))}",
            "Message-ID: <one@sender.test>",
            "MIME-Version: 1.0",
            *self.headers,
        ]
        parts = self.parts or (Part("text/plain", self.text),)
        if len(parts) == 1:
            return "\r\n".join(head).encode() + b"\r\n" + parts[0].bytes()
        head.append(f'Content-Type: multipart/{self.kind}; boundary="=edge"')
        between = b"".join(b"--=edge\r\n" + part.bytes() for part in parts)
        return "\r\n".join(head).encode() + b"\r\n\r\n" + between + b"--=edge--\r\n"


@dataclass(frozen=True)
class Trick:
    name: str
    sentence: str
    dress: Callable[[Mail], Mail]
    worn: bool = False


_TRICKS: list[Trick] = []
_LETTERS = re.compile(r"[^\W\d_]{3,}")


def trick(sentence: str, worn: bool = False) -> Callable[[Callable[[Mail], Mail]], Callable[[Mail], Mail]]:
    def entered(dress: Callable[[Mail], Mail]) -> Callable[[Mail], Mail]:
        _TRICKS.append(Trick(dress.__name__, sentence, dress, worn))
        return dress

    return entered


def letters(sentence: str, change: Callable[[str], str], name: str, worn: bool = False) -> None:
    """A trick that changes each word of the text, and of the subject."""

    def dress(mail: Mail) -> Mail:
        def each(text: str) -> str:
            return _LETTERS.sub(lambda word: change(word.group()), text)

        return replace(mail, text=each(mail.text), subject=each(mail.subject))

    _TRICKS.append(Trick(name, sentence, dress, worn))


def tricks() -> Iterator[Trick]:
    yield from _TRICKS


def _between(word: str, sign: str, every: int = 1) -> str:
    return sign.join(word[at : at + every] for at in range(0, len(word), every))


def _styled(letter: str, capital: int, small: int) -> str:
    if "A" <= letter <= "Z":
        return chr(capital + ord(letter) - 65)
    return chr(small + ord(letter) - 97) if "a" <= letter <= "z" else letter


def _style(capital: int, small: int) -> Callable[[str], str]:
    return lambda word: "".join(_styled(letter, capital, small) for letter in word)


# ---- Characters nobody sees

letters("A zero width space between all letters.", lambda w: _between(w, ZWSP), "zero_width")
letters(
    "A soft hyphen in the middle of each word.", lambda w: _between(w, SOFT, 3), "soft_hyphens", worn=True
)
letters("Grapheme joiners between letters.", lambda w: _between(w, JOINER, 2), "grapheme_joiners")
letters("Word joiners between letters.", lambda w: _between(w, "\u2060"), "word_joiners")
letters("Hangul fillers, which have no width.", lambda w: _between(w, "\uffa0", 2), "fillers")
letters("Characters of the block of tags.", lambda w: _between(w, "\U000e0061", 2), "tags")
letters("Variation selectors behind letters.", lambda w: _between(w, "\ufe0e", 1), "variation_selectors")
letters("Marks of direction in words.", lambda w: _between(w, "\u200e", 2), "direction_marks")
letters("A stroke through every letter.", lambda w: "".join(f"{c}\u0336" for c in w), "struck")
letters(
    "Marks heaped upon every letter.", lambda w: "".join(f"{c}\u0311\u0324\u033e" for c in w), "heaped_marks"
)
letters(
    "Accents as characters of their own.", lambda w: unicodedata.normalize("NFD", w), "decomposed", worn=True
)
letters("Controls between letters.", lambda w: _between(w, "\x7f", 2), "controls")

# ---- Letters that look like letters

letters("Cyrillic letters for those that look the same.", lambda w: w.translate(CYRILLIC), "cyrillic")
letters("Greek letters for those that look the same.", lambda w: w.translate(GREEK), "greek")
letters("Letters of three alphabets that merely resemble.", lambda w: w.translate(PSEUDO), "pseudo_letters")
letters("Mathematical bold letters.", _style(0x1D400, 0x1D41A), "mathematical_bold")
letters("Mathematical script letters.", _style(0x1D4D0, 0x1D4EA), "mathematical_script")
letters("Letters of full width.", _style(0xFF21, 0xFF41), "full_width")
letters("Letters in circles.", _style(0x24B6, 0x24D0), "circled")
letters("Letters in dark squares.", lambda w: _style(0x1F170, 0x1F170)(w.upper()), "dark_squares")
letters("Letters in brackets.", _style(0x1F110, 0x249C), "bracketed")
letters("Small capitals.", lambda w: w.lower().translate(CAPITALS), "small_capitals")
letters("Digits and signs for letters.", lambda w: w.translate(LEET), "leet")
letters("A mark upon every other letter.", lambda w: w.translate(MARKED), "odd_accents")


@trick("All letters apart, three blanks between words.")
def letters_apart(mail: Mail) -> Mail:
    return mail.said(
        "\n".join("   ".join(" ".join(word) for word in line.split()) for line in mail.text.split("\n"))
    )


@trick("All letters apart, one blank everywhere.")
def letters_apart_evenly(mail: Mail) -> Mail:
    return mail.said("\n".join(" ".join(line.replace(" ", "")) for line in mail.text.split("\n")))


letters("A full stop between letters.", lambda w: ".".join(w), "dotted")
letters("A hyphen between letters.", lambda w: "-".join(w), "hyphened")
letters("A star in the middle of longer words.", lambda w: f"{w[:2]}*{w[2:]}" if len(w) > 4 else w, "starred")
letters("A narrow blank between letters.", lambda w: _between(w, "\u200a"), "hair_spaces")

# ---- The order on the screen


@trick("Every line written backwards behind an override of direction.")
def override(mail: Mail) -> Mail:
    return mail.said("\n".join(f"\u202e{line[::-1]}\u202c" if line else "" for line in mail.text.split("\n")))


letters(
    "Every word written backwards behind an override.", lambda w: f"\u202e{w[::-1]}\u202c", "override_words"
)


@trick("Every line written backwards in <bdo dir=rtl>.")
def bdo(mail: Mail) -> Mail:
    return mail.shown(
        "<br>".join(f"<bdo dir=rtl>{html.escape(x[::-1])}</bdo>" for x in mail.text.split("\n"))
    )


@trick("Every line written backwards, turned round by CSS.")
def css_override(mail: Mail) -> Mail:
    line = '<div style="direction: rtl; unicode-bidi: bidi-override; text-align: left">{}</div>'
    return mail.shown("".join(line.format(html.escape(x[::-1])) for x in mail.text.split("\n")))


@trick("Words in reverse order, put right by a table that runs from right to left.")
def reversed_cells(mail: Mail) -> Mail:
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(w)}</td>" for w in reversed(x.split())) + "</tr>"
        for x in mail.text.split("\n")
    )
    return mail.shown(f"<table dir=rtl>{rows}</table>")


# ---- Text cut into elements


def _each(mail: Mail, markup: str) -> str:
    return "<br>".join(
        "".join(markup.format(html.escape(c)) if c != " " else " &nbsp;" for c in line)
        for line in mail.text.split("\n")
    )


@trick("Each letter in a <span>.")
def spans(mail: Mail) -> Mail:
    return mail.shown(_each(mail, "<span>{}</span>"))


@trick("Each letter in a block that is laid out inline.")
def inline_blocks(mail: Mail) -> Mail:
    return mail.shown(_each(mail, '<div style="display:inline-block">{}</div>'))


@trick("Each letter in a block that the mail's own style sheet makes inline.")
def inline_by_sheet(mail: Mail) -> Mail:
    return mail.shown(f"<style>.k{{display:inline}}</style>{_each(mail, '<p class=k>{}</p>')}")


@trick("Each letter in a cell of a table.")
def letter_cells(mail: Mail) -> Mail:
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(c) if c != ' ' else '&nbsp;'}</td>" for c in line) + "</tr>"
        for line in mail.text.split("\n")
    )
    return mail.shown(f"<table cellpadding=0 cellspacing=0>{rows}</table>")


@trick("Words cut by empty elements and comments.")
def empty_elements(mail: Mail) -> Mail:
    return mail.shown(
        _LETTERS.sub(lambda w: "<b></b>".join(w.group()[:3]) + "<!-- x -->" + w.group()[3:], mail.markup)
    )


@trick("Entities for all letters.")
def entities(mail: Mail) -> Mail:
    return mail.shown("<br>".join("".join(f"&#{ord(c)};" for c in line) for line in mail.text.split("\n")))


# ---- Text that is in the mail and not on the screen


def _hide(name: str, sentence: str, before: str, after: str, sheet: str = "", worn: bool = False) -> None:
    """Idle words between the pitch's own, hidden in one way."""

    def dress(mail: Mail) -> Mail:
        hidden = f"{before}{mail.idle}{after}"
        return mail.shown(f"{sheet}{hidden}{mail.markup.replace('</p>', f'</p>{hidden}')}{hidden}")

    _TRICKS.append(Trick(name, sentence, dress, worn))


# fmt: off
_hide("display_none", "Idle words that a style hides.", '<div style="display:none">', "</div>", worn=True)
_hide("hidden_by_class", "Idle words that a class hides.", "<p class=q>", "</p>", "<style>.q { display:none }</style>")
_hide("hidden_by_child", "Idle words hidden by a rule about descendants.", "<div class=a><p>", "</p></div>",
      "<style>div.a > p { visibility: hidden }</style>")
_hide("white_on_white", "White words on white.", '<p style="color:#ffffff">', "</p>")
_hide("nearly_white", "Nearly white words on white.", '<p style="color: rgb(250, 252, 251)">', "</p>")
_hide("white_font", "White words by <font>.", "<font color=white>", "</font>")
_hide("dark_on_dark", "Dark words on a dark ground.", '<div style="background:#111;color:#121212">', "</div>")
_hide("clear_letters", "Letters without colour.", '<p style="color:rgba(0,0,0,0)">', "</p>")
_hide("clear_element", "An element that is nearly clear.", '<p style="opacity: .01">', "</p>")
_hide("tiny_letters", "Letters two pixels high.", '<p style="font-size:2px;line-height:2px">', "</p>")
_hide("off_screen", "Words placed off the screen.", '<p style="position:absolute;left:-9999px">', "</p>")
_hide("no_height", "A box without height.", '<div style="height:0;overflow:hidden">', "</div>")
_hide("clipped", "A box cut away.", '<p style="position:absolute;clip:rect(0,0,0,0)">', "</p>")
_hide("template", "Words in a <template>.", "<template>", "</template>")
_hide("closed_details", "Words in a closed <details>.", "<details><summary>.</summary>", "</details>")
_hide("moved_away", "Words moved off the screen.", '<p style="transform: translateX(-5000px)">', "</p>")
_hide("zoomed_away", "Words made a hundred times smaller.", '<div style="zoom: .01">', "</div>")
_hide("tiny_by_sheet", "Letters of no size by the style sheet.", "<i>", "</i>", "<style>i{font:0/0 a}</style>")
_hide("indented_away", "Words indented off the screen.", '<p style="text-indent:-9999px;overflow:hidden">', "</p>")
_hide("hidden_by_escape", "Escaped letters.", "<p class=z>", "</p>", r"<style>.z { d\69splay: n\6f ne }</style>")
_hide("by_variable", "White words by a variable.", "<i style=color:var(--k)>", "</i>", "<style>i{--k:#fff}</style>")
_hide("by_attribute", "Words hidden by an attribute.", "<p x=1>", "</p>", "<style>p[x]{display:none}</style>")
_hide("important", "An important rule.", "<u style=display:flow>", "</u>", "<style>u{display:none!important}</style>")
_hide("hidden_field", "Words in a form's hidden field.", '<textarea style="display:none">', "</textarea>")
# fmt: on

# ---- Ordinary words around it that can be seen


@trick("Idle words before the pitch.")
def before(mail: Mail) -> Mail:
    return mail.said(f"{mail.idle}\n\n{mail.idle}\n\n{mail.text}")


@trick("Idle words behind the pitch.", worn=True)
def behind(mail: Mail) -> Mail:
    return mail.said(f"{mail.text}\n\n{mail.idle}\n\n{mail.idle}\n\n{mail.idle}")


@trick("Idle words behind forty blank lines.")
def below(mail: Mail) -> Mail:
    return mail.said(f"{mail.text}{chr(10) * 40}{mail.idle}\n\n{mail.idle}\n\n{mail.idle}\n\n{mail.idle}")


@trick("Idle words before and behind it.")
def around(mail: Mail) -> Mail:
    return mail.said("\n\n".join([mail.idle, mail.idle, mail.text, mail.idle, mail.idle]))


@trick("The pitch below two thousand idle words.")
def far_below(mail: Mail) -> Mail:
    return mail.said("\n\n".join([mail.idle] * 32 + [mail.text]))


@trick("The pitch as the earlier mail that is quoted.", worn=True)
def quoted(mail: Mail) -> Mail:
    said = "\n".join(f"> {line}" for line in mail.text.split("\n"))
    return mail.said(
        f"{mail.idle[:120]}\n\nOn Mon, 2 Nov 2026 at 10:02, A. N. Other <a@other.test> wrote:\n{said}"
    )


@trick("The pitch below the line of a signature.")
def signature(mail: Mail) -> Mail:
    return mail.said(f"{mail.idle[:160]}\n\n-- \n{mail.text}")


# ---- Parts


@trick("An idle plain part beside the pitch in HTML.")
def idle_plain(mail: Mail) -> Mail:
    return mail.shown(mail.markup, plain=mail.idle)


@trick("The pitch as plain part beside idle HTML.")
def idle_html(mail: Mail) -> Mail:
    return mail.shown(f"<p>{mail.idle}</p>", plain=mail.text)


@trick("The pitch in a second plain part.")
def second_text(mail: Mail) -> Mail:
    return replace(
        mail,
        kind="mixed",
        parts=(Part("text/plain", f"{mail.idle}\n\n{mail.idle}"), Part("text/plain", mail.text)),
    )


@trick("The pitch in an inline part that has a file name.", worn=True)
def named_part(mail: Mail) -> Mail:
    about = ('Content-Disposition: inline; filename="letter.txt"',)
    return replace(
        mail, kind="mixed", parts=(Part("text/plain", "Hi,"), Part("text/plain", mail.text, about))
    )


@trick("The pitch in a third alternative, of enriched text.")
def third_alternative(mail: Mail) -> Mail:
    parts = (
        Part("text/plain", mail.idle),
        Part("text/html", mail.markup),
        Part("text/x-amp-html", mail.idle),
    )
    return replace(mail, parts=parts)


@trick("The pitch as the description of an invitation.", worn=True)
def invitation(mail: Mail) -> Mail:
    said = mail.text.replace(",", "\\,").replace("\n", "\\n")
    lines = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", f"DESCRIPTION:{said}", "END:VEVENT", "END:VCALENDAR", "")
    event = "\r\n".join(lines)
    return replace(
        mail,
        kind="mixed",
        parts=(Part("text/plain", mail.idle), Part("text/calendar; method=REQUEST", event)),
    )


@trick("The pitch as a mail that is attached.", worn=True)
def attached_mail(mail: Mail) -> Mail:
    attached = _Raw("message/rfc822", mail.bytes().decode())
    return replace(mail, kind="mixed", parts=(Part("text/plain", mail.idle), attached))


@dataclass(frozen=True)
class _Raw(Part):
    def bytes(self) -> bytes:
        return f"Content-Type: {self.kind}\r\n\r\n{self.text}\r\n".encode()


@trick("A hundred empty parts first.")
def empty_parts(mail: Mail) -> Mail:
    empty = tuple(Part("text/plain", "") for _ in range(320))
    return replace(mail, kind="mixed", parts=(*empty, Part("text/plain", mail.text)))


@trick("The pitch twenty-five multiparts deep.")
def deep(mail: Mail) -> Mail:
    inner = Part("text/plain", mail.text).bytes().decode()
    for depth in range(25):
        inner = f'Content-Type: multipart/mixed; boundary="d{depth}"\r\n\r\n--d{depth}\r\n{inner}\r\n--d{depth}--\r\n'
    return replace(
        mail, kind="mixed", parts=(Part("text/plain", mail.idle), _Whole("multipart/mixed", inner))
    )


@dataclass(frozen=True)
class _Whole(Part):
    def bytes(self) -> bytes:
        return self.text.encode()


@trick("Thirty thousand empty elements first.")
def many_nodes(mail: Mail) -> Mail:
    return mail.shown("<b></b>" * 30_000 + mail.markup)


# ---- Fields that cost nothing


@trick("A list's fields.", worn=True)
def list_fields(mail: Mail) -> Mail:
    fields = (
        "List-Id: News <news.sender.test>",
        "List-Unsubscribe: <https://sender.test/u>",
        "Precedence: bulk",
    )
    return replace(mail, headers=fields)


@trick("The fields of an automatic answer.", worn=True)
def automatic_fields(mail: Mail) -> Mail:
    fields = (
        "Auto-Submitted: auto-replied",
        "In-Reply-To: <a@northwind-tools.test>",
        "X-Auto-Response-Suppress: All",
    )
    return replace(mail, headers=fields, subject=f"Automatic reply: {mail.subject}")


@trick("A list's fields, and a list as the addressee.")
def list_addressee(mail: Mail) -> Mail:
    return replace(
        mail,
        headers=("List-Id: <team.sender.test>", "List-Post: <mailto:team@sender.test>", "Precedence: list"),
    )


@trick("It names an earlier mail that never was.", worn=True)
def false_thread(mail: Mail) -> Mail:
    return replace(
        mail,
        subject=f"Re: {mail.subject}",
        headers=("In-Reply-To: <x@northwind-tools.test>", "References: <x@northwind-tools.test>"),
    )
