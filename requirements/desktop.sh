#!/usr/bin/env bash
# What the desktop tests need beyond requirements/dev.txt, on a Debian machine, as root. Safe to run again.
#
#   bash requirements/desktop.sh .venv/bin/python
#
# PyGObject is built from its sdist: Debian's own python3-gi loads in Debian's Python only. A build needs its
# tools, then pycairo, then itself, so the lock is installed in that order, each part with its hashes and
# without build isolation (which would fetch build tools that no hash holds).
set -euo pipefail

python=${1:?usage: desktop.sh PATH-OF-THE-VENV-PYTHON}
lock="$(dirname "$0")/desktop.txt"

packages=(
    xvfb dbus xfce4-panel xfconf dunst adwaita-icon-theme librsvg2-common at-spi2-core gnome-keyring libsecret-tools
    gir1.2-gtk-3.0 gir1.2-ayatanaappindicator3-0.1 gir1.2-webkit2-4.1 gir1.2-secret-1 gir1.2-atspi-2.0
    gcc pkg-config libgirepository-2.0-dev libcairo2-dev
)

# Debian's own interpreter comes without the headers a build needs.
if ! "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null; then
    packages+=("$("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')")
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    echo "installing: ${missing[*]}"
    [ -n "${APT_UPDATED:-}" ] || apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if "$python" -c 'import cairo, gi; gi.require_version("Gtk", "3.0")' 2>/dev/null; then
    exit 0
fi

PATH="$(cd "$(dirname "$python")" && pwd):$PATH"
export PATH

# The blocks of the lock that belong to the named packages.
part() {
    awk -v names=" $* " '/^[A-Za-z]/ { split($0, pin, "=="); on = index(names, " " pin[1] " ") } on' "$lock"
}

install() {
    part "$@" >"$scratch/part.txt"
    "$python" -m pip install -q --disable-pip-version-check --require-hashes --no-deps --no-build-isolation \
        -r "$scratch/part.txt"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
install meson ninja packaging pyproject-metadata meson-python
install pycairo
install pygobject
