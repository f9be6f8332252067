"""What Debian's own programs say of the files that they are to read, and PostgreSQL of the statements for it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import asyncpg
import pytest

from tests import postgres_server
from tests.deploy.debian import PATH, entering, machine, run

PASSWORD = "0123456789abcdef"
COMPOSED = f"cd /srv && echo DATABASE_PASSWORD={PASSWORD} >.env && docker-compose config --format json"


def inside(files: Path, folder: Path, script: str) -> str:
    """A script as root in a machine of Debian's, with the files in /srv; what it writes is gone afterwards."""
    shutil.copytree(files, folder / "new/srv", dirs_exist_ok=True)
    command = [*entering(machine()), "env", "-i", f"PATH={PATH}", "HOME=/tmp", "bash", "-euc", script]
    return run(*command, env={"PATH": PATH, "CHANGES": str(folder)})


def test_caddy(files: Path, tmp_path: Path) -> None:
    inside(
        files,
        tmp_path,
        "caddy validate --config /srv/Caddyfile --adapter caddyfile && caddy fmt --diff /srv/Caddyfile",
    )


def test_nginx(files: Path, tmp_path: Path) -> None:
    host = "pitchgate.example.com"
    inside(
        files,
        tmp_path,
        f"mkdir -p /etc/letsencrypt/live/{host} && cd /etc/letsencrypt/live/{host}\n"
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN={host} -keyout privkey.pem -out fullchain.pem\n"
        "install -m 644 /srv/nginx.conf /etc/nginx/conf.d/pitchgate.conf && mkdir -p /run /var/log/nginx && nginx -t",
    )


def test_compose(files: Path, tmp_path: Path) -> None:
    services = json.loads(inside(files, tmp_path, COMPOSED))["services"]
    address = services["pitchgate"]["environment"]["PITCHGATE_DATABASE_URL"]
    assert address == f"postgresql://pitchgate:{PASSWORD}@database/pitchgate"
    assert services["pitchgate"]["environment"]["PITCHGATE_NOTICES"] == "push", "of the settings file"


def test_compose_without_a_password_is_refused(files: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="put it into"):
        inside(files, tmp_path, "cd /srv && docker-compose config")


def test_the_role_of_compose_passes_no_row_level_security(files: Path, tmp_path: Path) -> None:
    content = json.loads(inside(files, tmp_path, COMPOSED))["configs"]["role"]["content"]
    statements = re.sub(r"\b(ROLE|DATABASE|OWNER) pitchgate\b", r"\1 gate", content)

    async def rights(address: str) -> asyncpg.Record | None:
        connection = await asyncpg.connect(address)
        try:
            for statement in statements.split(";\n"):
                if statement.strip():
                    await connection.execute(statement)
            return await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'gate'")
        finally:
            await connection.close()

    with postgres_server.running() as server:
        role = asyncio.run(rights(server.owner_address))
    assert role is not None
    assert (role["rolcanlogin"], role["rolsuper"], role["rolbypassrls"]) == (True, False, False)


def test_the_units_own_reader_finds_no_fault(files: Path, tmp_path: Path) -> None:
    output = inside(
        files,
        tmp_path,
        "useradd --system pitchgate && install -D /bin/true /opt/pitchgate/app/.venv/bin/pitchgate\n"
        "touch /etc/pitchgate.env && install -m 644 /srv/pitchgate.service /etc/systemd/system/\n"
        "systemd-analyze verify --man=no pitchgate.service 2>&1",
    )
    assert "pitchgate" not in output
