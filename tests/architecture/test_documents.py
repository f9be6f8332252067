"""Documents that name a command, a setting or a file name one that exists."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
from packaging.requirements import Requirement

from backend.__main__ import cli
from backend.settings import Settings
from backend.settings_read import FILE_VARIABLE
from tests.architecture.source import PACKAGES, ROOT, files, listing, project, text

DOCUMENTS = {
    path: text(path) or ""
    for path in files()
    if path.suffix == ".md"
    and (len(path.parts) == 1 or path.parts[0] in (".github", "docs", "addon_manifest"))
}
SETTING = re.compile(r"\bPITCHGATE_[A-Z_]+\b")
DECISIONS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
OPEN_IN = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)  # code, as opposed to prose


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    call = re.compile(r"(?:^|&& |; |pitchgate )make ([a-z][a-z-]*)", re.MULTILINE)
    unknown = {
        f"{document}: {target}"
        for document, code in _code()
        for target in call.findall(code)
        if target not in targets
    }
    assert not unknown, listing(unknown)


def test_every_command_named_exists_with_its_options() -> None:
    line = re.compile(r"(?<!-u )(?:^|(?<=[;&|] )|(?<=bin/))pitchgate ([a-z][^\n`|;#]*)", re.MULTILINE)
    wrong = [
        f"{document}: pitchgate {words}: {problem}"
        for document, code in _code()
        for words in line.findall(code)
        if (problem := _problem(words.split()))
    ]
    assert not wrong, listing(wrong)


def test_every_setting_named_exists() -> None:
    known = (
        {f"PITCHGATE_{name}".upper() for name in Settings.model_fields} | _read_elsewhere() | {FILE_VARIABLE}
    )
    unknown = {
        f"{document}: {name}"
        for document, content in DOCUMENTS.items()
        for name in SETTING.findall(content)
        if name not in known
    }
    assert not unknown, listing(unknown)


def test_every_family_of_words_named_is_in_a_catalogue() -> None:
    catalogues = "".join((ROOT / folder / "locale/en.po").read_text() for folder in ("backend", "tray_app"))
    ids = re.findall(r'^msgid "(.+)"', catalogues, re.MULTILINE)
    unknown = {
        f"{document}: {stem}"
        for document, code in _code()
        for stem in re.findall(r"([a-z]+\.[a-z_]*)<word>", code)
        if not any(name.startswith(stem) for name in ids)
    }
    assert not unknown, listing(unknown)


def test_every_setting_is_told_of_somewhere() -> None:
    found = "".join(DOCUMENTS.values())
    silent = [name for name in Settings.model_fields if f"PITCHGATE_{name}".upper() not in found]
    assert not silent, listing(silent)


def test_every_file_named_exists() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)[^)\s]*\)")
    roots = r"(?:backend|tray_app|model_export|addon_manifest|tests|docs|requirements)/"
    broken = {
        f"{document}: {name}"
        for document, content in DOCUMENTS.items()
        for name in link.findall(content)
        if not (ROOT / document.parent / name).exists()
    }
    broken |= {
        f"{document}: {name}"
        for document, code in _code()
        for name in re.findall(rf"(?<![\w/.]){roots}[\w./-]*", code)
        if not (ROOT / name.rstrip(".")).exists()
    }
    assert not broken, listing(broken)


def test_every_module_named_without_its_folder_exists() -> None:
    there = _places()
    absent = {
        f"{document}: {name}"
        for document, code in _code()
        for name in re.findall(r"(?<![\w/.$*-])\w[\w/]*\.py\b", code)
        if name not in there
    }
    assert not absent, listing(absent)


def test_every_module_named_in_the_source_exists() -> None:
    there = _places()
    broken = []
    for path in files():
        if path.suffix != ".py" or path.parts[0] not in PACKAGES:
            continue
        content = text(path) or ""
        broken += [f"{path}: {name}" for name in re.findall(r"`([\w/]+\.py)`", content) if name not in there]
        for name in re.findall(r"`((?:backend|tray_app|model_export)(?:\.\w+)+)`", content):
            *above, last = name.split(".")
            module = Path(*above)
            places = (module.with_suffix(".py"), module / "__init__.py")
            if f"{module}/{last}.py" in there or f"{module}/{last}/__init__.py" in there:
                continue
            if not any(re.search(rf"\b{last}\b", text(place) or "") for place in places if place in files()):
                broken.append(f"{path}: {name}")
    assert not broken, listing(broken)


def test_every_class_named_in_the_source_exists() -> None:
    python = {path: text(path) or "" for path in files() if path.suffix == ".py"}
    code = " ".join(re.sub(r"`[^`\n]+`", "", content) for content in python.values())
    known = {*re.findall(r"\w+", code), *dir(builtins)}
    unknown = [
        f"{path}: {name}"
        for path, content in python.items()
        if path.parts[0] in PACKAGES
        for name in re.findall(r"`([A-Z]\w*[a-z]\w*(?:\.\w+)*)`", content)
        if not known.issuperset(name.split("."))
    ]
    assert not unknown, listing(unknown)


def test_every_name_said_to_be_in_a_module_is_in_it() -> None:
    absent = []
    for document, content in DOCUMENTS.items():
        pairs = re.findall(r"`(\w+)`(?: in| of| \() ?`([\w/]+\.py)`", content)
        pairs += [(name, path) for path, name in re.findall(r"`([\w/]+\.py)`, (?:in|below) `(\w+)`", content)]
        absent += [
            f"{document}: {name} in {path}"
            for name, path in pairs
            if not re.search(rf"\b{name}\b", text(Path(path)) or "")  # the test above finds a lost path
        ]
    assert not absent, listing(absent)


def test_the_map_of_folders_shows_what_is_there() -> None:
    """Each name at its place, and nothing of `backend/` or of the top left out."""
    tree = re.search(r"## Folders\n\n```\n(.*?)```", (ROOT / "docs/architecture.md").read_text(), re.DOTALL)
    assert tree
    above: list[tuple[int, str]] = []
    shown = set()
    for line in tree[1].splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.match(r" *((?:[\w.]+(?:/|\.py) )*[\w.]+(?:/|\.py))(?: |$)", line)
        if not names:
            continue
        above = [(depth, name) for depth, name in above if depth < indent]
        for name in names[1].split():
            shown.add("".join(folder for _, folder in above) + name)
        above.append((indent, names[1].split()[-1]))
    absent = [name for name in shown if not (ROOT / name).exists()]
    assert not absent, listing(absent)
    parts = [path.parts for path in files()]
    there = {f"{first}/" for first, *below in parts if below and not first.startswith(".")}
    inside = [path for path in parts if path[0] == "backend" and path[-1] != "__init__.py"]
    there |= {f"backend/{name}/" if below else f"backend/{name}" for _, name, *below in inside}
    there = {name for name in there if name.endswith(("/", ".py"))}
    assert there <= shown, listing(there - shown)


def test_the_changelog_has_the_version_of_both_distributions() -> None:
    version = project()["project"]["version"]
    assert project("tray_app")["project"]["version"] == version
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version in headings


def test_every_dependency_has_its_reason() -> None:
    reasons = "".join(path.read_text() for path in DECISIONS).lower()
    parts = project()["project"]
    lines = parts["dependencies"] + [
        line for extra in ("train", "postgres") for line in parts["optional-dependencies"][extra]
    ]
    lines += project("tray_app")["project"]["dependencies"]
    names = {Requirement(line).name.lower() for line in lines}
    lacking = [name for name in names if f"`{name}`" not in reasons]
    assert not lacking, listing(lacking)


def test_every_page_is_in_the_sites_menu() -> None:
    menu = (ROOT / "docs/site.yml").read_text()
    silent = [
        path
        for path in DOCUMENTS
        if path.parts[0] != ".github" and ROOT / path not in DECISIONS and f": {path}" not in menu
    ]
    assert not silent, listing(silent)


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    listed = (ROOT / "docs/adr/README.md").read_text()
    silent = [path.name for path in DECISIONS if f"]({path.name})" not in listed]
    assert not silent, listing(silent)


def test_a_decision_has_its_parts() -> None:
    for path in DECISIONS:
        content = path.read_text()
        assert re.match(rf"# {int(path.name[:4])}\. .+\n\n## Context\n", content), path
        first, second, *more = re.findall(r"^## (.+)$", content, re.MULTILINE)
        assert (first, second) == ("Context", "Decision"), path
        assert more in ([], ["Alternatives"], ["Consequence"], ["Alternatives", "Consequence"]), path


def test_every_module_the_makefile_runs_exists() -> None:
    named = re.findall(r"python -m (tests[\w.]+)", (ROOT / "Makefile").read_text())
    paths = {name: name.replace(".", "/") for name in named}
    lacking = [
        name
        for name, path in paths.items()
        if not any((ROOT / file).exists() for file in (f"{path}.py", f"{path}/__main__.py"))
    ]
    assert not lacking, listing(lacking)


@cache
def _read_elsewhere() -> set[str]:
    """Variables that the desktop app and the tests read: they have no part in the server's Settings."""
    sources = [path for path in files() if path.suffix == ".py" and path.parts[0] in ("tray_app", "tests")]
    return {name for path in sources for name in re.findall(r'"(PITCHGATE_[A-Z_]+)"', text(path) or "")}


@cache
def _places() -> set[str]:
    """Every file by its path, and by each end of that."""
    return {"/".join(path.parts[start:]) for path in files() for start in range(len(path.parts))}


def _code() -> Iterator[tuple[Path, str]]:
    for document, content in DOCUMENTS.items():
        for code in OPEN_IN.findall(content):
            yield document, code.strip("`").replace("\\\n", " ")


def _problem(words: list[str]) -> str:
    """What is wrong with this command line, or ""."""
    command: click.Command = cli
    words = [word for word in words if word != "\\"]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command)
        if words[0] not in command.list_commands(context):
            return f"no command {words[0]!r}"
        found = command.get_command(context, words.pop(0))
        assert found
        command = found
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    unknown = [
        word for word in words if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}
    ]
    return f"no option {unknown[0]}" if unknown else ""
