"""The one POST of RFC 8058, to an address a stranger wrote: nothing of the owner's goes there but what the address
itself holds."""

from __future__ import annotations

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import BODY, host_of
from backend.public_post import PublicPost

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


class OneClick:
    """`backend.ports.public_post.Unsubscriber`."""

    def __init__(self, post: PublicPost | None = None) -> None:
        self._post = post or PublicPost()

    async def one_click(self, url: str) -> None:
        """See `Unsubscriber.one_click`."""
        answer = await self._post.send(url, BODY, HEADERS)
        if not 200 <= answer.status < 300:
            raise Refused("not_accepted", host=host_of(url), status=str(answer.status))
