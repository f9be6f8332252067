"""Mail that offers one-click unsubscribing, with Google's word that its sender signed the offer."""

from __future__ import annotations

COVERED = "from:to:subject:list-unsubscribe:list-unsubscribe-post"


def offered(
    domain: str,
    url: str = "",
    *,
    post: str = "List-Unsubscribe=One-Click",
    covered: str = COVERED,
    **more: str,
) -> tuple[tuple[str, str], ...]:
    """The headers of such a mail. `more` are fields to put in the place of these, by name with "_"."""
    fields = {
        "Received": "from mail.x.test by mx.google.com with ESMTPS id 1",
        "Authentication-Results": f"mx.google.com; dkim=pass header.i=@{domain} header.s=s header.b=AbC;"
        f" spf=pass smtp.mailfrom=a@{domain}; dmarc=pass header.from={domain}",
        "DKIM-Signature": f"v=1; a=rsa-sha256; d={domain}; s=s; h={covered}; bh=x; b=AbCd",
        "List-Unsubscribe": f"<mailto:off@{domain}>, <{url or f'https://lists.{domain}/u?t=1'}>",
        "List-Unsubscribe-Post": post,
    } | {name.replace("_", "-"): value for name, value in more.items()}
    return tuple((name, value) for name, value in fields.items() if value)
