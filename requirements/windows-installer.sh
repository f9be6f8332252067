#!/usr/bin/env bash
# The installer for Windows: dist/pitchgate-tray-VERSION-windows.exe, built from the wheel in dist/ by PyInstaller, run
# by Windows' Python on Wine (requirements/windows.sh), and Debian's NSIS. Not signed: docs/how-to/packages.md.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/.venv/windows
wheel=$(echo dist/pitchgate_tray-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export WINEPREFIX=$scratch/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
cp -a "$home/prefix" "$WINEPREFIX"

backslashed() { printf 'Z:%s' "${1//\//\\}"; }
.venv/bin/python -m pip install -q --disable-pip-version-check --no-index --no-deps --target "$scratch/wheel" "$wheel"
PYTHONPATH=$scratch/wheel .venv/bin/python requirements/icon.py "$scratch/pitchgate.ico"
WHEEL=$(backslashed "$scratch/wheel") ICON=$(backslashed "$scratch/pitchgate.ico") PYTHONHASHSEED=0 \
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) wine "$home/python/python.exe" -m PyInstaller --log-level WARN --noconfirm \
    --distpath "$(backslashed "$scratch/dist")" --workpath "$(backslashed "$scratch/work")" \
    "$(backslashed "$PWD/requirements/tray.spec")" >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
wineserver -k -w || true
cp LICENSE "$scratch/dist/pitchgate-tray"
makensis -V2 -DTARGET=amd64-unicode -DVERSION="$version" -DFOLDER="$scratch/dist/pitchgate-tray" \
    -DOUT="$PWD/dist/pitchgate-tray-$version-windows.exe" requirements/tray.nsi
cd dist && rm -f SHA256SUMS && sha256sum -- * >SHA256SUMS && ls -l
