"""The app's icon as a file: `python requirements/icon.py FILE.ico|FILE.icns`, with the app on the path."""

from __future__ import annotations

import sys
from pathlib import Path

from tray_app.icons import draw
from tray_app.state import Icon


def main(path: Path) -> None:
    """Write it, in all the sizes that Windows asks for; macOS scales the one."""
    if path.suffix == ".ico":
        draw(Icon.ACTIVE, 0, 256).save(path, sizes=[(size, size) for size in (16, 24, 32, 48, 64, 256)])
    else:
        draw(Icon.ACTIVE, 0, 512).save(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
