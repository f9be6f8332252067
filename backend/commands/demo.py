"""`pitchgate demo`: Pitchgate at work on this machine, without a Google account."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.demo.letters import OWNER, OWNER_NAME, letters
from backend.terminal import TranslatedCommand, cli_texts, echo

if TYPE_CHECKING:
    from backend.demo.play import Stage, Tally

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end the demo, as Ctrl-C does: from a service manager, or from a terminal that is closed."""


@click.command("demo", cls=TranslatedCommand)
@click.option("--seconds", type=click.FloatRange(1, 3600))
@click.option("--no-browser", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--every", default=3.0, type=click.FloatRange(0.05, 600))
@click.option("--kills", default=0, type=click.IntRange(0, 200))
@click.option("--copies", default=1, type=click.IntRange(1, 5))
@click.option("--seed", default=1)
@click.option("--port", default=8400)
@click.option("--sandbox-port", default=8900)
def demo_command(*, no_browser: bool, as_json: bool, seconds: float | None, **numbers: float) -> None:
    """Run a local Google, the server, and simulated people who write email. Nothing leaves this machine.

    `--every`: seconds between emails. With `--seconds` the demo ends by itself; then `--kills` says how often the
    server is killed and restarted, and `--copies` how often each push is delivered. `--json` prints the result for
    programs and leaves out the story that people click through.
    """
    from backend.demo.play import Options, play  # imported late: help does not need it

    with tempfile.TemporaryDirectory(prefix="pitchgate-demo-") as folder:
        options = Options(
            folder=Path(folder),
            seconds=seconds,
            every=numbers["every"],
            scripted=as_json,
            kills=int(numbers["kills"]) if seconds else 0,
            copies=int(numbers["copies"]),
            seed=int(numbers["seed"]),
            port=0 if as_json else int(numbers["port"]),
            sandbox_port=0 if as_json else int(numbers["sandbox_port"]),
            story=not as_json,
        )

        def report(key: str) -> None:
            echo(f"demo.{key}", err=as_json, name=OWNER_NAME)

        def on_ready(stage: Stage) -> None:
            opened = False
            if not no_browser:
                with contextlib.suppress(webbrowser.Error):
                    opened = webbrowser.open(f"{stage.server_url}/live")
            _introduce(stage, opened=opened, err=as_json)

        async def play_until_stopped() -> Tally:
            task = asyncio.current_task()
            assert task is not None
            for stop in STOP_SIGNALS:
                with contextlib.suppress(NotImplementedError):  # not on Windows; Ctrl-C works there
                    asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
            return await play(options, report, on_ready)

        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            tally = asyncio.run(play_until_stopped())
            if as_json:
                click.echo(json.dumps(tally.to_json()))
            else:
                _sum_up(tally)
            sys.exit(0 if tally.clean else 1)


def _introduce(stage: Stage, *, opened: bool, err: bool) -> None:
    """Print the address of the live page (`opened`: a browser shows it already) and of the demo's other pages. `stage`
    is the running demo; `err`: print to standard error."""
    # The sender who has a mailbox in the sandbox, so that the reader can open it and solve the captcha.
    seller = next(letter for letter in letters() if letter.local)
    live = f"{stage.server_url}/live"
    pages = {
        "mailbox": f"{stage.sandbox.url}/mail/{OWNER}",
        "addon": f"{stage.sandbox.url}/addon/{OWNER}",
        "review": f"{stage.server_url}/review",
        "seller": f"{stage.sandbox.url}/mail/{seller.address}",
    }
    click.echo(err=err)
    echo("demo.open_shown" if opened else "demo.open", err=err)
    click.echo(err=err)
    click.echo(f"    {live}", err=err)
    click.echo(err=err)
    echo("demo.open_more", err=err)
    for key, address in pages.items():
        click.echo(f"    {address}", err=err)
        click.echo(f"        {cli_texts()(f'demo.open_{key}', name=seller.name)}", err=err)
    click.echo(err=err)
    echo("demo.ends", err=err)
    click.echo(err=err)


def _sum_up(tally: Tally) -> None:
    """Print the result: how many emails came, passed and were held; whether messages and credits add up; and that
    all data has been deleted."""
    came = tally.delivered - tally.ignored  # the rest is the owner's own, or in spam: nobody decides about it
    echo("demo.sum", count=came, passed=tally.passed, held=tally.held, released=tally.released)
    if tally.clean:
        echo("demo.sum_clean")
    else:
        lost, doubled = len(tally.lost), len(tally.doubled)
        echo("demo.sum_wrong", lost=lost, doubled=doubled, differences=tally.ledger_differences)
    echo("demo.sum_left")
