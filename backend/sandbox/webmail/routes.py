"""The webmail pages."""

from quart import Blueprint

blueprint = Blueprint("webmail", __name__)
