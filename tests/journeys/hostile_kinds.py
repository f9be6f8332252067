"""One message of each kind that is made to overwhelm its reader."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from backend.demo.letters import OWNER

MANY = 400_000
"""Characters of a large body: what is read of one at most."""


def raw(name: str, text: str = "Hello", html: str = "", **headers: str) -> bytes:
    """A message from its own sender. Long lines are left as they are, as hostile senders do."""
    lines = [
        f"From: Eve <eve@{name}.example>",
        f"To: {OWNER}",
        f"Message-ID: <{name}@{name}.example>",
        *(f"{field.replace('_', '-')}: {value}" for field, value in ({"Subject": name} | headers).items()),
        "MIME-Version: 1.0",
        f"Content-Type: text/{'html' if html else 'plain'}; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        html or text,
    ]
    return "\r\n".join(lines).replace("\r\n", "\n").replace("\n", "\r\n").encode()


def nested() -> bytes:
    """Parts within parts, deeper than anybody looks."""
    inner = EmailMessage(policy=SMTP)
    inner.set_content("the innermost")
    for depth in range(60):
        outer = EmailMessage(policy=SMTP)
        outer["Subject"] = f"depth {depth}"
        outer.make_mixed()
        outer.attach(inner)
        inner = outer
    inner["From"], inner["To"] = "Eve <eve@nested.example>", OWNER
    return inner.as_bytes()


def many_parts() -> bytes:
    """More parts than anybody counts."""
    part = "--x\r\nContent-Type: text/plain\r\n\r\npart\r\n"
    head = "From: Eve <eve@parts.example>\r\nTo: {}\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
    return f"{head.format(OWNER)}Content-Type: multipart/mixed; boundary=x\r\n\r\n{part * 3_000}--x--\r\n".encode()


KINDS: dict[str, Callable[[], bytes]] = {
    # Lines and runs for which a pattern that backtracks takes quadratic time.
    "quoting": lambda: raw("quoting", "hi\n> q\non 123456@a" + " " * 100_000 + "x"),
    "earlier": lambda: raw("earlier", ("on 123456" + "@" * 120 + "a" + " " * 240 + "x\n") * 1_000),
    "bullets": lambda: raw("bullets", "a" + "\n" * 40_000 + "b"),
    "at-signs": lambda: raw("at-signs", "hi\n> q\non 123456" + "@" * 100 + "a" + " " * 10_000 + "x"),
    "subject": lambda: raw("subject", Subject="Re: " * 20_000),
    # Trees that are larger than the text they are made of.
    "formatting": lambda: raw(
        "formatting", html="<div>" + "".join(f"<b id={n}>" for n in range(2_000)) + "</div>" + "<p>x" * 14_000
    ),
    "tags": lambda: raw("tags", html="<div>" * 100_000 + "deep"),
    "unclosed": lambda: raw("unclosed", html="<a href='" * 2_000),
    "nesting": nested,
    "parts": many_parts,
    # Much of something.
    "headers": lambda: raw("headers", **{f"X_{n}": "y" * 500 for n in range(1_500)}),
    "header": lambda: raw("header", X_Long="z" * 300_000),
    "results": lambda: raw(
        "results", Authentication_Results="mx.google.com; " + "dkim=pass header.i=@x.test; " * 10_000
    ),
    "addresses": lambda: raw("addresses", Cc=", ".join(f"a{n}@x.test" for n in range(10_000))),
    "encoded": lambda: raw("encoded", Subject=" ".join(["=?utf-8?b?w6TDtsO8?="] * 5_000)),
    "word": lambda: raw("word", "w" * 190_000),
    "words": lambda: raw("words", "we help companies like yours grow " * (MANY // 34)),
    "brackets": lambda: raw("brackets", "(" * 100_000 + "[" * 100_000),
    "letters": lambda: raw("letters", "".join(chr(0x4E00 + n % 20_000) for n in range(MANY // 3))),
}
