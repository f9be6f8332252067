"""compose.yaml brought up by Compose as docs/how-to/containers.md has it, with Podman behind Docker's API: the server
finds its database, the proxy the server, and both come back when killed. Only the images of docker.io are Debian's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet

from tests.deploy.conftest import HOST
from tests.deploy.image import Builder, Image

STAND_INS = Path(__file__).parent / "stand_ins"
SCRIPT = f"""
ask() {{ curl -sk --retry 90 --retry-delay 1 --retry-all-errors --resolve {HOST}:443:127.0.0.1 https://{HOST}/readyz; }}
process() {{ podman inspect --format '{{{{.State.Pid}}}}' "$(docker-compose ps --quiet "$1")"; }}
docker-compose up --detach >&2
ask
docker-compose exec -T pitchgate pitchgate mailbox list >&2
docker-compose exec -T pitchgate cat /proc/1/status
! docker-compose exec -T pitchgate touch /opt/pitchgate/changed
kill -9 "$(process pitchgate)" "$(process database)"
echo killed
ask
docker-compose logs --no-log-prefix pitchgate
docker-compose down --volumes >&2
"""


@pytest.fixture
def folder(files: Path, builder: Builder, image: Image, tmp_path: Path) -> Path:
    """The files as a person leaves them, and the images by the names they tell."""
    folder = tmp_path / "files"
    shutil.copytree(files, folder)
    (folder / ".env").write_text("DATABASE_PASSWORD=0123456789abcdef\n")
    text = (folder / "pitchgate.env").read_text()
    for name, value in (
        ("SECRET_KEYS", Fernet.generate_key().decode()),
        ("CLIENT_ID", "1234.apps.googleusercontent.com"),
        ("CLIENT_SECRET", "s3cret"),
    ):
        text = text.replace(f"PITCHGATE_{name}=\n", f"PITCHGATE_{name}={value}\n")
    (folder / "pitchgate.env").write_text(text)
    caddy = folder / "Caddyfile"  # no authority signs for a machine that nobody can reach
    caddy.write_text(f"{{\n\tlocal_certs\n\tskip_install_trust\n}}\n{caddy.read_text()}")
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    builder("tag", image.name, services["pitchgate"]["image"])
    for name in ("database", "proxy"):
        builder.make(services[name]["image"], STAND_INS, target=name)
    return folder


def test_it_comes_up_shut_in_and_comes_back_when_killed(folder: Path, builder: Builder) -> None:
    first, again = builder.composed(folder, SCRIPT).split("killed\n")
    for answer in (first, again):
        assert '"status":"ready","store":"ok"' in answer
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"):
        assert line in first
    assert '"event": "serving"' in again
    assert "row_security_off" not in again, "the role is bound by row-level security"
