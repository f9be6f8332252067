"""Tricks by which a pitch is dressed up so that a program reads something else than a person sees.

Each is a function of a mail and a sentence; a new one is one more entry. None is named in the program: what is tried
are families. `worn` are those that ordinary mail wears too.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice

from tests.evasion import spelled
from tests.evasion.mail import LETTERS, TRICKS, Mail, Part, Trick, letters, trick

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")

__all__ = ["Mail", "Part", "Trick", "spelled", "tricks"]


def tricks() -> Iterator[Trick]:
    yield from TRICKS


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
        LETTERS.sub(lambda w: "<b></b>".join(w.group()[:3]) + "<!-- x -->" + w.group()[3:], mail.markup)
    )


@trick("Entities for all letters.")
def entities(mail: Mail) -> Mail:
    return mail.shown("<br>".join("".join(f"&#{ord(c)};" for c in line) for line in mail.text.split("\n")))


@trick("Every line as the text of a picture that is not there.")
def picture_texts(mail: Mail) -> Mail:
    lines = [html.escape(line) for line in mail.text.split("\n")]
    return mail.shown("".join(f'<img src="cid:{at}" alt="{line}"><br>' for at, line in enumerate(lines)))


@trick("Idle words before texts of pictures.")
def idle_before_picture_texts(mail: Mail) -> Mail:
    return mail.shown(f'<p>{mail.idle}</p><img src="cid:1" alt="{html.escape(mail.text)}">')


@trick("A note over each letter.")
def ruby(mail: Mail) -> Mail:
    return mail.shown(_each(mail, "<ruby>{}<rt>x</rt></ruby>"))


# ---- Text that is in the mail and not on the screen


def _hide(name: str, sentence: str, before: str, after: str, sheet: str = "", worn: bool = False) -> None:
    """Idle words between the pitch's own, hidden in one way."""

    def dress(mail: Mail) -> Mail:
        hidden = f"{before}{mail.idle}{after}"
        return mail.shown(f"{sheet}{hidden}{mail.markup.replace('</p>', f'</p>{hidden}')}{hidden}")

    TRICKS.append(Trick(name, sentence, dress, worn))


# fmt: off
_hide("display_none", "Idle words that a style hides.", '<div style="display:none">', "</div>", worn=True)
_hide("hidden_by_class", "Idle words that a class hides.", "<p class=q>", "</p>", "<style>.q { display:none }</style>")
_hide("hidden_by_child", "Idle words hidden by a rule about descendants.", "<div class=a><p>", "</p></div>",
      "<style>div.a > p { visibility: hidden }</style>")
_hide("white_on_white", "White words on white.", '<p style="color:#ffffff">', "</p>")
_hide("nearly_white", "Nearly white words on white.", '<p style="color: rgb(250, 252, 251)">', "</p>")
_hide("white_by_lightness", "White words by their lightness.", '<p style="color:oklch(1 0 0)">', "</p>")
_hide("in_brackets", "A hidden box with brackets in brackets.", f'<p style="display:none;/**/top:{"(" * 900}">', "</p>")
_hide("many_digits", "Words far to the left.", f'<p style="position:fixed;left:-{"0" * 5_000}9999px/**/">', "</p>")
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
_hide("by_place", "A rule about the place.", "<div><i></i><p>", "</p></div>",
      "<style>p:last-child{display:none}</style>")
_hide("letters_together", "Letters on one another.", '<p style="letter-spacing:-1em">', "</p>")
_hide("nothing_of_it", "A matrix of zeros.", '<p style="transform:matrix(0,0,0,0,0,0)">', "</p>")
_hide("in_a_video", "Words for programs without videos.", "<video>", "</video>")
_hide("animated", "An animation.", "<p class=k>", "</p>",
      "<style>@keyframes a{to{opacity:0}}.k{animation:a 0s both}</style>")
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


@trick("An idle sentence behind each of the pitch.")
def interleaved(mail: Mail) -> Mail:
    idle = cycle(SENTENCE_END.split(mail.idle))
    return mail.said(" ".join(f"{said} {next(idle)}" for said in SENTENCE_END.split(mail.text)))


@trick("The same, and the pitch's are in brackets.")
def interleaved_in_brackets(mail: Mail) -> Mail:
    idle = cycle(SENTENCE_END.split(mail.idle))
    return mail.said(" ".join(f"[{said}] {next(idle)}" for said in SENTENCE_END.split(mail.text)))


@trick("All idle sentences behind each of the pitch.")
def all_idle_interleaved(mail: Mail) -> Mail:
    return mail.said(" ".join(f"{said} {mail.idle}" for said in SENTENCE_END.split(mail.text)))


@trick("Four idle texts of another language before it.")
def foreign_before(mail: Mail) -> Mail:
    return mail.said("\n\n".join([mail.foreign] * 4 + [mail.text]))


@trick("An idle text of another language behind each sentence of the pitch.")
def foreign_interleaved(mail: Mail) -> Mail:
    return mail.said(" ".join(f"{said} {mail.foreign}" for said in SENTENCE_END.split(mail.text)))


@trick("An idle word behind each of the pitch.")
def idle_words_interleaved(mail: Mail) -> Mail:
    idle = cycle(mail.idle.split())
    return mail.said(" ".join(f"{word} {next(idle)}" for word in mail.text.split()))


def _columns(name: str, sentence: str, row: str, words: int) -> None:
    """A table of which one column is the pitch, some words a row, and the other one idle."""

    def dress(mail: Mail) -> Mail:
        said, idle = mail.text.split(), cycle(mail.idle.split())
        rows = [
            row.format(html.escape(" ".join(said[at : at + words])), " ".join(islice(idle, words)))
            for at in range(0, len(said), words)
        ]
        return mail.shown(f"<table>{''.join(rows)}</table>")

    TRICKS.append(Trick(name, sentence, dress))


_columns("idle_column", "A table whose second column is idle.", "<tr><td>{0}</td><td>{1}</td></tr>", 4)
_columns("idle_column_first", "A table whose first column is idle.", "<tr><td>{1}</td><td>{0}</td></tr>", 4)
_columns("idle_column_of_words", "The same, a word a row.", "<tr><td>{0}</td><td>{1}</td></tr>", 1)


@trick("The pitch in the subject, above idle words.")
def in_subject(mail: Mail) -> Mail:
    return replace(mail, subject=" ".join(mail.text.split()), text=mail.idle)


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


def _written(name: str, sentence: str, head: str, body: Callable[[str], str], codec: str) -> None:
    """One part whose type and encoding are written in a rare way."""

    def dress(mail: Mail) -> Mail:
        data = codecs.encode(body(mail.text).encode(), codec).decode() if codec else body(mail.text)
        return replace(mail, parts=(_Whole("text/plain", f"{head}\r\n\r\n{data}"),))

    TRICKS.append(Trick(name, sentence, dress))


_written(
    "commented_type",
    "Comments in the part's type and encoding.",
    "Content-Type: text/(a)plain (b); charset=utf-8\r\nContent-Transfer-Encoding: (c) base64 (d)",
    str,
    "base64",
)
_written(
    "deleted_blanks",
    "Words cut by line breaks that a program takes out.",
    "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\nContent-Transfer-Encoding: 8bit",
    lambda text: re.sub(r"([^\W\d_]{3})(?=[^\W\d_])", r"\1 \r\n", text),
    "",
)


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


@trick("The whole form of a bounce, which returns the owner's own mail.", worn=True)
def bounce(mail: Mail) -> Mail:
    parts = (
        Part("text/plain", mail.text),
        _Raw("message/delivery-status", "Final-Recipient: rfc822; bo@client.test\r\nAction: failed"),
        _Raw("message/rfc822", replace(mail, text=mail.idle).bytes().decode()),
    )
    fields = ("Return-Path: <>", "Auto-Submitted: auto-replied")
    sender = "Mail Delivery System <mailer-daemon@sender.test>"
    return replace(mail, sender=sender, kind="report", parts=parts, headers=fields)


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
