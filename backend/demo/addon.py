"""The Gmail add-on in the local Google: deployed as for the dev environment, but to this machine's address."""

from __future__ import annotations

import json
from typing import Any

from backend.addon_manifest import FOLDER, rendered

ACCOUNT = "service-104400000017@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
CLIENT_ID = "104400000017-addon.apps.googleusercontent.com"
ON_FILE = "https://addon.pitchgate.example"


def deployment(server_url: str) -> dict[str, Any] | None:
    """What the sandbox's add-on host is given; None where the template is not there (an installed program).

    Google would refuse an address on this machine, so it is put in after the check.
    """
    if not (FOLDER / "deployment.json").is_file():
        return None
    text = json.dumps(rendered("dev", ON_FILE)).replace(ON_FILE, server_url)
    return {"deployment": json.loads(text), "account": ACCOUNT, "client_id": CLIENT_ID}


def settings() -> dict[str, str]:
    """What the server must be told to serve it."""
    return {"PITCHGATE_ADDON_ACCOUNT": ACCOUNT, "PITCHGATE_ADDON_CLIENT_ID": CLIENT_ID}
