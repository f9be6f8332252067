"""`make reference`."""

import os

os.environ["LC_ALL"] = "C.UTF-8"

from tests.reference import FOLDER, PAGES

for name, page in PAGES.items():
    (FOLDER / name).write_text(page(), encoding="utf-8")
