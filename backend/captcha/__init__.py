"""Captcha providers: adapters of `backend.ports.system`."""
