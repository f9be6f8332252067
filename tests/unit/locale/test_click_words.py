"""What click says of commands and of mistakes in calling them is in the catalogues too, in every language."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from backend import terminal
from backend.__main__ import cli
from backend.locale import DEFAULT, LANGUAGES, Words, catalogue

OURS = ("options_metavar", "command_metavar")
"""Asked for by `backend.terminal` itself, with those of the types of values."""
REQUIRED = "required"
"""A text that click keeps in a variable."""
NOT_SHOWN = (
    "deprecated", "DeprecationWarning", "Positional arguments", "Value must be an iterable.", "(dynamic)", "env var",
    "Could not determine name", "No options defined", "Arguments take exactly one", "Name '{name}' defined twice",
    "Takes {nargs}", "Boolean option", "unknown error", "Could not open file", "Missing parameter", "Choice(",
    "Missing {param_type}", "Invalid start character", "Argument {name!r} takes", "Press any key", "Unknown color",
    "Repeat for confirmation", "Error: The two entered values", "file", "directory", "path",
    "{value!r} does not match the format", "{value!r} is not a valid boolean", "{value!r} is not a valid UUID",
    "{len_type} values are required", "{name} {filename!r} is not executable",
)  # fmt: skip
"""How the words begin of what our commands do not use."""


def said_by_click() -> Iterator[str]:
    for name in terminal.CLICK_MODULES:
        source = importlib.import_module(f"click.{name}").__file__
        assert source is not None
        with open(source, encoding="utf-8") as file:
            for node in ast.walk(ast.parse(file.read())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "ngettext"):
                    text = node.args[0]
                    yield text.value if isinstance(text, ast.Constant) else REQUIRED


def test_all_that_it_may_say_is_there_and_nothing_else() -> None:
    used = {terminal.click_key(text) for text in said_by_click() if not text.startswith(NOT_SHOWN)}
    known = {i.removeprefix("click.") for i in catalogue(DEFAULT).ids if i.startswith("click.")}
    kinds = {key for key in known if key.endswith("_metavar")}
    assert used == known - kinds
    assert set(OURS) <= kinds


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("LC_ALL", f"{request.param}_XX.UTF-8")
    terminal.cli_texts.cache_clear()
    yield request.param
    terminal.cli_texts.cache_clear()


@pytest.mark.parametrize(
    ("call", "keys"),
    [
        ("nosuch", ["no_such_command_name_r"]),
        ("jobs list --hep", ["no_such_option_name_r", "did_you_mean_possibility"]),
        ("audit show", ["missing_argument"]),
        ("cloud plan --env dev", ["missing_option"]),
        ("cloud plan --env", ["option_name_r_requires_an_argument"]),
        ("jobs list --json=1", ["option_name_r_does_not_take_a_value"]),
        ("serve one two", ["got_unexpected_extra_argument_args"]),
        ("audit verify --heads /nowhere/at/all", ["name_filename_r_does_not_exist"]),
        ("audit replay --sample x", ["value_r_is_not_a_valid_number_type"]),
        ("audit replay --sample 0", ["value_is_not_in_the_range_range"]),
        ("cloud plan --env x", ["value_r_is_not_choice", "invalid_value_for_param_hint_message"]),
    ],
)
def test_a_mistake_is_told_in_the_terminals_language(language: str, call: str, keys: list[str]) -> None:
    told = CliRunner().invoke(cli, call.split())
    assert told.exit_code == 2
    usage = ["usage", "try_command_option_for_help", "options_metavar"]
    if keys[0].startswith("option_name"):  # click tells of these without it
        usage = []
    for key in (*usage, "error_message", *keys):
        number = 2 if key[:3] in ("got", "val") else 1
        text = Words(catalogue(language).section("click")).form(key, number)
        for part in text.replace("}", "{").split("{")[::2]:
            assert part in told.output, key


def test_help_is_wholly_in_the_terminals_language(language: str) -> None:
    audit = [CliRunner().invoke(cli, ["audit", name, "--help"]).output for name in ("replay", "verify")]
    told = "".join(audit)
    own = catalogue(language)
    for key in ("usage", "options", "options_metavar", "text_metavar", "integer_metavar", "path_metavar"):
        assert own[f"click.{key}"] in told, key
    assert own["click.commands"] in CliRunner().invoke(cli, ["--help"]).output
