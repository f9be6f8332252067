"""Whoever got our challenge."""
