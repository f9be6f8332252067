"""Captcha providers: adapters of `backend.ports.captcha`."""
