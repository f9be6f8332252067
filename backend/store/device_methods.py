"""The store's methods about devices, their sessions, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.domain.errors import PitchgateError
from backend.domain.mailbox.correction import Correction
from backend.domain.mailbox.mailbox import Preferences
from backend.ports.devices import Bell, Device, HeldPage, NewDevice, News, OneTimeCode, Overview, Session
from backend.store.driver import Driver
from backend.store.scripts import desk, devices
from backend.store.statement import EVERY


class DeviceMethods:
    """`backend.ports.devices.DeviceStore`."""

    _driver: Driver

    async def device_by_token(self, token_hash: str) -> Device | None:
        """See `DeviceStore`."""
        return await self._driver.read(EVERY, devices.device_by_token, token_hash)

    async def device_seen(self, mailbox_id: str, device_id: str, now: datetime) -> None:
        """See `DeviceStore`."""
        await self._driver.write(mailbox_id, devices.device_seen, mailbox_id, device_id, now)

    async def devices(self, mailbox_id: str) -> tuple[Device, ...]:
        """See `DeviceStore`."""
        return await self._driver.read(mailbox_id, devices.devices, mailbox_id)

    async def remove_device(self, mailbox_id: str, device_id: str) -> bool:
        """See `DeviceStore`."""
        return await self._driver.write(mailbox_id, devices.remove_device, mailbox_id, device_id)

    async def add_code(self, code: OneTimeCode, now: datetime) -> None:
        """See `DeviceStore`."""
        await self._driver.write(code.mailbox_id, devices.add_code, code, now)

    async def exchange(
        self, code_hash: str, challenge: str, device: NewDevice, now: datetime
    ) -> tuple[Device, str]:
        """See `DeviceStore`."""
        done = await self._driver.write(EVERY, devices.exchange, code_hash, challenge, device, now)
        if isinstance(done, PitchgateError):
            raise done
        return done

    async def redeem_ticket(
        self, code_hash: str, session: str, until: datetime, now: datetime, browser: str = ""
    ) -> OneTimeCode:
        """See `DeviceStore`."""
        return await self._driver.write(EVERY, devices.redeem_ticket, code_hash, session, until, now, browser)

    async def add_session(self, session: Session, now: datetime) -> None:
        """See `DeviceStore`."""
        await self._driver.write(session.mailbox_id, devices.add_session, session, now)

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """See `DeviceStore`."""
        return await self._driver.read(EVERY, devices.session, token_hash, now)

    async def sessions(self, mailbox_id: str, now: datetime) -> tuple[Session, ...]:
        """See `DeviceStore`."""
        return await self._driver.read(mailbox_id, devices.sessions, mailbox_id, now)

    async def remove_other_sessions(self, mailbox_id: str, token_hash: str) -> int:
        """See `DeviceStore`."""
        return await self._driver.write(mailbox_id, devices.remove_other_sessions, mailbox_id, token_hash)

    async def remove_session(self, mailbox_id: str, token_hash: str) -> None:
        """See `DeviceStore`."""
        await self._driver.write(mailbox_id, devices.remove_session, mailbox_id, token_hash)

    async def overview(self, mailbox_id: str) -> Overview | None:
        """See `DeviceStore`."""
        return await self._driver.read(mailbox_id, desk.overview, mailbox_id)

    async def held(self, mailbox_id: str, query: str, cursor: tuple[int, str] | None, limit: int) -> HeldPage:
        """See `DeviceStore`."""
        return await self._driver.read(mailbox_id, desk.held, mailbox_id, query, cursor, limit)

    async def correct_once(self, mailbox_id: str, correction: Correction, now: datetime) -> tuple[str, ...]:
        """See `DeviceStore`."""
        return await self._driver.write(mailbox_id, desk.correct_once, mailbox_id, correction, now)

    async def change_preferences(
        self, mailbox_id: str, changes: Mapping[str, Any], now: datetime
    ) -> Preferences:
        """See `DeviceStore`."""
        return await self._driver.write(mailbox_id, desk.change_preferences, mailbox_id, changes, now)

    async def news(self, mailbox_id: str, device_id: str, after: int | None, limit: int) -> News:
        """See `DeviceStore`."""
        return await self._driver.read(mailbox_id, desk.news, mailbox_id, device_id, after, limit)

    def changed(self, mailbox_id: str) -> Bell:
        """See `DeviceStore`."""
        return self._driver.bells.of(mailbox_id)
