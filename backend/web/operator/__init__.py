"""Whoever runs the service: health, metrics, the live page."""
