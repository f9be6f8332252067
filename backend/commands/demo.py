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
from backend.terminal import Worded, echo, words

if TYPE_CHECKING:
    from backend.demo.play import Stage, Tally

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Besides Ctrl-C: a service manager and a closed terminal end the demo and its processes."""


@click.command("demo", cls=Worded)
@click.option("--seconds", type=click.FloatRange(1, 3600))
@click.option("--no-browser", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--every", default=3.0, type=click.FloatRange(0.05, 600))
@click.option("--kills", default=0, type=click.IntRange(0, 200))
@click.option("--copies", default=1, type=click.IntRange(1, 5))
@click.option("--seed", default=1)
@click.option("--port", default=8400)
@click.option("--sandbox-port", default=8900)
def demo_command(*, no_browser: bool, as_json: bool, seconds: float | None, **how: float) -> None:
    """Run a local Google, the server and people who write mail. Nothing leaves this machine."""
    from backend.demo.play import Options, play  # here: help needs neither a store nor HTTP

    with tempfile.TemporaryDirectory(prefix="pitchgate-demo-") as folder:
        options = Options(
            folder=Path(folder),
            seconds=seconds,
            every=how["every"],
            scripted=as_json,
            kills=int(how["kills"]) if seconds else 0,
            copies=int(how["copies"]),
            seed=int(how["seed"]),
            port=0 if as_json else int(how["port"]),
            sandbox_port=0 if as_json else int(how["sandbox_port"]),
            story=not as_json,
        )

        def report(key: str) -> None:
            echo(f"demo.{key}", err=as_json, name=OWNER_NAME)

        def on_ready(stage: Stage) -> None:
            shown = False
            if not no_browser:
                with contextlib.suppress(webbrowser.Error):
                    shown = webbrowser.open(f"{stage.server_url}/live")
            _introduce(stage, shown=shown, tell_to_stderr=as_json)

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


def _introduce(stage: Stage, *, shown: bool, tell_to_stderr: bool) -> None:
    """Say what to look at; `shown`: a browser has opened it. Then the addresses of the other pages."""
    seller = next(letter for letter in letters() if letter.local)
    live = f"{stage.server_url}/live"
    places = {
        "mailbox": f"{stage.sandbox.url}/mail/{OWNER}",
        "addon": f"{stage.sandbox.url}/addon/{OWNER}",
        "review": f"{stage.server_url}/review",
        "seller": f"{stage.sandbox.url}/mail/{seller.address}",
    }
    click.echo(err=tell_to_stderr)
    echo("demo.open_shown" if shown else "demo.open", err=tell_to_stderr)
    click.echo(err=tell_to_stderr)
    click.echo(f"    {live}", err=tell_to_stderr)
    click.echo(err=tell_to_stderr)
    echo("demo.open_more", err=tell_to_stderr)
    for key, address in places.items():
        click.echo(f"    {address}", err=tell_to_stderr)
        click.echo(f"        {words()(f'demo.open_{key}', name=seller.name)}", err=tell_to_stderr)
    click.echo(err=tell_to_stderr)
    echo("demo.ends", err=tell_to_stderr)
    click.echo(err=tell_to_stderr)


def _sum_up(tally: Tally) -> None:
    """Three lines: what came and went, whether the books agree, and what is left of it."""
    echo("demo.sum", count=tally.delivered, passed=tally.passed, held=tally.held, released=tally.released)
    if tally.clean:
        echo("demo.sum_clean")
    else:
        lost, doubled = len(tally.lost), len(tally.doubled)
        echo("demo.sum_wrong", lost=lost, doubled=doubled, differences=tally.ledger_differences)
    echo("demo.sum_left")
