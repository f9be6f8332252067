"""What `pitchgate scan` makes of each kind of file and folder: it is read as it should be, or refused by name."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import os
import random
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.scan import scan_command
from backend.demo.letters import letters
from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Strictness
from backend.offline import archives
from backend.offline import mbox as mbox_module
from backend.offline.archives import Archive
from backend.offline.judge import Judge
from backend.terminal import showing_errors

ME = "ana@harbourlane.example"
PITCH_LETTER = next(letter for letter in letters() if letter.kind == "pitch")
ORDER_LETTER = next(letter for letter in letters() if letter.kind == "customer")


def mail(letter: Any, number: int = 1, labels: str = "", sender: str = "") -> bytes:
    head = f"X-Gmail-Labels: {labels}\n" if labels else ""
    return (
        f"{head}From: {sender or letter.sender}\nTo: {ME}\nSubject: {letter.subject}\n"
        f"Date: Tue, 24 Nov 2026 12:00:00 +0000\nMessage-ID: <{number}@x.example>\n\n{letter.text}\n"
    ).encode()


PITCH, ORDER = mail(PITCH_LETTER), mail(ORDER_LETTER, 2)
DATED = b"From 1828754568043628583@xxx Mon Apr 07 14:31:02 +0000 2025\n"


def mbox(*mails: bytes) -> bytes:
    return b"".join(DATED + raw + b"\n" for raw in mails)


BOX = mbox(PITCH, ORDER)


def zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return out.getvalue()


def tarred(members: Mapping[str, bytes], mode: Any = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as packed:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def encrypted(data: bytes) -> bytes:
    """The flag that says so set in both headers of a zip of one member."""
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + at
        data = data[:place] + bytes([data[place] | 1]) + data[place + 1 :]
    return data


Make = Callable[[Path], object]


def at(name: str, data: bytes) -> Make:
    """One file, which is what is scanned."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def below(files: Mapping[str, bytes], *then: Callable[[Path], object]) -> Make:
    """A folder, which is what is scanned."""

    def make(folder: Path) -> Path:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for step in then:
            step(folder)
        return folder

    return make


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def loop(folder: Path) -> Path:
    (folder / "round").symlink_to(folder / "round")
    return folder / "round"


def linked(folder: Path) -> Path:
    with tarfile.open(folder / "a.tar", "w") as packed:
        entry = tarfile.TarInfo("mail.mbox")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(entry)
    return folder / "a.tar"


def part(folder: Path) -> Path:
    for number in (1, 2):
        (folder / f"takeout-20261124T090000Z-1-00{number}.zip").write_bytes(TAKEOUT)
    (folder / "takeout-20200101T090000Z-1-001.zip").write_bytes(TAKEOUT)  # of another day
    return folder / "takeout-20261124T090000Z-1-001.zip"


@dataclass(frozen=True)
class Kind:
    """What it is, how it is made, the verdicts by file, what is said on standard error."""

    name: str
    make: Make
    found: Mapping[str, str]
    said: tuple[str, ...] = ()


def both(name: str) -> dict[str, str]:
    return {f"{name}#1": "hold", f"{name}#2": "inbox"}


ALL_MAIL = "Takeout/Mail/All mail Including Spam and Trash.mbox"
ALLE = "Takeout/Gmail/Alle E-Mails einschließlich Spam und Papierkorb.mbox"
TAKEOUT = zipped({"Takeout/archive_browser.html": b"<!DOCTYPE html><p>x", ALL_MAIL: BOX})
GERMAN = [
    mail(
        PITCH_LETTER,
        1,
        "=?UTF-8?Q?Posteingang,Ungelesen,Kategorie:_=22Neuigkeiten=22?=",
        sender="a@x.example",
    ),
    mail(PITCH_LETTER, 2, "Gesendet", sender="b@x.example"),
    mail(PITCH_LETTER, 3, '"Kunden, alte",Papierkorb', sender="c@x.example"),
    mail(PITCH_LETTER, 4, "=?UTF-8?Q?Archiviert,Entw=C3=BC?=\n =?UTF-8?Q?rfe?=", sender="d@x.example"),
    mail(
        PITCH_LETTER, 5, "=?UTF-8?Q?Posteingang,Kategorie:_=E2=80=9EWerbung=E2=80=9C?=", sender="e@x.example"
    ),
]
EMLX = str(len(PITCH)).encode() + b"     \n" + PITCH + b"<?xml version='1.0'?><plist></plist>"
TWO = zipped({"a.mbox": BOX, "b.mbox": BOX})
RANDOM = random.Random(1).randbytes(100_000)

KINDS = [
    # Read
    Kind("mbox", at("a.mbox", BOX), both("a.mbox")),
    Kind("mbox with CRLF", at("a.mbox", BOX.replace(b"\n", b"\r\n")), both("a.mbox")),
    Kind("mbox with a byte order mark", at("a.mbox", b"\xef\xbb\xbf" + BOX), both("a.mbox")),
    Kind("mbox after blank lines", at("a.mbox", b"\r\n \n\n" + BOX), both("a.mbox")),
    Kind("mbox after a preamble", at("a.mbox", b"exported by x\nversion 2\n\n" + BOX), both("a.mbox")),
    Kind("mbox without its first separator", at("part2", BOX[len(DATED) :]), both("part2")),
    Kind("mbox by Thunderbird, without a suffix", at("Inbox", BOX.replace(DATED, b"From - Mon Apr 07 14:31:02 2025\n")),
         both("Inbox")),
    Kind("mbox, separators without a date", at("a.mbox", BOX.replace(DATED, b"From ana@x.example\n")), both("a.mbox")),
    Kind("mbox.gz", at("a.mbox.gz", gzip.compress(BOX)), both("a.mbox")),
    Kind(".eml", at("a.eml", PITCH), {"a.eml": "hold"}),
    Kind(".eml with its separator", at("a.eml", mbox(PITCH)), {"a.eml#1": "hold"}),
    Kind(".eml to which an mbox is attached", at("a.eml", PITCH + b"\n" + BOX), {"a.eml": "hold"}),
    Kind(".emlx", at("a.emlx", EMLX), {"a.emlx": "hold"}),
    Kind("text file that is a message", at("a.txt", PITCH), {"a.txt": "hold"}),
    Kind("folder of .eml", below({"a/1.eml": PITCH, "b/2.eml": ORDER, ".cache/3.eml": PITCH, "c/.4": b"x"}),
         {"a/1.eml": "hold", "b/2.eml": "inbox"}),
    Kind("Maildir", below({"cur/1.host:2,S": PITCH, "new/2.host": ORDER, "tmp/3.host": PITCH, "dovecot.index": b"\0",
                           ".Sent/cur/4.host:2,S": ORDER, ".Sent/new/5.host": ORDER}),
         {"cur/1.host:2,S": "hold", "new/2.host": "inbox", ".Sent/cur/4.host:2,S": "inbox",
          ".Sent/new/5.host": "inbox"}),
    Kind("folder as Apple Mail exports it", below({"Work.mbox/mbox": BOX, "Work.mbox/table_of_contents": RANDOM}),
         both("Work.mbox/mbox"), ("Work.mbox/table_of_contents is binary data",)),
    Kind("Takeout .zip", at("t.zip", TAKEOUT), both(f"t.zip/{ALL_MAIL}"),
         ("1 file was not read", "t.zip/Takeout/archive_browser.html is not mail (HTML)")),
    Kind("Takeout .tgz", at("t.tgz", tarred({ALL_MAIL: BOX})), both(f"t.tgz/{ALL_MAIL}")),
    Kind("Takeout .tar.gz named otherwise", at("download", tarred({ALL_MAIL: BOX})), both(f"download/{ALL_MAIL}")),
    Kind(".tar", at("t.tar", tarred({ALL_MAIL: BOX, "./b.eml": PITCH}, "w")),
         {**both(f"t.tar/{ALL_MAIL}"), "t.tar/./b.eml": "hold"}),
    Kind("one part of a Takeout of two", part,
         {f"takeout-20261124T090000Z-1-00{n}.zip/{name}": verdict
          for n in (1, 2) for name, verdict in both(ALL_MAIL).items()}, ("and 1 more for the same reason",)),
    Kind("folder of two Takeouts", below({"1.zip": TAKEOUT, "2.tgz": tarred({ALL_MAIL: BOX})}),
         {**both(f"1.zip/{ALL_MAIL}"), **both(f"2.tgz/{ALL_MAIL}")},
         ("1 file was not read", "1.zip/Takeout/archive_browser")),
    Kind("zip of a zip of a Maildir", at("o.zip", zipped({"i.zip": zipped({"cur/1": PITCH, ".Junk/new/2": ORDER})})),
         {"o.zip/i.zip/cur/1": "hold", "o.zip/i.zip/.Junk/new/2": "inbox"}),
    Kind("zip of a .tgz and a .gz", at("o.zip", zipped({"i.tgz": tarred({"a": BOX}), "b.gz": gzip.compress(BOX)})),
         {**both("o.zip/i.tgz/a"), **both("o.zip/b")}),
    Kind("zip that leads outside", at("e.zip", zipped({"../../escaped.eml": ORDER})),
         {"e.zip/../../escaped.eml": "inbox"}),
    Kind("Takeout in German", at("t.zip", zipped({ALLE: mbox(*GERMAN)})),
         {f"t.zip/{ALLE}#1": "hold", **{f"t.zip/{ALLE}#{number}": "ignore" for number in (2, 3, 4)},
          f"t.zip/{ALLE}#5": "inbox"}),
    # Read in part
    Kind(".tgz that was cut off", at("t.tgz", tarred({"a.mbox": BOX, "b.bin": RANDOM})[:-50_000]), both("t.tgz/a.mbox"),
         ("t.tgz is cut off or damaged (EOFError). Messages read before that: 2.", "Download or export it again.")),
    Kind("zip with a damaged member", at("t.zip", TWO.replace(TWO[36:60], b"\xff" * 24, 1)), both("t.zip/b.mbox"),
         ("t.zip/a.mbox is cut off or damaged",)),
    Kind("folder of mail and other things", below(
        {"1.eml": PITCH, "b.pst": b"!BDN" + RANDOM, "c.pst": b"!BDN", "d.msf": b"// <!-- <mdb:mork:z v"},
        fifo, loop, lambda folder: (folder / "in").symlink_to(folder)), {"1.eml": "hold"},
        ("6 files were not read", "b.pst is a file of a mail program (Outlook .pst/.ost)", "d.msf",
         "Export the mail from that program as mbox", "pipe is not a file", "in is a link",
         "and 1 more for the same reason: round")),
    # Refused
    Kind("nothing", lambda folder: folder / "absent", {}, ("There is nothing at", "absent")),
    Kind("empty file", at("a.mbox", b""), {}, ("a.mbox is empty",)),
    Kind("blank lines", at("a.mbox", b"\n\n\n"), {}, ("a.mbox is empty",)),
    Kind("empty folder", below({}), {}, ("No message was found in",)),
    Kind("zip that was cut off", at("t.zip", TAKEOUT[:-40]), {}, ("t.zip is cut off or damaged (BadZipFile)",)),
    Kind("encrypted zip", at("t.zip", encrypted(zipped({"a.mbox": BOX}))), {},
         ("t.zip/a.mbox is encrypted", "password")),
    Kind("text in UTF-16", at("a.mbox", BOX.decode().encode("utf-16")), {}, ("a.mbox is text in UTF-16",)),
    Kind("the same without its mark", at("a.eml", PITCH.decode().encode("utf-16-be")), {}, ("is text in UTF-16",)),
    Kind("random bytes", at("a.mbox", RANDOM), {}, ("a.mbox is binary data",)),
    Kind("zeros", at("a.eml", b"\0" * 5_000), {}, ("a.eml is binary data",)),
    Kind("text", at("notes.txt", b"Dear diary: today\nI wrote nothing.\n"), {},
         ("notes.txt is text without a message",)),
    Kind("text about an mbox", at("a.md", b"# Like this\n\n" + BOX), {}, ("a.md is not mail (Markdown)",)),
    Kind("Outlook .pst", at("a.pst", b"!BDN" + RANDOM), {}, ("(Outlook .pst/.ost)", "as mbox or .eml")),
    Kind("Outlook .msg", at("a.msg", bytes.fromhex("d0cf11e0a1b11ae1") + RANDOM), {}, ("(Outlook .msg)", "as mbox")),
    Kind("Outlook .olm", at("a.olm", TAKEOUT), {}, ("a.olm is a file of a mail program (Outlook .olm)",)),
    Kind("PDF", at("a.pdf", b"%PDF-1.7\n" + RANDOM), {}, ("a.pdf is not mail (PDF)", "Give an mbox, an .eml")),
    Kind("HTML", at("a.htm", b"<html><p>From here"), {}, ("a.htm is not mail (HTML)",)),
    Kind("HTML without a suffix", at("a", b"\n<!doctype html>"), {}, ("a is not mail (HTML/XML)",)),
    Kind("JSON", at("a.json", b'{"from": 1}'), {}, ("a.json is not mail (JSON)",)),
    Kind("bzip2", at("a.mbox.bz2", bz2.compress(BOX)), {}, ("(bzip2)", "Unpack it and give the folder")),
    Kind("pipe", fifo, {}, ("pipe is not a file",)),
    Kind("device", lambda _: Path("/dev/zero"), {}, ("zero is not a file",)),
    Kind("link to itself", loop, {}, ("round is a link that is not followed",)),
    Kind("zip of a zip of a zip", at("a.zip", zipped({"b.zip": zipped({"c.zip": TAKEOUT})})), {},
         ("a.zip/b.zip/c.zip is an archive in an archive in an archive",)),
    Kind("tar of links", linked, {}, ("a.tar/mail.mbox is not a file",)),
]  # fmt: skip


@cache
def judges(model: bytes, path: Path, me: str, strictness: Strictness) -> Judge:
    return REAL(model, path, me, strictness)


REAL = Judge.of


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one, loaded once for all kinds."""
    monkeypatch.setattr(Judge, "of", judges)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.usefixtures("one_model")
def test_each_kind_is_read_or_refused_by_name(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kind.make(tmp_path)
    status = 0
    try:
        with showing_errors("pitchgate"):
            scan_command.main([str(path), "--jsonl", "--jobs", "1"], standalone_mode=False)
    except SystemExit as end:
        status = int(str(end.code))
    out, err = capsys.readouterr()
    found = {line["file"]: line["verdict"] for line in map(json.loads, out.splitlines())}
    assert found == kind.found, err
    assert status == (0 if kind.found else 1)
    assert [words for words in kind.said if words not in " ".join(err.split())] == [], err
    if not kind.said:
        assert "not read" not in err


def read(path: Path) -> tuple[list[bytes], dict[str, archives.SkippedFiles]]:
    archive = Archive(path)
    raws = [archived.raw for archived in archive]
    assert archive.done == archive.size, "the bar ends where it should"
    return raws, archive.unread


def test_what_a_user_may_not_read_is_named_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may read everything: the system's answer is played."""
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(PITCH)
    real = Path.open

    def refusing(self: Path, *args: Any, **more: Any) -> Any:
        if self.name == "a.eml":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "open", refusing)
    raws, unread = read(tmp_path)
    assert raws == [PITCH]
    assert unread["archive.denied"].names == ["a.eml"]
    alone = Archive(tmp_path / "a.eml")
    assert list(alone) == []
    with pytest.raises(Refused, match=r"archive\.denied"):
        alone.check()


@pytest.mark.parametrize(
    "bomb",
    [
        lambda zeros: zipped({"a.mbox": BOX + zeros, "b.mbox": BOX}),
        lambda zeros: gzip.compress(BOX + zeros),
        lambda zeros: tarred({"a.mbox": BOX + zeros, "b.mbox": BOX}),
        lambda zeros: zipped({"a.gz": gzip.compress(BOX + zeros), "b.mbox": BOX}),
    ],
    ids=["zip", "gzip", "tar", "nested"],
)
def test_an_archive_made_to_fill_the_machine_is_not_read_on(
    bomb: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "RATIO_FREE_BYTES", 1_000_000)
    (tmp_path / "a").write_bytes(bomb(b"\0" * 20_000_000))
    (tmp_path / "z.eml").write_bytes(PITCH)
    archive = Archive(tmp_path)
    raws = [archived.raw for archived in archive]
    assert archive.unread["archive.large"].count == 1
    assert raws[-1] == PITCH, "other files are read"
    assert archive._bytes_unpacked == 0
    assert sum(map(len, raws)) < 2_000_000


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "o.zip").write_bytes(zipped({"i.zip": TAKEOUT, "j.tgz": tarred({"a": BOX})}))
    real_open = os.open

    def opened(path: Any, flags: int, *args: Any, **more: Any) -> int:
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), path
        return real_open(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    raws, _ = read(tmp_path)
    assert len(raws) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["o.zip"]


@given(
    st.integers(0, len(TWO) - 1),
    st.binary(min_size=1, max_size=8),
    st.sampled_from([TWO, tarred({"a": BOX}, "w")]),
)
def test_no_archive_is_too_broken(place: int, bytes_: bytes, whole: bytes) -> None:
    """Whatever stands in it: messages or a reason, never an error of a library."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        path.write_bytes(whole[:place] + bytes_ + whole[place + len(bytes_) :])
        archive = Archive(path)
        assert list(archive) or archive.unread or whole is not TWO


def test_a_name_of_any_bytes_is_one_printable_line(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x\x1b[2J\n\u202ey\u00a0z.eml": PITCH, "\x1b]0;x.pdf": b"%PDF"}))
    (tmp_path / os.fsdecode(b"\xff.eml")).write_bytes(PITCH)
    archive = Archive(tmp_path)
    names = [archived.file for archived in archive]
    names += archive.unread["archive.document"].names
    assert len(names) == 3
    assert all(name.isprintable() for name in names), names


TEXTS = st.lists(
    st.sampled_from(
        [
            b"",
            b"Hello",
            b"From here on",
            b">From there",
            b"From: x",
            b"From bob 12:30 2026",
            b"> From",
            b"To: you",
        ]
    ),
    max_size=12,
)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_an_mbox_gives_what_was_put_into_it(texts: list[list[bytes]], end: bytes, first: bool) -> None:
    """However its lines end, whatever the messages say, as long as their lines are quoted as mboxrd does."""
    raws = [end.join([b"Subject: x", b"", *text, b"."]) + end for text in texts]
    quoted = [re.sub(rb"(?m)^(>*From )", rb">\1", raw) for raw in raws]
    box = b"".join(DATED.replace(b"\n", end) + raw + end for raw in quoted)
    box = box if first else box.partition(b"\n")[2]
    stream = io.BytesIO(box)
    assert list(mbox_module.messages(stream, begun=not first)) == raws


@pytest.mark.parametrize(
    "line",
    ["From here on we sell.", "From the team\nhttp://x.example", "From 9:30 to 12:00 in 2026\nwe are here"],
)
def test_a_line_of_a_text_that_nobody_quoted_divides_nothing(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(mbox(PITCH + b"\n" + line.encode() + b"\n", ORDER))
    raws, _ = read(tmp_path)
    assert len(raws) == 2
    assert line.encode() in raws[0]


def test_a_message_or_a_line_without_an_end_is_kept_as_far_as_gmail_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox_module, "MOST_MESSAGE", 200_000)
    (tmp_path / "a.mbox").write_bytes(mbox(PITCH + b"x" * 3_000_000, ORDER))
    raws, _ = read(tmp_path)
    assert 200_000 <= len(raws[0]) <= 200_000 + mbox_module.MOST_LINE
    assert raws[1] == ORDER
