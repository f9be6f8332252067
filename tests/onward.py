"""Where a page leads on to: what a browser without a person in front of it would follow."""

from __future__ import annotations

import html
import re


def onward(page: str) -> str:
    """The address of the only link of a page, its frame aside."""
    (found,) = re.findall(r'<a [^>]*href="([^"]+)"', page.partition("<main")[2])
    return html.unescape(found)
