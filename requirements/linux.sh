#!/usr/bin/env bash
# The desktop app in one folder with its own Python, packed: dist/pitchgate-tray-VERSION-linux-MACHINE.tar.xz.
# Built from the wheel in dist/, so after requirements/dist.sh. GTK and WebKit stay the system's (tray.spec).
set -euo pipefail
cd "$(dirname "$0")/.."

python=$PWD/.venv/dist/bin/python
wheel=$(echo dist/pitchgate_tray-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" -m pip install -q --disable-pip-version-check --no-index --no-deps --target "$scratch/wheel" "$wheel"
WHEEL=$scratch/wheel SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) PYTHONPATH=$scratch/wheel PYTHONHASHSEED=0 \
    "$python" -m PyInstaller --log-level WARN --noconfirm --distpath "$scratch/dist" --workpath "$scratch/work" \
    requirements/tray.spec >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
cp LICENSE "$scratch/dist/pitchgate-tray"
tar -C "$scratch/dist" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" \
    -cJf "dist/pitchgate-tray-$version-linux-$(uname -m).tar.xz" pitchgate-tray
cd dist && rm -f SHA256SUMS && sha256sum -- * >SHA256SUMS && ls -l
