"""Google's side: everything the product asks of Gmail, OAuth and Google's signatures, behind the ports."""

from __future__ import annotations

from backend.gmail.client import GmailClient
from backend.gmail.oauth import GoogleAuthorizer
from backend.gmail.opening import Google, open_google
from backend.gmail.push_tokens import GoogleTokens, PushVerifier

__all__ = ["GmailClient", "Google", "GoogleAuthorizer", "GoogleTokens", "PushVerifier", "open_google"]
