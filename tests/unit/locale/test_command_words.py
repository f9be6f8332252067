"""The words of the command line: each that is asked for is there, none is left over, and each option is explained."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import backend
from backend import terminal
from backend.__main__ import COMMANDS, SOURCE_ONLY, cli
from backend.doctor.machine import CheckState
from backend.locale import DEFAULT, catalogue

HERE = Path(backend.__file__).parent
SPEAKERS = ("commands", "cloud", "demo")
ASK = {"echo", "say", "confirms", "tell", "_tell"}
"""What is called with a key; `cli_texts()(…)` is as well. The demo's `tell` has keys without their first part."""


def calls() -> Iterator[tuple[Path, ast.Call, ast.expr]]:
    paths = [
        HERE / "__main__.py",
        *(HERE / name for name in ("addon_manifest.py", "home.py")),
        *(path for part in SPEAKERS for path in sorted((HERE / part).glob("*.py"))),
    ]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                function = node.func
                name = getattr(function, "id", getattr(function, "attr", ""))
                if name in ASK or ast.unparse(function) == "cli_texts()":
                    yield path, node, node.args[0]


def keys(path: Path, key: ast.expr) -> Iterator[str]:
    """The keys that an expression may be; a blank in one is written as a star."""
    if isinstance(key, ast.IfExp):
        yield from keys(path, key.body)
        yield from keys(path, key.orelse)
    elif isinstance(key, ast.Constant):
        yield f"demo.{key.value}" if path.name == "play.py" else str(key.value)
    elif isinstance(key, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in key.values)


def test_what_commands_say_is_there_with_all_its_values() -> None:
    known, lacking = catalogue(DEFAULT), []
    for path, call, expression in calls():
        for key in keys(path, expression):
            if "*" in key:
                continue
            given = {keyword.arg for keyword in call.keywords} | (
                {"name"} if path.name == "play.py" else set()
            )
            wanted = {blank for _, blank, _, _ in string.Formatter().parse(known[f"cli.{key}"]) if blank}
            if not wanted <= given and None not in given:
                lacking.append((path.name, key, wanted - given))
    assert lacking == []


def test_nothing_that_commands_could_say_is_left_over() -> None:
    found = {key for path, _, expression in calls() for key in keys(path, expression)}
    told = (HERE / "commands" / "audit.txt").read_text(encoding="utf-8")
    asked = {name + ("*" if more else "") for name, more in re.findall(r'\bt\("([\w.]+)"( ~)?', told)}
    found |= asked
    shapes = [re.compile(re.escape(key).replace(r"\*", "[a-z_]+")) for key in found if key != "demo.*"]
    texts = {i.removeprefix("cli.") for i in catalogue(DEFAULT).ids if i.startswith("cli.")}
    assert len(found) > 50
    assert {key for key in asked if "*" not in key} <= texts
    assert {text for text in texts if not any(shape.fullmatch(text) for shape in shapes)} == set()


def tree(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from tree(below, f"{path}.{name}")


def everything() -> Iterator[tuple[str, click.Command]]:
    yield "pitchgate", cli
    for name, (module, _) in COMMANDS.items():
        if not module.startswith(SOURCE_ONLY[0]):
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            yield from tree(command, name)


def test_every_command_and_option_is_explained_and_nothing_else_is() -> None:
    known, used = catalogue(DEFAULT), {"help.option.help", *(f"help.{name}" for name in COMMANDS)}
    for path, command in everything():
        assert f"help.{path}" in known, path
        used.add(f"help.{path}")
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                name = next(
                    (i for i in (f"help.{path}.{option.name}", f"help.option.{option.name}") if i in known),
                    "",
                )
                assert name or option.name in PLAIN, f"{path}.{option.name}"
                used.add(name)
    assert {i for i in known.ids if i.startswith("help.")} - used == set()


PLAIN = {"strictness", "name"}
"""Options that take one of a few words, which explain them."""


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "tlh_XX.UTF-8"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "es_ES"}, "es"),
        ({"LANG": "de_DE", "LC_MESSAGES": "es_ES", "LC_ALL": "pt_PT.UTF-8"}, "pt"),
        ({"LANG": "de_DE", "LC_ALL": ""}, "de"),
    ],
)
def test_the_terminal_names_its_language(environment: dict[str, str], language: str) -> None:
    assert terminal.language(environment) == language


def findings() -> Iterator[tuple[str, str, set[str] | None]]:
    """Id (a star for a blank) and values of what the doctor finds."""
    for path in sorted((HERE / "doctor").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ("well", "warning", "broken", "skipped"):
                given = {keyword.arg for keyword in node.keywords}
                blanks = None if None in given else {word for word in given if word is not None}
                for key in [*keys(path, node.args[1])] or ["*"]:
                    place = next(keys(path, node.args[0]), "notices")  # the one name that is a variable
                    yield f"doctor.{place.replace(' ', '_')}.{key}", key, blanks


def test_what_the_doctor_finds_has_words_and_nothing_else_has() -> None:
    known, used = catalogue(DEFAULT), set()
    for identifier, key, blanks in findings():
        shape = re.compile(re.escape(identifier).replace(r"\*", "[a-z_]+"))
        there = {i for i in known.ids if shape.fullmatch(i.removesuffix("_mend"))}
        assert there, identifier
        used |= there
        for text in there if "*" not in key and blanks is not None else ():
            wanted = {blank for _, blank, _, _ in string.Formatter().parse(known[text]) if blank}
            assert wanted <= (blanks or set()), text
    names = {f"doctor.name.{identifier.split('.')[1]}" for identifier, _, _ in findings()}
    assert names <= known.ids
    rest = {i for i in known.ids if i.startswith("doctor.")} - used - names
    assert (
        rest
        == {
            *(f"doctor.state.{state}" for state in CheckState),
            "doctor.client.settings",
            "doctor.name.client",
        }
        - names
    )


@pytest.mark.parametrize("called", ["pitchgate", "python -m backend"])
def test_a_command_explains_itself_however_the_program_was_called(called: str) -> None:
    result = CliRunner().invoke(cli, ["jobs", "list", "--help"], prog_name=called)
    assert result.exit_code == 0, result.exception
    assert catalogue(DEFAULT)["help.jobs.list"].split(",")[0] in result.output
