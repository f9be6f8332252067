"""Captcha providers behind `backend.ports.captcha`."""
