"""`pitchgate doctor`: is everything in order, and what mends what is not?"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from backend.terminal import Worded, words

if TYPE_CHECKING:
    from backend.doctor.machine import Finding


@click.command("doctor", cls=Worded)
@click.option("--json", "as_json", is_flag=True)
@click.option("--offline", is_flag=True)
def doctor_command(as_json: bool, offline: bool) -> None:
    """Look at a set-up from end to end. Changes nothing; may run beside the server. Exit status 1 if anything fails."""
    from backend.doctor.checks import State, examine

    found = asyncio.run(examine(offline=offline))
    if as_json:
        click.echo(json.dumps({"checks": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            _show(finding)
    if any(finding.state is State.BROKEN for finding in found):
        sys.exit(1)


def _show(finding: Finding) -> None:
    texts = words("doctor")
    mark, name = (texts(f"state.{finding.state}"), texts(f"name.{finding.name.replace(' ', '_')}"))
    click.echo(f"{mark:<6}{name}: {finding.text}")
    if finding.mend:
        click.echo(f"      {finding.mend}")
