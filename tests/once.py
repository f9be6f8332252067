"""What every test, or every process of one, would make again is made once: the code that writes the addresses of
routes, the code of templates, the schema of a store, queries, catalogues, the local Google's key."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemBytecodeCache
from quart import Quart
from werkzeug.routing import Rule

from backend.store.sqlite import upgrade_file


def _compiled_once(compile_builder: Callable[[Rule, bool], Callable[..., Any]]) -> Callable[..., Any]:
    """Nearly all the time an app takes to make goes into compiling what writes the addresses of its routes. They are
    the same in every app."""
    compiled: dict[object, Callable[..., Any]] = {}

    def builder(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        key = (rule.rule, *rule._trace, str(rule.defaults), append_unknown)
        return compiled.get(key) or compiled.setdefault(key, compile_builder(rule, append_unknown))

    return builder


Rule._compile_builder = _compiled_once(Rule._compile_builder)  # type: ignore[method-assign]


def keep_templates(folder: str) -> None:
    """Every app has its own environment, but the code of a template is the same in all: it is kept in `folder`."""
    Quart.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(folder)}


def migrated(path: Path) -> Path:
    """A SQLite file with today's schema at `path`, for a store that is to be empty; `path` again."""
    path.write_bytes(_file())
    return path


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        upgrade_file(path)
        return path.read_bytes()


def prepare() -> None:
    """All that a server and the local Google make at their start and would make alike at the next."""
    from backend.locale import LANGUAGES, catalogue
    from backend.sandbox.server import create_app
    from backend.sandbox.world import World
    from backend.store.library import Dialect, migrations, queries
    from backend.web.app import BLUEPRINTS

    for dialect in Dialect:
        queries(dialect), migrations(dialect)
    for language in LANGUAGES:
        catalogue(language)
    app = Quart(__name__, static_folder=None)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    world = World()
    create_app(world, "http://127.0.0.1")
    new_world = World.__init__

    def with_one_key(self: World, **options: Any) -> None:
        new_world(self, key=world.key, **options)

    World.__init__ = with_one_key  # type: ignore[assignment, method-assign]
