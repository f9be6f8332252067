"""What the receiving server says about a sender: Authentication-Results and Received-SPF as Gmail writes them."""

from collections.abc import Mapping
from dataclasses import dataclass

AUTHSERV_ID = "mx.google.com"
RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "absent")
CLIENT_IP = "192.0.2.7"


class AuthenticationError(ValueError):
    """A result word that no server writes; the text says which."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Results to stamp. "absent" leaves a method out; domains None mean the From or envelope domain."""

    dkim: str = "pass"
    spf: str = "pass"
    dmarc: str = "pass"
    dkim_domain: str | None = None
    spf_domain: str | None = None
    header_from: str | None = None
    verbatim: str | None = None
    leave_out: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Authentication":
        """Read the admin route's object. Raises AuthenticationError."""
        values: dict[str, str] = {}
        for key, value in data.items():
            if key not in ("dkim", "spf", "dmarc", "dkim_domain", "spf_domain", "header_from"):
                raise AuthenticationError(f"auth.{key[:40]} is not known.")
            if not isinstance(value, str):
                raise AuthenticationError(f"auth.{key} must be a text.")
            if key in ("dkim", "spf", "dmarc") and value not in RESULTS:
                raise AuthenticationError(f"auth.{key} must be one of {', '.join(RESULTS)}.")
            values[key] = value
        return cls(**values)  # type: ignore[arg-type]


def results_value(auth: Authentication, from_domain: str, mail_from: str) -> str | None:
    """The field's value, or None if it is to be left out."""
    if auth.leave_out:
        return None
    if auth.verbatim is not None:
        return auth.verbatim
    signer = auth.dkim_domain or from_domain
    envelope = mail_from if not auth.spf_domain else f"bounce@{auth.spf_domain}"
    visible = auth.header_from or from_domain
    clauses = [AUTHSERV_ID]
    if auth.dkim == "none":
        clauses.append("dkim=none")
    elif auth.dkim != "absent":
        clauses.append(f"dkim={auth.dkim} header.i=@{signer} header.s=s1 header.b=qL2sbyGF")
    if auth.spf != "absent":
        clauses.append(
            f"spf={auth.spf} ({_spf_comment(auth.spf, envelope)}) smtp.mailfrom={envelope or '<>'}"
        )
    if auth.dmarc == "none":
        clauses.append(f"dmarc=none header.from={visible}")
    elif auth.dmarc != "absent":
        action = "NONE" if auth.dmarc == "pass" else "QUARANTINE"
        clauses.append(f"dmarc={auth.dmarc} (p=REJECT sp=REJECT dis={action}) header.from={visible}")
    if len(clauses) == 1:
        clauses.append("none")
    return ";\r\n       ".join(clauses)


def spf_value(auth: Authentication, mail_from: str) -> str | None:
    """The Received-SPF value, or None."""
    if auth.leave_out or auth.verbatim is not None or auth.spf == "absent":
        return None
    return f"{auth.spf} ({_spf_comment(auth.spf, mail_from)}) client-ip={CLIENT_IP};"


def _spf_comment(result: str, envelope: str) -> str:
    who = f"domain of {envelope or 'postmaster'}"
    if result == "pass":
        return f"google.com: {who} designates {CLIENT_IP} as permitted sender"
    if result in ("fail", "softfail"):
        return f"google.com: {who} does not designate {CLIENT_IP} as permitted sender"
    return f"google.com: {CLIENT_IP} is neither permitted nor denied by best guess record for {who}"
