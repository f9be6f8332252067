"""What an operator does about dead letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.commands.store import jobs_group, with_store
from backend.domain.errors import NotFound
from backend.domain.mailbox.message import MessageView, Stage
from backend.transactions.store import Store
from tests.contract.store.stories import Story


async def three_dead_letters(store: Store) -> None:
    story = Story(store)
    for name, number in (("ana", 2), ("bea", 1)):
        await story.mailbox(name)
        await story.arrive(name, *(f"m{one}" for one in range(number)))
        for job in await story.due():
            await store.make_dead_letter(job, "Gmail would not give it out", story.now)
            story.pass_time(seconds=1)


@pytest.fixture
def runner(database: Path) -> CliRunner:
    """A command line over a store with two messages of Ana's and one of Bea's as dead letters."""
    with_store(three_dead_letters)
    return CliRunner()


def listed(runner: CliRunner, *options: str) -> list[tuple[str, str]]:
    found = runner.invoke(jobs_group, ["list", "--json", *options])
    assert found.exit_code == 0
    return [(one["mailbox"], one["message"]) for one in map(json.loads, found.stdout.splitlines())]


def view(name: str) -> MessageView:
    async def look(store: Store) -> MessageView:
        return (await store.known("ana", [name]))[name]

    return with_store(look)


def test_the_list_says_what_waits_and_why(runner: CliRunner) -> None:
    assert listed(runner) == [("ana@corp.test", "m0"), ("ana@corp.test", "m1"), ("bea@corp.test", "m0")]
    assert listed(runner, "--mailbox", "bea@corp.test") == [("bea@corp.test", "m0")]
    table = runner.invoke(jobs_group, ["list"])
    assert "ana@corp.test" in table.stdout


def test_one_is_tried_again_and_one_let_be(runner: CliRunner) -> None:
    assert runner.invoke(jobs_group, ["retry", "ana@corp.test", "m0"]).exit_code == 0
    assert runner.invoke(jobs_group, ["drop", "ana@corp.test", "m1"]).exit_code == 0
    assert listed(runner) == [("bea@corp.test", "m0")]
    assert (view("m0").stage, view("m0").dead_letter) == (Stage.SCREEN, False)
    assert (view("m1").stage, view("m1").dead_letter) == (None, False)


def test_all_of_a_mailbox_are_tried_again(runner: CliRunner) -> None:
    done = runner.invoke(jobs_group, ["retry", "ana@corp.test", "--all"])
    assert done.stdout.startswith("2 messages will be tried again")
    assert listed(runner) == [("bea@corp.test", "m0")]
    runner.invoke(jobs_group, ["drop", "bea@corp.test", "--all"])
    assert runner.invoke(jobs_group, ["list"]).stdout == "No dead letters.\n"


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_what_is_not_there_is_said(runner: CliRunner, command: str) -> None:
    unknown = runner.invoke(jobs_group, [command, "ana@corp.test", "m9"])
    assert isinstance(unknown.exception, NotFound)
    nobody = runner.invoke(jobs_group, [command, "nobody@corp.test", "m0"])
    assert isinstance(nobody.exception, NotFound)
    assert runner.invoke(jobs_group, [command, "ana@corp.test"]).exit_code == 2
    assert runner.invoke(jobs_group, [command, "ana@corp.test", "m0", "--all"]).exit_code == 2
    assert len(listed(runner)) == 3
