"""Whatever is wrong from outside ends in at most three lines that name it and the way out, and quote no secret."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from backend.__main__ import cli, main
from backend.domain.errors import Refused
from backend.scoring import SHIPPED
from backend.settings import Settings
from backend.settings_read import SOURCE, read_settings, unknown_settings
from tests.doubles import in_english

SECRET = "CSPX-topsecretvalue123"
FREE = (str, SecretStr, Path, tuple[str, ...], tuple[SecretStr, ...])
COMMANDS = ("serve", "scan .", "mailbox list", "keys rotate", "db status", "db upgrade", "jobs list")


def wrong_values(name: str, field: FieldInfo) -> Iterator[str]:
    """What no setting of this kind can be. A new setting is broken here by itself."""
    yield f"{SECRET}\n{SECRET}"
    if field.annotation not in FREE:
        yield SECRET
    elif name.endswith("_url"):
        yield f"gopher://{SECRET}"
    if field.annotation in (int, float):
        yield "-" + "9" * 30
    if field.annotation is float:
        yield "nan"


CASES = [
    pytest.param(name, value, id=f"{name}-{number}")
    for name, field in Settings.model_fields.items()
    for number, value in enumerate(wrong_values(name, field))
]


def assert_in_words(shown: str, *named: str) -> None:
    lines = shown.strip().splitlines()
    assert 1 <= len(lines) <= 3, shown
    assert "Traceback" not in shown
    assert SECRET not in shown
    for name in named:
        assert name in shown


def accepted(settings: Settings) -> None:
    raise AssertionError("a server would have started with it")


@pytest.mark.parametrize(("name", "value"), CASES)
def test_each_setting_broken_is_named_and_not_quoted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = f"PITCHGATE_{name}".upper()
    monkeypatch.setenv("PITCHGATE_CLIENT_SECRET", f"{SECRET}-of-the-client")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr("backend.starting.run", accepted)
    monkeypatch.setattr(sys, "argv", ["pitchgate", "serve"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert_in_words(capsys.readouterr().err, variable)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_settings_says_so(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PITCHGATE_WORKER_TASKS", SECRET)
    monkeypatch.setattr(sys, "argv", ["pitchgate", *command.split()])
    with pytest.raises(SystemExit):
        main()
    assert_in_words(capsys.readouterr().err, "PITCHGATE_WORKER_TASKS")


def test_several_faults_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PITCHGATE_BIND", "PITCHGATE_TOPIC", "PITCHGATE_MAX_ATTEMPTS"):
        monkeypatch.setenv(name, SECRET)
    with pytest.raises(Refused) as refused:
        read_settings()
    found = f"{in_english(refused.value)}"
    assert all(name in found for name in ("PITCHGATE_BIND", "PITCHGATE_TOPIC", "PITCHGATE_MAX_ATTEMPTS"))


def test_a_line_end_that_was_copied_along_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITCHGATE_CLIENT_SECRET", "the secret\r\n")
    assert read_settings().client_secret.get_secret_value() == "the secret"


def test_a_name_that_is_no_setting_is_told_with_what_may_be_meant() -> None:
    found = [
        "HOME",
        "PITCHGATE_BIND",
        "PITCHGATE_TRUSTED_PROXY",
        "PITCHGATE_GIBBERISH",
        "PITCHGATE_TRAY_HOME",
    ]
    assert unknown_settings(found) == {
        "PITCHGATE_GIBBERISH": "",
        "PITCHGATE_TRUSTED_PROXY": "PITCHGATE_TRUSTED_PROXIES",
    }


def test_settings_that_contradict_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITCHGATE_CAPTCHA", "hcaptcha")
    monkeypatch.setenv("PITCHGATE_CAPTCHA_SECRET", SECRET)
    with pytest.raises(Refused, match="captcha_keys") as refused:
        read_settings()
    assert SECRET not in in_english(refused.value)


# --- what shows only when it is used: each in a process of its own, forked from one that has read the program

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [__name__, "backend.bootstrap", "backend.serving", "backend.reader.pool", "quart.cli"]
)


def ended(arguments: list[str], folder: Path, **environment: str) -> str:
    """What a process that cannot start says, on standard error."""
    given = {"PITCHGATE_STATE_DIR": str(folder / "state"), "PITCHGATE_CLIENT_SECRET": SECRET, **environment}
    said = folder / "said"
    process = FORKS.Process(target=_run, args=(arguments, {**os.environ, **given}, said))
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode not in (None, 0, -9), said.read_text(encoding="utf-8")
    return said.read_text(encoding="utf-8")


def _run(arguments: list[str], environment: dict[str, str], said: Path) -> None:
    """The process: what `python -m` or `python -c` would do with these arguments."""
    os.environ.clear()
    os.environ.update(environment)
    with said.open("wb") as file:
        os.dup2(file.fileno(), 2)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    kind, what, *sys.argv[1:] = arguments
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})


SERVE = ["-m", "backend", "serve"]
QUART = ["-m", "quart", "--app", "backend", "run", "--port", "0"]


def without(module: str, entry: str) -> list[str]:
    """The entry point as it is where `module` is not installed."""
    package, _, function = entry.partition(":")
    code = f"import sys; sys.modules[{module!r}] = None; from {package} import {function}; {function}()"
    return ["-c", code]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PITCHGATE_STATE_DIR", "/dev/null/state"),
        ("PITCHGATE_MODEL_PATH", "/dev/null/model"),
        ("PITCHGATE_SECRET_KEYS", SECRET),
        ("PITCHGATE_BIND", "127.0.0.1:70000"),
        ("PITCHGATE_BIND", "nowhere.invalid:8400"),
        ("PITCHGATE_DATABASE_URL", f"postgresql://someone:{SECRET}@127.0.0.1:1/none"),
        ("PITCHGATE_DATABASE_URL", f"postgresql://someone:{SECRET}@127.0.0.1:99999/none"),
        ("PITCHGATE_DATABASE_URL", f"postgresql://someone:{SECRET}@[127/none"),
    ],
)
def test_a_server_that_cannot_start_says_why(variable: str, value: str, tmp_path: Path) -> None:
    bind = {"PITCHGATE_BIND": "127.0.0.1:0"}
    assert_in_words(ended(SERVE, tmp_path, **{**bind, variable: value}), variable)


NO_STATE = {
    *("home", "demo", "sandbox"),  # have a folder of their own
    *(
        "scan",
        "addon manifest",
        "keys new",
        "cloud plan",
        "cloud apply",
        "cloud destroy",
        "cloud files",
    ),  # keep nothing
}
WORDS = {
    "email": "ana@corp.test",
    "changes": "mode=observe",
    "file": str(SHIPPED),
    "target": "postgresql://h/d",
}
"""What a command is given for an argument of this name; "x" for any other."""


def leaves(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Every command there is, with an argument for each that it takes."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*before, name))
        elif command is not None and " ".join((*before, name)) not in NO_STATE:
            arguments = [one.name for one in command.params if isinstance(one, click.Argument)]
            yes = ["--yes"] if any(one.name == "yes" for one in command.params) else []
            yield [*before, name, *(WORDS.get(str(one), "x") for one in arguments), *yes]


STATE = list(leaves(cli))
MAKERS = ("serve", "doctor", "db upgrade", "db restore", "db status", "models second-reading")
"""Make a database, or say that it is missing."""


def one_of(names: Iterable[str], command: list[str]) -> bool:
    return any(name.split() == command[: len(name.split())] for name in names)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no checkout, in a process without settings."""
    for name in [name for name in os.environ if name.startswith("PITCHGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that stops with exit status 1."""
    monkeypatch.setattr(sys, "argv", ["pitchgate", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("command", STATE, ids=" ".join)
def test_a_command_that_finds_no_settings_stops_and_makes_nothing(
    command: list[str],
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert_in_words(said(command, monkeypatch, capsys), "PITCHGATE_STATE_DIR", "--settings")
    assert list(nowhere.iterdir()) == []


@pytest.mark.parametrize("command", [one for one in STATE if not one_of(MAKERS, one)], ids=" ".join)
def test_a_command_about_what_is_kept_makes_no_database(
    command: list[str],
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(nowhere / "state"))
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", Fernet.generate_key().decode())
    said(command, monkeypatch, capsys)
    assert list(nowhere.iterdir()) == []


def test_the_defaults_of_a_developer_hold_in_the_checkout_alone(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="none"):
        read_settings()
    assert read_settings(placed=False).model_path.is_absolute()
    monkeypatch.chdir(SOURCE)
    assert read_settings().state_dir == SOURCE / "var"
    monkeypatch.chdir(SOURCE / "backend")
    with pytest.raises(Refused, match="none"):
        read_settings()
    monkeypatch.setenv("PITCHGATE_STATE_DIR", "kept")
    assert read_settings().state_dir == SOURCE / "backend" / "kept", (
        "a path that can be copied into any shell"
    )


def test_a_database_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pitchgate.sqlite3").write_bytes(b"not a database" * 1000)
    for command in (SERVE, ["-m", "backend", "mailbox", "list"], ["-m", "backend", "db", "status"]):
        shown = ended(command, tmp_path, PITCHGATE_STATE_DIR=str(tmp_path), PITCHGATE_BIND="127.0.0.1:0")
        assert_in_words(shown, "is damaged", "not a database", "pitchgate db restore")


@pytest.fixture
def taken() -> Iterator[str]:
    """The number of a port that this process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def test_a_taken_port_is_named_with_its_holder(taken: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{taken}"
    demo = ["-m", "backend", "demo", "--no-browser"]
    commands = {
        "PITCHGATE_BIND": [*SERVE, "--bind", address],
        "--port": [*QUART[:-1], taken],
        "Choose another --port": ["-m", "backend", "sandbox", "--port", taken],
        "It is set by --sandbox-port": [*demo, "--port", "0", "--sandbox-port", taken],
        "It is set by --port": [*demo, "--sandbox-port", "0", "--port", taken],
    }
    for way_out, command in commands.items():
        shown = ended(command, tmp_path)
        assert_in_words(shown, taken, "Address already in use by", f"(process {os.getpid()})", way_out)
    assert not (tmp_path / "state/pitchgate.sqlite3-wal").exists(), (
        "the port is taken before the store is opened"
    )


def test_quart_says_why_it_cannot_start(tmp_path: Path) -> None:
    assert_in_words(ended(QUART, tmp_path, PITCHGATE_STATE_DIR="/dev/null/x"), "PITCHGATE_STATE_DIR")
    assert_in_words(ended(QUART, tmp_path, PITCHGATE_POLL_SECONDS=SECRET), "PITCHGATE_POLL_SECONDS")


def test_a_demo_whose_server_cannot_start_says_why(tmp_path: Path) -> None:
    command = ["-m", "backend", "demo", "--no-browser", "--json", "--seconds", "1"]
    shown = ended(command, tmp_path, PITCHGATE_WORKER_TASKS=SECRET)
    assert_in_words(shown.partition("pitchgate: ")[2], "PITCHGATE_WORKER_TASKS")


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    url = {"PITCHGATE_DATABASE_URL": f"postgresql://someone:{SECRET}@127.0.0.1:1/none"}
    server = without("asyncpg", "backend.__main__:main")
    for command in (["serve", "--bind", "127.0.0.1:0"], ["mailbox", "list"], ["db", "status"]):
        assert_in_words(
            ended([*server, *command], tmp_path, **url), "EXTRAS=postgres", "PITCHGATE_DATABASE_URL"
        )
    assert_in_words(
        ended([*server, "db", "copy", url["PITCHGATE_DATABASE_URL"]], tmp_path), "EXTRAS=postgres"
    )
    trainer = [*without("joblib", "model_export.entry:main"), "train"]
    assert_in_words(ended(trainer, tmp_path), "joblib", "EXTRAS=train")
    for module in ("platformdirs", "filelock", "tinydb"):
        assert_in_words(ended(without(module, "tray_app.entry:main"), tmp_path), module, "EXTRAS=tray")


def test_the_desktop_app_says_what_is_wrong(tmp_path: Path) -> None:
    tray = ["-c", "from tray_app.entry import main; main()"]
    home = {"PITCHGATE_TRAY_HOME": "/dev/null/home"}
    assert_in_words(ended(tray, tmp_path, **home), "PITCHGATE_TRAY_HOME", "/dev/null/home")
    assert_in_words(ended(tray, tmp_path, PITCHGATE_TRAY_SERVER=SECRET), "PITCHGATE_TRAY_SERVER")


def test_training_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    command = ["-c", "from model_export.entry import main; main()", "compare", "/dev/null", "/dev/null"]
    assert_in_words(ended(command, tmp_path), "/dev/null")
