"""An owner's account: connecting Gmail, leaving with all data deleted, and all data to a file and back."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from backend.domain.challenge import token_hash
from backend.domain.errors import (
    REFUSALS_BEFORE_SKIP,
    Expired,
    Gone,
    NeedsReconnect,
    NotFound,
    Refused,
    Rejected,
    TryLater,
    Unexplained,
    refusal_is_final,
)
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox import archive
from backend.domain.mailbox.archive import TABLES, Table
from backend.domain.mailbox.mailbox import AccessState, Grant, Mailbox, Preferences
from backend.pipeline.context import Context, seal, unseal
from backend.ports.gmail import Access, Authorizer
from backend.transactions.records import DisconnectReceipt, Duty, DutyJob, GrantEnd, NewMailbox, Receipt

# ---- connect: consent and the way back


PURPOSE = "connect"
LIFE = timedelta(minutes=15)
"""How long an owner may sit at Google's consent page."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The person who signed in. `mailbox` is None if a permission was not ticked (`missing` names the scopes), or if
    they signed in but have no mailbox here."""

    mailbox: Mailbox | None
    missing: frozenset[str]
    email: str


def begin(
    context: Context,
    authorizer: Authorizer,
    access: Access = Access.MAILBOX,
    *,
    expect_sub: str = "",
    login_hint: str = "",
) -> tuple[str, str]:
    """Where to send the browser, and the sealed state it must bring back (in a cookie).

    `expect_sub` is set for a reconnect: another Google account is then refused.
    """
    state = {
        "state": context.tokens.token(24),
        "nonce": context.tokens.token(24),
        "verifier": context.tokens.token(48),
        "sub": expect_sub,
        "access": access.value,
    }
    url = authorizer.consent_url(
        access, state=state["state"], nonce=state["nonce"], verifier=state["verifier"], login_hint=login_hint
    )
    return url, seal(context, PURPOSE, state, LIFE)


async def begin_again(context: Context, authorizer: Authorizer, account: str) -> tuple[str, str]:
    """Begin for the mailbox with this address, if there is one; "" or an unknown address begins a new connection."""
    known = await context.store.mailbox_by_email(account.strip().lower()) if account else None
    return begin(
        context,
        authorizer,
        expect_sub=known.sub if known else "",
        login_hint=account.strip() if account else "",
    )


async def finish(
    context: Context, authorizer: Authorizer, sealed: str, query: Mapping[str, str]
) -> Connected:
    """Check the answer, redeem the code, and find or store the mailbox.

    Raises `Expired` (connect_expired), `Refused` (connect_denied, sign_in_denied, connect_state, connect_account).
    """
    state = _opened(context, sealed)
    access = Access(state.get("access", Access.MAILBOX))
    if not hmac.compare_digest(query.get("state", "").encode(), state["state"].encode()):
        raise Refused("connect_state")
    if query.get("error"):
        raise Refused("sign_in_denied" if access is Access.IDENTITY else "connect_denied")
    grant = await authorizer.redeem(
        access, code=query.get("code", ""), verifier=state["verifier"], nonce=state["nonce"]
    )
    if access is Access.IDENTITY:
        return Connected(await _known(context, grant), frozenset(), grant.email)
    if state["sub"] and not hmac.compare_digest(state["sub"].encode(), grant.sub.encode()):
        raise Refused("connect_account")
    missing = frozenset(context.settings.scopes) - grant.scopes
    if missing:
        return Connected(None, missing, grant.email)
    return Connected(await _stored(context, grant), frozenset(), grant.email)


def _opened(context: Context, sealed: str) -> dict[str, str]:
    try:
        return unseal(context, PURPOSE, sealed)
    except Expired as error:
        raise Expired("connect_expired") from error
    except Refused as error:
        raise Refused("connect_state") from error


async def _known(context: Context, grant: Grant) -> Mailbox | None:
    tenant = await context.store.tenant(grant.sub)
    if tenant is None or tenant.mailbox.link is AccessState.LEAVING:
        return None
    if grant.email.lower() != tenant.mailbox.owner.email:
        # Another address of the same account. The watch finds out which one is the primary.
        await context.store.request_duty(tenant.mailbox.id, Duty.WATCH, context.clock.now())
    return tenant.mailbox


async def _stored(context: Context, grant: Grant) -> Mailbox:
    preferences = Preferences(
        mode=context.settings.default_mode, credits_per_solve=context.settings.default_credits_per_solve
    )
    now = context.clock.now()
    mailbox = NewMailbox(
        id=context.tokens.identifier(),
        sub=grant.sub,
        email=grant.email.lower(),
        name=grant.name,
        sealed_token=context.vault.seal(grant.refresh_token),
        scopes=grant.scopes,
        preferences=preferences,
        grant_expires_at=now + grant.life if grant.life is not None else None,
    )
    stored = await context.store.connect(mailbox, now)
    context.wake()
    return stored


# ---- leave: stop, revoke, delete
# leave: stop the watch, revoke the grant, delete every row, in that order. The order matters: after the revocation
# there is no credential left to stop the watch with, and after the deletion none to revoke. Each step may run again,
# so a death in the middle only means doing it over.


log = structlog.get_logger()

REVOKE_TRIES = 4
"""How often Google is asked to revoke the grant before the rows are deleted without it."""

RECEIPT_LIFE = timedelta(days=30)


async def leave(context: Context, authorizer: Authorizer, job: DutyJob) -> None:
    """Disconnect one mailbox for good. If the grant is gone already, the first two steps are skipped."""
    await context.store.begin_leaving(job)
    try:
        await context.gmail.stop_watch(job.mailbox_id)
    except (NeedsReconnect, Gone, Rejected):
        pass
    except TryLater:
        # Permanent trouble, such as Google refusing our client, must not keep the owner's data here.
        if job.attempt < REFUSALS_BEFORE_SKIP:
            raise
    grant_end = await _revoked(authorizer, job)
    now = context.clock.now()
    await context.store.forget(job.mailbox_id, DisconnectReceipt(grant_end, now))
    # So that `audit verify --heads` does not report its deleted log as missing.
    log.info("mailbox_left", mailbox=job.mailbox_id)
    if context.time.settled:
        await context.store.drop_receipts(now - RECEIPT_LIFE)


async def _revoked(authorizer: Authorizer, job: DutyJob) -> GrantEnd:
    try:
        await authorizer.revoke(job.mailbox_id)
    except NeedsReconnect:
        return GrantEnd.WAS_GONE
    except (Rejected, Unexplained) as error:
        # A proxy's error page says nothing about the grant: wait and retry, but not for ever.
        may_pass = isinstance(error, Unexplained) and not refusal_is_final(
            error, job.error, REFUSALS_BEFORE_SKIP
        )
        if may_pass or (isinstance(error, Rejected) and job.attempt < REVOKE_TRIES):
            raise
        # The owner's data is deleted all the same.
        log.warning("not_revoked", mailbox=job.mailbox_id, reason=error.reason)
        return GrantEnd.REFUSED
    return GrantEnd.REVOKED


async def begin_leaving(context: Context, mailbox_id: MailboxId) -> str:
    """Have the mailbox disconnected and deleted; returns the secret in the receipt's address."""
    secret = context.tokens.token(24)
    await context.store.ask_to_leave(mailbox_id, token_hash(secret), context.clock.now())
    context.wake()
    return secret


async def receipt(context: Context, secret: str) -> Receipt:
    """The receipt with this secret. Raises `NotFound`, also when it is too old."""
    found = await context.store.receipt(token_hash(secret)) if 20 <= len(secret) <= 200 else None
    if found is None or context.clock.now() - found.asked_at > RECEIPT_LIFE:
        raise NotFound("not_found.receipt")
    return found


# ---- archive
# The file is written while it is read from the store, so a long history needs little memory. A restore checks the whole
# file before it stores anything, then adds it in batches. Existing rows stay: restoring a file again, or after a crash,
# adds only what is missing.


PAGE = 500
"""Rows that are read or added at once."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Restored:
    """How many rows a file added to each table. `skipped`: messages left out because they had no verdict when the file
    was written."""

    added: Mapping[str, int]
    skipped: int


@dataclass(frozen=True, slots=True)
class ArchiveService:
    """For the page about an owner's data."""

    context: Context

    async def mailbox(self, mailbox_id: MailboxId) -> Mailbox:
        """The mailbox. Raises `NotFound`."""
        found = await self.context.store.mailbox(mailbox_id)
        if found is None:
            raise NotFound("not_found.mailbox")
        return found

    async def export(self, mailbox_id: MailboxId) -> AsyncIterator[str]:
        """The file in pieces, together one JSON object. Raises `NotFound` before the first."""
        mailbox = await self.mailbox(mailbox_id)
        head = {
            "format": archive.FORMAT,
            "version": archive.VERSION,
            "made_at": self.context.clock.now().isoformat(timespec="microseconds"),
            "mailbox": _mailbox_json(mailbox),
        }
        yield json.dumps(head, ensure_ascii=False)[:-1]  # without the closing brace
        for table in TABLES.values():
            yield f',\n"{table.name}": ['
            async for piece in self._rows_as_json(mailbox_id, table):
                yield piece
            yield "]"
        yield "}\n"

    async def _rows_as_json(self, mailbox_id: MailboxId, table: Table) -> AsyncIterator[str]:
        after, comma = "", ""
        while rows := await self.context.store.archive_page(mailbox_id, table.name, after, PAGE):
            lines = (json.dumps(archive.to_file(table, row), ensure_ascii=False) for row in rows)
            yield comma + "\n" + ",\n".join(lines)
            after, comma = str(rows[-1][table.key]), ","

    async def restore(self, mailbox_id: MailboxId, content: bytes) -> Restored:
        """Add the file's contents to this mailbox and take its settings. May run again.

        Raises `Refused` with field "file": malformed or other_mailbox, with nothing stored; no_credit for a bad ledger
        entry, with the batches before it stored.
        """
        mailbox = await self.mailbox(mailbox_id)
        # A long history takes seconds, during which other owners' pages and pushes would wait.
        data, lists = await asyncio.to_thread(_checked, content)
        source = data.get("mailbox")
        if not isinstance(source, dict) or not _is_address_of(source.get("email"), mailbox):
            raise Refused("other_mailbox", email=mailbox.owner.email, field="file")
        preferences = _preferences(source)
        judged = [row for row in lists["messages"] if row["outcome"]]
        skipped, lists["messages"] = len(lists["messages"]) - len(judged), judged
        # By time, and credits earned before credits spent, so that no balance falls below 0 on the way.
        lists["ledger"].sort(key=lambda row: (row["posted_at"], row["amount"] < 0, row["posting_key"]))
        added = {name: await self._add(mailbox_id, name, rows) for name, rows in lists.items()}
        await self.context.store.save_preferences(mailbox_id, preferences, self.context.clock.now())
        self.context.wake()  # the lanes
        return Restored(added, skipped)

    async def _add(self, mailbox_id: MailboxId, table: str, rows: Rows) -> int:
        added = 0
        for start in range(0, len(rows), PAGE):
            added += await self.context.store.restore_rows(
                mailbox_id, table, rows[start : start + PAGE], self.context.clock.now()
            )
        return added


def _mailbox_json(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "email": mailbox.owner.email,
        "name": mailbox.owner.name,
        "aliases": sorted(mailbox.owner.aliases),
        "connected_at": mailbox.created_at.isoformat(timespec="microseconds"),
        "scopes": sorted(mailbox.scopes),
        "preferences": mailbox.preferences.to_json(),
    }


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _not_an_archive() from error
    if not isinstance(data, dict) or data.get("format") != archive.FORMAT:
        raise _not_an_archive()
    if data.get("version") != archive.VERSION:
        raise Refused("malformed.file.newer", field="file")
    return data


def _checked(content: bytes) -> tuple[dict[str, Any], dict[str, Rows]]:
    """The file, and the rows of its tables, all checked."""
    data = _parsed(content)
    return data, {table.name: _rows_of(data, table) for table in TABLES.values() if table.imported}


def _not_an_archive() -> Refused:
    return Refused("malformed.file.no_export", field="file")


def _is_address_of(email: object, mailbox: Mailbox) -> bool:
    known = {mailbox.owner.email, *mailbox.owner.aliases}
    return isinstance(email, str) and email.lower() in {address.lower() for address in known}


def _preferences(source: Mapping[str, Any]) -> Preferences:
    found = source.get("preferences")
    if not isinstance(found, dict):
        raise _not_an_archive()
    return Preferences.from_json(found)


def _rows_of(data: Mapping[str, Any], table: Table) -> Rows:
    entries = data.get(table.name, [])
    if not isinstance(entries, list):
        raise _not_an_archive()
    return [archive.from_file(table, number, entry) for number, entry in enumerate(entries, 1)]
