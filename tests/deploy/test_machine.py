"""The shell blocks of the pages, played on a fresh machine of Debian's by a person with sudo, under a real systemd.

Google is the local one, and `gcloud` writes down its orders. What the server does then, it does as shut in as its
unit says: system calls, files, rights.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import aiohttp
import pytest

from backend.demo import people
from backend.demo.people import free_port
from tests.architecture import shell_blocks
from tests.architecture.source import ROOT
from tests.deploy import debian
from tests.deploy.conftest import HOST, PROJECT
from tests.deploy.debian import OPERATOR, Machine, run
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, SandboxProcess

FIRST_RELEASE = "9953a85"
"""0.1.0, which has no tag of its own (tests/journeys/from_0_1_0/make.py)."""
HOW_TO = "docs/how-to"
PAGE = f"{HOW_TO}/deploy.md"
ROSA = "rosa@corp.test"
NAME = "pitchgate-production"
ACCOUNT = f"{NAME}@{PROJECT}.iam.gserviceaccount.com"
PATIENCE = 120.0

GCLOUD = r"""#!/bin/sh
# Writes down its orders, and knows what was made before, as Google does: nothing is made twice.
printf '%s\n' "$*" >>/srv/gcloud.log
case "$*" in "projects describe"*value*) echo 123456789 ;; esac
kind=
while [ $# -gt 0 ]; do
    case "$1" in
        create) grep -qx "$kind ${2%%@*}" /srv/gcloud.made && { echo "already exists" >&2; exit 1; }
            echo "$kind ${2%%@*}" >>/srv/gcloud.made; exit 0 ;;
        describe) grep -qx "$kind ${2%%@*}" /srv/gcloud.made; exit $? ;;
    esac
    kind="$kind $1"
    shift
done
"""
PITCHGATE = """#!/bin/sh
# The operator's own program, with their credentials, and the local Google in the place of Google's.
case "$1 $2" in "cloud plan" | "cloud apply") set -- "$@" --api-root {google} ;; esac
exec sudo -E GOOGLE_APPLICATION_CREDENTIALS=/srv/key.json /opt/pitchgate/app/.venv/bin/pitchgate "$@"
"""
FAILED = """trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
"""

pytestmark = pytest.mark.skipif(bool(debian.boots()), reason=debian.boots() or "-")


class Played:
    """A machine on which the pages are played, with the Google that its server and its commands speak to."""

    seen: ClassVar[set[shell_blocks.Block]] = set()
    """The blocks that were played, on any machine."""

    def __init__(self, machine: Machine, google: SandboxProcess, cloud: SandboxProcess, port: int) -> None:
        self.machine, self.google, self.cloud, self.port = machine, google, cloud, port

    def blocks(self, heading: str | None = None, page: str = PAGE) -> list[str]:
        """The shell blocks of a page, or below a heading of it, with the blanks filled in."""
        found = shell_blocks.to_play(page, heading)
        assert found, heading
        self.seen.update(found)
        return [
            block.code.replace("<this repository>", "/srv/pitchgate.bundle").replace(":8400", f":{self.port}")
            for block in found
        ]

    def play(self, script: str, own: bool = False) -> tuple[str, list[str]]:
        """As the person with sudo, who has said which project and host; what it said, and which commands failed. `own`:
        in a checkout on their own machine, where `pitchgate` is another."""
        (exports,) = self.blocks("")
        here = "PATH=/srv/own:$PATH\n" if own else ""
        done = self.machine.call("bash", user=OPERATOR, script=f"{FAILED}{exports}{here}{script}")
        print(f"\n$ {script}{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout, re.findall(r"^FAILED: (.*)$", done.stderr, re.MULTILINE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with playing(tmp_path_factory) as found:
        yield found


@contextmanager
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A fresh machine that runs."""
    port, machine = free_port(), Machine(tmp_path_factory.mktemp("machine"))
    here = f"http://127.0.0.1:{port}"
    words = [
        *("--mailbox", f"{ROSA}=Rosa", "--project", PROJECT, "--topic", NAME, "--subscription", NAME),
        *("--push-endpoint", f"{here}/hooks/gmail", "--push-account", ACCOUNT),
        *("--redirect-uri", f"{here}/connect/callback"),
    ]
    srv = machine.new / "srv"
    srv.mkdir(parents=True)
    # The release that the page on upgrades goes to is a name for the same commit.
    origin = tmp_path_factory.mktemp("origin")
    run("git", "clone", "-q", "--bare", ROOT, origin)
    run("git", "-C", origin, "tag", "--force", "v0.1.0", FIRST_RELEASE)
    run("git", "-C", origin, "tag", "--force", "v0.2.0", "HEAD")
    run("git", "-C", origin, "bundle", "create", "-q", srv / "pitchgate.bundle", "HEAD", "v0.1.0", "v0.2.0")
    with SandboxProcess(*words) as google, SandboxProcess("--project", PROJECT, "--topic", "other") as cloud:
        told = {"email": f"admin@{PROJECT}.iam.gserviceaccount.com", "project": PROJECT}
        (srv / "key.json").write_text(
            json.dumps(cloud.http.post("/sandbox/service-accounts", json=told).json())
        )
        for file in (srv / "gcloud.log", srv / "gcloud.made"):
            file.touch()
            file.chmod(0o666)
        tools, own = machine.new / "usr/local/bin", srv / "own"
        for tool, text in (
            (tools / "gcloud", GCLOUD),
            (own / "pitchgate", PITCHGATE.format(google=cloud.url)),
        ):
            tool.parent.mkdir(parents=True)
            tool.write_text(text)
            tool.chmod(0o755)
        with machine.running():
            yield Played(machine, google, cloud, port)


@pytest.fixture(scope="module")
def installed(played: Played) -> Played:
    """Steps 1 to 5, each block pasted twice, with the settings a person fills in; the server runs."""
    for heading in ("1. ", "2. ", "3. "):
        for block in played.blocks(heading):
            assert played.play(block)[1] == []
            assert played.play(block)[1] == [], "the second time it harms nothing"
    install, files, start = played.blocks("5. ")
    began = time.monotonic()
    assert played.play(install)[1] == []
    print(f"\ninstalled in {time.monotonic() - began:.0f} s")
    assert played.play(files)[1] == []
    fill_in(played)
    assert json.loads(well(played, start))["store"]
    settings, server = played.machine.do("cat", "/etc/pitchgate.env"), main_process(played)
    for block in (install, files, start):
        well(played, block)
    assert played.machine.do("cat", "/etc/pitchgate.env") == settings, "what was filled in stays"
    assert main_process(played) == server
    return played


def well(played: Played, script: str) -> str:
    """What it said; nothing of it failed."""
    told, failed = played.play(script)
    assert failed == []
    return told


def fill_in(played: Played, **more: str) -> None:
    """/etc/pitchgate.env as a person leaves it, and the local Google's addresses in place of Google's."""
    file = played.machine.new / "etc/pitchgate.env"
    given = dict(re.findall(r"^([^#\n=]+)=(.*)$", file.read_text(), re.MULTILINE))
    assert given["PITCHGATE_PUBLIC_URL"] == f"https://{HOST}"
    google, here = played.google, f"http://127.0.0.1:{played.port}"
    given |= {
        "PITCHGATE_CLIENT_ID": CLIENT_ID,
        "PITCHGATE_CLIENT_SECRET": CLIENT_SECRET,
        "PITCHGATE_PUBLIC_URL": here,
        "PITCHGATE_BIND": here.removeprefix("http://"),
        "PITCHGATE_AUTHORIZE_URL": google.urls["auth"],
        "PITCHGATE_TOKEN_URL": google.urls["token"],
        "PITCHGATE_REVOKE_URL": google.urls["revoke"],
        "PITCHGATE_JWKS_URL": google.urls["jwks"],
        "PITCHGATE_GMAIL_URL": google.url,
        **more,
    }
    text = "".join(f"{name}={value}\n" for name, value in given.items())
    played.machine.do("sh", "-c", "cat >/etc/pitchgate.env", script=text)


def test_the_steps_tell_google_what_cloud_apply_would(installed: Played) -> None:
    told = (installed.machine.new / "srv/gcloud.log").read_text()
    assert f"pubsub topics create {NAME}\n" in told
    assert f"--push-endpoint=https://{HOST}/hooks/gmail --push-auth-service-account={ACCOUNT}" in told
    assert "serviceAccount:service-123456789@gcp-sa-pubsub.iam.gserviceaccount.com" in told


def test_one_command_does_steps_one_to_three(installed: Played) -> None:
    plan, apply = installed.blocks("In one command")
    _, failed = installed.play(f"cd\n{plan}", own=True)
    assert [line.split("#")[0].strip() for line in failed] == [
        "pitchgate cloud plan --env production --project $PROJECT --url https://$HOST"
    ], "something is to be done, and its exit status says so"
    told, failed = installed.play(f"cd\n{apply}", own=True)
    assert failed == []
    assert "14 things done." in told
    assert "Everything was as it should be." in installed.play(f"cd\n{apply}", own=True)[0]
    pushes = installed.cloud.http.get("/sandbox/push").json()
    assert f"projects/{PROJECT}/topics/{NAME}" in pushes["topics"]


def test_the_settings_are_roots_and_the_state_is_the_servers(installed: Played) -> None:
    told = installed.machine.do(
        "stat", "-c", "%a %U", "/etc/pitchgate.env", "/var/lib/pitchgate", "/opt/pitchgate"
    )
    assert told.split("\n")[:3] == ["600 root", "700 pitchgate", "700 pitchgate"]


def test_systemd_finds_it_shut_in(installed: Played) -> None:
    told = installed.machine.do("systemd-analyze", "security", "--no-pager", "pitchgate.service")
    score = re.search(r"Overall exposure level for pitchgate.service: ([\d.]+)", told)
    assert score
    print(f"\n{score[0]}")
    assert float(score[1]) <= 2.0
    process = main_process(installed)
    status = installed.machine.do("cat", f"/proc/{process}/status")
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"):
        assert line in status


def main_process(played: Played) -> str:
    return played.machine.do("systemctl", "show", "--value", "--property=MainPID", "pitchgate").strip()


def log(played: Played) -> str:
    return played.machine.do("journalctl", "--unit=pitchgate", "--output=cat")


def labelled(google: SandboxProcess) -> int:
    return sum("Pitchgate/Would be held" in mail["labels"] for mail in google.messages(ROSA))


def until_labelled(played: Played, count: int) -> None:
    end, before = time.monotonic() + PATIENCE, -1
    while (now := labelled(played.google)) < count:
        if now != before:
            end, before = time.monotonic() + PATIENCE, now
        assert time.monotonic() < end, log(played)
        time.sleep(0.2)


def until(played: Played, done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, log(played)
        time.sleep(0.2)


def until_watched(played: Played) -> None:
    until(played, lambda: played.google.mailbox(ROSA)["watches"])


def pitches(played: Played, count: int) -> None:
    for number in range(count):
        played.google.deliver(
            ROSA,
            f"Sam Seller <sam{number}@growth{number}.test>",
            subject="Quick question about your pipeline",
            text="Hi Rosa, we help teams like yours book 30% more demos. Do you have 15 minutes for a quick call this "
            "week? Here is my calendar. If you are not the right person, who is? Best, Sam",
            auth={"dmarc": "pass", "spf": "pass", "dkim": "pass"},
        )


async def connect(played: Played) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await people.connect(http, f"http://127.0.0.1:{played.port}", ROSA)


def test_it_judges_mail_reloads_and_comes_back_when_killed(installed: Played) -> None:
    asyncio.run(connect(installed))
    until_watched(installed)
    pitches(installed, 5)
    until_labelled(installed, 5)
    installed.machine.do("systemctl", "reload", "pitchgate")
    until(installed, lambda: "model_switched" in log(installed))
    before = main_process(installed)
    pitches(installed, 5)
    installed.machine.do("systemctl", "kill", "--signal=KILL", "pitchgate")
    pitches(installed, 5)
    until_labelled(installed, 15)
    assert main_process(installed) != before
    assert "Error" not in log(installed), "what it cannot reach it does not miss"


def test_one_command_has_the_right_user_and_settings_wherever_it_is_started(installed: Played) -> None:
    for folder in ("/", "/tmp", "/var/lib", "~"):
        assert ROSA in well(installed, f"cd {folder}\npitchgate mailbox list --json\n")
        assert ROSA in well(installed, f"cd {folder}\nsudo pitchgate mailbox list --json\n")
    told, failed = installed.play("cd /\npitchgate mailbox set nobody@corp.test mode=observe\n")
    assert failed, "its exit status is the program's"
    told, _ = installed.play("cd /\npitchgate doctor --offline\n")
    assert "/var/lib/pitchgate" in told
    assert not re.search(r"\b(chmod|chown)\b", told)


def test_the_program_itself_stops_where_nothing_tells_it_a_folder(installed: Played) -> None:
    program = "/opt/pitchgate/app/.venv/bin/pitchgate"
    before = installed.machine.do("ls", "-lad", "/", "/var", "/tmp", "/var/lib/pitchgate")
    for become in ("sudo", "sudo -u pitchgate"):
        for command in ("doctor", "mailbox list", "keys rotate", "db upgrade", "serve"):
            told, failed = installed.play(f"cd /\n{become} {program} {command} 2>&1\n")
            assert failed
            assert "sudo pitchgate" in told
            assert not re.search(r"\b(chmod|chown)\b", told)
    assert installed.machine.do("ls", "-lad", "/", "/var", "/tmp", "/var/lib/pitchgate") == before
    assert installed.machine.call("ls", "/var/pitchgate.sqlite3").returncode
    stranger = f"cd /\nsudo -u nobody env PITCHGATE_STATE_DIR=/var/lib/pitchgate {program} doctor --offline\n"
    told, failed = installed.play(f"sudo chmod 755 /opt/pitchgate\n{stranger}sudo chmod 700 /opt/pitchgate\n")
    assert failed
    assert not re.search(r"\b(chmod|chown)\b", told), "of what belongs to the server"


def test_the_log_of_decisions_is_checked_and_judged_again(installed: Played) -> None:
    machine, message = installed.machine, installed.google.messages(ROSA)[0]["id"]
    model = "/opt/pitchgate/app/backend/models/pitchgate.onnx"
    machine.do("install", "--owner=pitchgate", model, "/var/lib/pitchgate/old.onnx")
    machine.do("sh", "-c", "cat >/var/log/pitchgate.jsonl", script=log(installed))
    for block in installed.blocks(page=f"{HOW_TO}/audit.md"):
        asked = block.replace("18c2f0a1b2c3d4e5", message).replace("ana@corp.example", ROSA)
        assert installed.play(f"cd /\n{asked}")[1] == []


def lives(played: Played) -> None:
    """What comes now is judged."""
    before = labelled(played.google)
    pitches(played, 1)
    until_labelled(played, before + 1)


def test_it_goes_back_to_a_backup(installed: Played) -> None:
    backup, restored = installed.blocks("SQLite", f"{HOW_TO}/back-up.md")
    well(installed, backup)
    well(installed, restored)
    lives(installed)


def test_0_1_0_goes_to_a_new_release_and_back_as_the_page_says(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with playing(tmp_path_factory) as old:
        install_0_1_0(old)
        asyncio.run(connect_0_1_0(old))
        until_watched(old)
        lives(old)
        page = f"{HOW_TO}/upgrade.md"
        (exports,), (forth,) = old.blocks("", page), old.blocks("To a new release", page)
        (back,) = old.blocks("Back", page)
        settings = old.machine.do("cat", "/etc/pitchgate.env")
        steps = {"forth": forth, "again": forth, "back": back, "forth once more": forth, "back again": back}
        for name, block in steps.items():
            began = time.monotonic()
            well(old, exports + block)
            lives(old)
            print(f"\n{name}: {time.monotonic() - began:.0f} s")
            assert ("0.1.0" if block is back else "0.2.0") in well(old, "pitchgate --version\n")
            unit = old.machine.do("cat", "/etc/systemd/system/pitchgate.service")
            assert "SystemCallFilter" in unit, "the new one"
            assert old.machine.do("cat", "/etc/pitchgate.env") == settings
        backups = old.machine.do("sh", "-c", "ls /var/lib/pitchgate/before-v0.2.0-*.sqlite3").split()
        assert len(backups) == 3


async def connect_0_1_0(played: Played) -> None:
    """Its button led to Google at once, where today's leads to a page in between."""
    here = f"http://127.0.0.1:{played.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.post(f"{here}/connect", headers={"Origin": here}, allow_redirects=False) as answer:
            consent = answer.headers["Location"]
        back = await asyncio.to_thread(played.google.consent, consent, ROSA, None)
        async with http.get(back) as answer:
            assert answer.status == 200, await answer.text()


def install_0_1_0(played: Played) -> None:
    """As that release's own page has it."""
    page = run("git", "-C", ROOT, "show", f"{FIRST_RELEASE}:docs/deploy.md")
    install, settings, _ = re.findall(
        r"^```sh\n(.*?)^```$", page.partition("## 5. ")[2], re.DOTALL | re.MULTILINE
    )[:3]
    (unit,) = re.findall(r"^```ini\n(.*?)^```$", page.partition("## 5. ")[2], re.DOTALL | re.MULTILINE)
    # The page leaves out that the new user's folder is closed to others, which the present one minds.
    install = install.replace(
        "cd /opt/pitchgate/app && sudo -u pitchgate make",
        "cd / && sudo -u pitchgate make -C /opt/pitchgate/app",
    )
    install = install.replace("-u pitchgate .venv", "-u pitchgate /opt/pitchgate/app/.venv")
    install = install.replace(
        "git clone <this repository>", "git clone --branch v0.1.0 /srv/pitchgate.bundle"
    )
    key = well(played, f"cd /\n{install}").split()[-1]
    played.machine.do("sh", "-c", "umask 077; cat >/etc/pitchgate.env", script=settings)
    # A server of 0.1.0 in production takes an https address alone.
    named = {
        "PITCHGATE_TOPIC": f"projects/{PROJECT}/topics/{NAME}",  # which that page calls gmail
        "PITCHGATE_SUBSCRIPTION": f"projects/{PROJECT}/subscriptions/{NAME}",
        "PITCHGATE_PUSH_ACCOUNT": ACCOUNT,
    }
    fill_in(played, PITCHGATE_SECRET_KEYS=key, PITCHGATE_ENVIRONMENT="test", **named)
    played.machine.do("sh", "-c", "cat >/etc/systemd/system/pitchgate.service", script=unit)
    well(played, "sudo systemctl daemon-reload && sudo systemctl enable --now pitchgate\n")
    ready = f"http://127.0.0.1:{played.port}/readyz"
    played.machine.do(
        "curl", "-sS", "--fail", "--retry", "60", "--retry-delay", "1", "--retry-connrefused", ready
    )


def test_the_commands_for_containers_are_told_to_what_runs_them(installed: Played) -> None:
    (files, image, compose, cloud_run, kubernetes) = installed.blocks(page=f"{HOW_TO}/containers.md")
    engines = ("podman", "docker", "kubectl", "curl")
    recorded = "".join(f'{name}() {{ echo "{name} $*" >>/srv/gcloud.log; }}\n' for name in engines)
    assert installed.play(f"cd\n{files}", own=True)[1] == []
    for block in (image, f"sudo chown -R $USER files\ncd files\n{compose}", cloud_run, kubernetes):
        block = block.replace("$(git rev-parse HEAD)", "0" * 40)
        assert installed.play(f"cd\n{recorded}{block}")[1] == []
    told = (installed.machine.new / "srv/gcloud.log").read_text()
    assert "podman build -f files/Containerfile" in told
    assert told.count("secrets add-iam-policy-binding") == 4
    assert "kubectl apply -f files/kubernetes.yaml" in told


def test_the_proxies_take_what_the_page_installs(installed: Played) -> None:
    where = f"/etc/letsencrypt/live/{HOST}"
    new = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=it -keyout privkey.pem -out fullchain.pem"
    installed.machine.do("bash", "-euc", f"mkdir -p {where} && cd {where} && {new}")
    caddy, nginx = installed.blocks("6. ")
    # Both serve the same ports, which are those of the machine that runs the tests: they read, and do not serve.
    caddy = caddy.replace("systemctl reload caddy", "caddy validate --config /etc/caddy/Caddyfile")
    nginx = nginx.replace("systemctl reload nginx", "nginx -t")
    assert installed.play(caddy)[1] == []
    assert installed.play(nginx)[1] == []


def test_the_add_on_is_deployed_from_its_rendered_manifest(installed: Played) -> None:
    for block in installed.blocks("The Gmail add-on") + installed.blocks(page="addon_manifest/README.md"):
        assert installed.play(f"cd\n{block}", own=True)[1] == []
    manifest = json.loads(installed.machine.do("cat", f"/home/{OPERATOR}/deployment.json"))
    assert manifest["addOns"]["gmail"]
    told = (installed.machine.new / "srv/gcloud.log").read_text()
    assert f"workspace-add-ons deployments install {NAME}\n" in told


MAIL = """From sam@growth.test Thu Nov 26 09:00:00 2026
From: Sam Seller <sam@growth.test>
To: rosa@corp.test
Subject: Quick question
Date: Thu, 26 Nov 2026 09:00:00 +0000

Do you have 15 minutes for a quick call this week?
"""
CHECKOUT = "/opt/pitchgate/app"


def test_mail_in_a_file_is_read_as_the_readme_says(installed: Played) -> None:
    (block,) = installed.blocks("Try it", "README.md")
    archive = f"{CHECKOUT}/All mail Including Spam and Trash.mbox"
    installed.machine.do("sh", "-c", f"cat >'{archive}'", script=MAIL)
    assert installed.machine.do("bash", "-e", user="pitchgate", script=f"cd {CHECKOUT}\n{block}")


def test_the_local_google_and_a_server_run_side_by_side(installed: Played) -> None:
    google, server = free_port(), free_port()

    def serve(unit: str, block: str, answers: str) -> None:
        block = block.replace("pitchgate sandbox", f"pitchgate sandbox --port {google}")
        block = block.replace("--port 8400", f"--port {server}")
        folder = f"--working-directory={CHECKOUT}"
        installed.machine.do(
            *("systemd-run", "--quiet", "--collect", "--uid=pitchgate", f"--unit={unit}", folder),
            *("bash", "-ec", block),
        )
        installed.machine.do(
            "curl", "-s", "--retry", "60", "--retry-delay", "1", "--retry-connrefused", answers
        )

    both = installed.blocks("Working on it", "README.md")
    here = f"http://127.0.0.1:{google}/mail/"
    serve("local-google", both[0], here)
    serve("local-server", both[1], f"http://127.0.0.1:{server}/readyz")
    installed.machine.do("systemctl", "stop", "local-google", "local-server")
    (page,) = installed.blocks(page="docs/reference/sandbox.md")
    first, second = page.splitlines()
    activate = both[0].splitlines()[0]
    serve("local-google-again", f"{activate}\n{first}", here)
    installed.machine.do("bash", "-ec", f"cd {CHECKOUT}\n{activate}\n{second}", user="pitchgate")
    installed.machine.do("systemctl", "stop", "local-google-again")


def test_every_block_that_is_to_be_played_was(installed: Played) -> None:
    wanted = {block for page in shell_blocks.PLAYED for block in shell_blocks.to_play(page)}
    assert wanted - installed.seen == set()
