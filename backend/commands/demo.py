"""`pitchgate demo`: watch it work, without any account."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import webbrowser
from pathlib import Path

import click

from backend.demo.letters import OWNER, letters
from backend.demo.play import Options, Stage, play


@click.command("demo")
@click.option("--seconds", type=click.FloatRange(1, 3600), help="Stop after so long; without it, at Ctrl-C.")
@click.option("--no-browser", is_flag=True, help="Do not open the live page.")
@click.option("--json", "as_json", is_flag=True, help="Play by itself; the last line is a JSON object.")
@click.option("--every", default=3.0, type=click.FloatRange(0.05, 600), help="Seconds between two emails.")
@click.option(
    "--kills", default=0, type=click.IntRange(0, 200), help="Kill the server so often (with --seconds)."
)
@click.option("--copies", default=1, type=click.IntRange(1, 5), help="Deliver each push so often.")
@click.option("--seed", default=1, help="Order and rhythm of the mail.")
@click.option("--port", default=8400, help="The server's port; 0 takes a free one.")
@click.option("--sandbox-port", default=8900, help="The local Google's port; 0 takes a free one.")
def demo_command(*, no_browser: bool, as_json: bool, seconds: float | None, **how: float) -> None:
    """Run a local Google, the server and people who write mail. Nothing leaves this machine."""
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
        )

        def tell(text: str) -> None:
            click.echo(text, err=as_json)

        def opened(stage: Stage) -> None:
            _introduce(stage, tell_to_stderr=as_json)
            if not no_browser:
                with contextlib.suppress(webbrowser.Error):
                    webbrowser.open(f"{stage.server_url}/live")

        with contextlib.suppress(KeyboardInterrupt):
            tally = asyncio.run(play(options, tell, opened))
            click.echo(json.dumps(tally.to_json()))
            sys.exit(0 if tally.clean else 1)


def _introduce(stage: Stage, *, tell_to_stderr: bool) -> None:
    seller = next(letter for letter in letters() if letter.local)
    lines = [
        "",
        "  Pitchgate is at work. Open these side by side:",
        "",
        f"    {stage.server_url}/live",
        "        every message walking through the stages",
        f"    {stage.sandbox.url}/mail/{OWNER}",
        "        the owner's mailbox: pitches leave the inbox for Pitchgate/Held",
        f"    {stage.sandbox.url}/addon/{OWNER}",
        "        the same with the Gmail add-on beside it: open a message, see why, release it",
        f"    {stage.server_url}/review",
        "        the owner's own pages: sign in as the owner; review, insights, settings, a preview of the inbox",
        f"    {stage.sandbox.url}/mail/{seller.address}",
        f"        {seller.name}, who sells: open the answer to their mail, follow its link, solve the check,",
        "        and watch their mail come back to the owner's inbox",
        "",
        "  Ctrl-C ends it. Nothing leaves this machine.",
        "",
    ]
    click.echo("\n".join(lines), err=tell_to_stderr)
