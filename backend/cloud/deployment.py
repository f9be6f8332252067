"""The files that run an environment: on a machine, in containers, on Cloud Run or Kubernetes. Filled-in templates/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from backend.cloud.google_cloud import APIS, Json
from backend.cloud.template import Environment
from backend.domain.errors import Refused
from backend.home import settings_file
from backend.locale import LANGUAGES
from backend.system.vault import make_key

SETTINGS_FILE = "pitchgate.env"
DOCUMENTS = ("gmail.v1", *APIS.values())
"""Google's descriptions of its services that are read; google-api-python-client brings some six hundred."""
KEYS = "PITCHGATE_SECRET_KEYS"
SECRETS = ("SECRET_KEYS", "CLIENT_ID", "CLIENT_SECRET")
_IMAGE = re.compile(r"[\w.:/@-]+")


class _Marked(Template):
    """`@{name}` stands for a value and `@@` for a sign, so that shells and proxies keep their dollars."""

    delimiter = "@"


def default_image(environment: Environment, region: str, release: str) -> str:
    """Where Artifact Registry keeps the image of a release."""
    return f"{region}-docker.pkg.dev/{environment.project}/pitchgate/pitchgate:{release}"


def rendered(environment: Environment, image: str) -> dict[str, str]:
    """Each file's text by its name. Raises `Refused` without a public address, or for a name that is none."""
    if not environment.url:
        raise Refused("needs_url", field="url")
    if not _IMAGE.fullmatch(image):
        raise Refused("image", image=image, field="image")
    settings = {**environment.settings(), "PITCHGATE_TRUSTED_PROXIES": "1"}
    secrets = {f"PITCHGATE_{name}": _secret(environment, name) for name in (*SECRETS, "DATABASE_URL")}
    values = {
        "environment": environment.name,
        "host": urlsplit(environment.url).netloc,
        "image": image,
        "account": environment.account,
        "but_documents": _all_but(f"{name}.json" for name in DOCUMENTS),
        "but_languages": _all_but(("root.dat", *(f"{language}*.dat" for language in LANGUAGES))),
        "config_map": "\n".join(f"  {name}: {json.dumps(value)}" for name, value in settings.items()),
        "cloud_run_settings": json.dumps(
            [{"name": name, "value": value} for name, value in settings.items()]
            + [{"name": name, "valueSource": {"secretKeyRef": ref}} for name, ref in secrets.items()]
        ),
    }
    templates = resources.files(__package__) / "templates"
    return {
        file.name: _Marked(file.read_text(encoding="utf-8")).substitute(values)
        for file in templates.iterdir()
        if file.is_file()
    }


def machine_settings(environment: Environment) -> dict[str, str]:
    """The one settings file there is, of a machine behind its proxy; what only a person can bring is empty."""
    return {
        **environment.settings(),
        "PITCHGATE_BIND": "127.0.0.1:8400",
        "PITCHGATE_TRUSTED_PROXIES": "1",
        "PITCHGATE_STATE_DIR": "/var/lib/pitchgate",
        "PITCHGATE_LOG_JSON": "true",
        **{f"PITCHGATE_{name}": "" for name in SECRETS},
    }


def write(folder: Path, environment: Environment, image: str) -> list[str]:
    """Write all files and return their names. What a settings file has already stays: it holds secrets by then."""
    files = rendered(environment, image)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    complete(folder / SETTINGS_FILE, machine_settings(environment))
    return sorted((*files, SETTINGS_FILE))


def complete(file: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Put into a settings file what it lacks or has empty, a new key among it; returns what it has otherwise and keeps,
    as `wanted` has it."""
    there = settings_file.read(file)
    if not there.get(KEYS):
        wanted = {**wanted, KEYS: make_key()}
    settings_file.write(file, {name: there.get(name) or value for name, value in wanted.items()})
    return {name: value for name, value in wanted.items() if value and there.get(name, "") not in ("", value)}


def _all_but(names: Iterable[str]) -> str:
    """What tells `find` to leave files of these names or patterns."""
    return " ".join(f"! -name '{name}'" for name in names)


def _secret(environment: Environment, name: str) -> Json:
    """Secret Manager's name of a setting, and its version."""
    return {
        "secret": f"pitchgate-{environment.name}-{name.lower().replace('_', '-')}",
        "version": "latest",
    }
