#!/usr/bin/env bash
# Builds .venv from the hashed locks, and says in one line each what it does. Safe to run again: what a
# stamp says is there already is not looked at twice.
#
#   bash requirements/setup.sh run [EXTRA …]  what the program needs, and what extras need (postgres, sandbox, second-reading, tray, train);
#                                         an extra once asked for is kept up to date by every later run
#   bash requirements/setup.sh dev        that, and what tests, gates and training need
#   bash requirements/setup.sh tests      what `make test` needs beside that: the next three
#   bash requirements/setup.sh browser    Chromium for the browser tests (installed when root)
#   bash requirements/setup.sh mail       Perl's mail parser, SpamAssassin and HTML Tidy, which judge what we send (installed when root)
#   bash requirements/setup.sh desktop    a virtual screen, a tray host and PyGObject for the desktop tests
#                                         (installed when root, with the dev set)
#   bash requirements/setup.sh windows    that, Wine and Windows' Python for the tests of the tray app on Windows
#   bash requirements/setup.sh deploy     Buildah, Podman, Compose and debootstrap for `make test-deploy` (installed when root, with the dev set)
#   bash requirements/setup.sh test-dist  debootstrap and lintian for `make test-dist` (installed when root, with the desktop's)
#   bash requirements/setup.sh bench      wrk for `make bench` (installed when root, with the dev set)
#   bash requirements/setup.sh docs|dist  what `make docs` and `make dist` need, each in an environment of its own below .venv
#   bash requirements/setup.sh dist-linux    PyGObject beside that; dist-windows: the Windows set, and NSIS (installed when root)
#   bash requirements/setup.sh lock       the locks again from pyproject.toml
#
# PYTHON=/path/to/python3 picks the interpreter. What pip's settings of the machine say of indexes and certificates
# applies; none are made here.
set -euo pipefail
cd "$(dirname "$0")/.."

EXTRAS=(postgres sandbox second-reading tray train)

say() { printf 'pitchgate: %s\n' "$*"; }
die() { printf 'pitchgate: %s\n' "$*" >&2; exit 1; }
root() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

# The lists are fetched once, whatever is installed; requirements/desktop.sh is told so.
apt_update() { [ -n "${APT_UPDATED:-}" ] || { apt-get update -qq && export APT_UPDATED=1; }; }

apt_install() {
    say "installing with apt-get: $*"
    { apt_update && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        </dev/null >/dev/null 2>&1 || die "apt-get could not install: $*"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# The first Python that is new enough and can make an environment; failing that, one that apt-get completes.
find_python() {
    local candidate first=""
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        new_enough "$candidate" || continue
        has_venv "$candidate" && { command -v "$candidate"; return; }
        [ -n "$first" ] || first=$candidate
    done
    [ -n "$first" ] || die "Python 3.11 or newer is needed (set PYTHON=/path/to/python3 if it is not on PATH)"
    local package
    package=$("$first" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")')
    root || die "$first lacks its venv module; as root: apt-get install $package"
    apt_install "$package" >&2
    has_venv "$first" || die "$first still has no venv module after installing $package"
    command -v "$first"
}

make_venv() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1 && new_enough .venv/bin/python; then return; fi
    local python
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# Stamps hold what was installed: the lock, the project file and the interpreter.
fingerprint() { { cat "$@" pyproject.toml tray_app/pyproject.toml; .venv/bin/python --version; pwd; } | cksum; }
stamped() { [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$2" ]; }

pip_install() {
    local log=.venv/setup.log
    .venv/bin/python -m pip install --disable-pip-version-check --no-input "$@" </dev/null >"$log" 2>&1 ||
        { tail -n 25 "$log" >&2; die "pip could not install (whole output: $log)"; }
}

# uv does in seconds what takes pip a minute of processor time. It does not read pip's settings, so it is told them; if
# it fails all the same, pip tries.
get_uv() {
    local settings pair value
    pip_install --require-hashes -r requirements/uv.txt
    settings=$(.venv/bin/python -m pip config list)
    for pair in index-url:UV_DEFAULT_INDEX extra-index-url:UV_INDEX cert:SSL_CERT_FILE; do
        value=$(sed -n "/^[^=]*\.${pair%:*}='/{s///;s/'\$//;p;q}" <<<"$settings")
        [ -z "$value" ] || export "${pair#*:}=$value"
    done
    export UV_SYSTEM_CERTS=1
}

# Neither compiles: of what tests need most is never imported, and Python compiles what is.
uv_install() {
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-build-isolation --no-compile "$@" \
        </dev/null >.venv/setup.log 2>&1 || pip_install --no-build-isolation --no-compile "$@"
}

# For a server, which may be unable to write here. On all cores; a file that no Python can compile is no error.
compile_packages() {
    .venv/bin/python -W ignore -m compileall -qq -j 0 -x 'site-packages/.*/tests?/' .venv/lib/python*/site-packages || true
}

# setuptools comes from its own lock, so that nothing is fetched that no hash holds: packages that have no
# wheel, and this project itself, are built with it and without build isolation.
install() {
    local kind=$1 mark lock files=() projects=(.) project
    shift
    make_venv
    mark=$(fingerprint requirements/uv.txt requirements/build.txt "$@")
    for lock in "$@"; do
        files+=(-r "$lock")
        case $lock in */dev.txt | */extra-tray.txt) projects=(. tray_app) ;; esac
    done
    if stamped "$kind" "$mark"; then return; fi
    rm -f ".venv/stamp-$kind"
    say "installing $(cat "$@" | grep -c '^[a-zA-Z0-9]') packages from $* (the first time: up to a minute)"
    get_uv
    uv_install --require-hashes -r requirements/build.txt
    uv_install --require-hashes "${files[@]}"
    [ "$kind" = dev ] || compile_packages
    # One after the other: what replaces an older release takes that one's commands away.
    for project in "${projects[@]}"; do uv_install --no-deps --editable "$project"; done
    .venv/bin/uv pip check --quiet --python .venv/bin/python 2>.venv/setup.log ||
        { cat .venv/setup.log >&2; die "the lock contradicts itself"; }
    printf '%s\n' "$mark" >".venv/stamp-$kind"
    say "ready"
}

# What serves. The development set holds every extra but the second reading's weights.
run_set() {
    local extra locks=(requirements/run.txt)
    for extra in "$@"; do
        [[ " ${EXTRAS[*]} " == *" $extra "* ]] || die "there is no extra $extra; there are: ${EXTRAS[*]}"
    done
    make_venv
    touch .venv/extras
    printf '%s\n' "$@" $(cat .venv/extras) | sort -u | sed '/^$/d' >.venv/extras.new
    mv .venv/extras.new .venv/extras
    if stamped dev "$(fingerprint requirements/uv.txt requirements/build.txt requirements/dev.txt)"; then
        if grep -qx second-reading .venv/extras; then install weights requirements/extra-second-reading.txt; fi
        return
    fi
    while read -r extra; do  # one that needs nothing the program has not has no lock
        [ ! -f "requirements/extra-$extra.txt" ] || locks+=("requirements/extra-$extra.txt")
    done <.venv/extras
    install run "${locks[@]}"
}

promtool() {
    if type -P promtool >/dev/null; then return; fi
    root || { say "the test of the alarms is skipped, no promtool here; as root: apt-get install promtool"; return; }
    (apt_install promtool) || say "the test of the alarms is skipped"
}

browser() {
    local shell=chromium-headless-shell  # the same engine at a third of the processor time
    if ! command -v "$shell" >/dev/null && root; then
        apt_update </dev/null >/dev/null 2>&1 || true  # out here, for those that follow
        (apt_install "$shell" fonts-dejavu-core) || say "the browser tests take the whole Chromium, and longer"
    fi
    if command -v chromium chromium-browser google-chrome >/dev/null; then
        return
    elif root; then
        apt_install chromium fonts-dejavu-core
    elif [ -n "${CI:-}" ]; then
        die "the browser tests need Chromium; as root: apt-get install chromium"
    else
        say "browser tests are skipped, no Chromium here; as root: apt-get install chromium"
    fi
}

mail() {
    local packages="libemail-mime-perl spamassassin tidy"
    if perl -MEmail::MIME -e 1 2>/dev/null && command -v spamassassin >/dev/null && command -v tidy >/dev/null; then return; fi
    if root; then
        # shellcheck disable=SC2086
        apt_install $packages
    elif [ -n "${CI:-}" ]; then
        die "tests need Email::MIME, SpamAssassin and Tidy; as root: apt-get install $packages"
    else
        say "tests are skipped, no Email::MIME, SpamAssassin or Tidy; as root: apt-get install $packages"
    fi
}

desktop() {
    install dev requirements/dev.txt
    local lacking log=.venv/desktop.log
    if lacking=$(.venv/bin/python -m tests.desktop.screen); then return; fi
    if root; then
        say "the desktop tests lack: $lacking"
        bash requirements/desktop.sh .venv/bin/python 2>"$log" ||
            { tail -n 25 "$log" >&2; die "the desktop tests could not be set up (whole output: $log)"; }
    elif [ -n "${CI:-}" ]; then
        die "the desktop tests lack: $lacking; as root: bash requirements/desktop.sh .venv/bin/python"
    else
        say "desktop tests are skipped, they lack: $lacking; as root: bash requirements/desktop.sh .venv/bin/python"
    fi
}

# Tools that no test needs have an environment of their own each.
apart() {
    make_venv
    local mark lock=requirements/$1.txt
    mark=$(fingerprint "$lock")
    if stamped "$1" "$mark"; then return; fi
    say "installing $(grep -c '^[a-zA-Z0-9]' "$lock") packages from $lock"
    .venv/bin/python -m venv ".venv/$1"
    ".venv/$1/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r "$lock" ||
        die "pip could not install $lock"
    printf '%s\n' "$mark" >".venv/stamp-$1"
}

test_dist() {
    desktop
    local tools=(debootstrap lintian)
    if [ "$(type -P "${tools[@]}" | wc -l)" = ${#tools[@]} ]; then return; fi
    root || die "make test-dist needs root, and: apt-get install ${tools[*]}"
    apt_install "${tools[@]}"
}

bench() {
    install dev requirements/dev.txt
    if command -v wrk >/dev/null; then return; fi
    root || die "make bench needs wrk; as root: apt-get install wrk"
    apt_install wrk
}

deploy() {
    install dev requirements/dev.txt
    local tools=(buildah podman docker-compose crun nft debootstrap)
    if root && [ -x /usr/lib/podman/aardvark-dns ] && [ "$(type -P "${tools[@]}" | wc -l)" = ${#tools[@]} ]; then return; fi
    tools=(buildah podman docker-compose crun netavark aardvark-dns nftables debootstrap)
    root || die "make test-deploy needs root, and: apt-get install ${tools[*]}"
    apt_install "${tools[@]}"
}

windows() {
    desktop
    local mark log=.venv/windows.log
    mark=$(fingerprint requirements/build.txt requirements/windows.txt requirements/windows.sh)
    if stamped windows "$mark"; then return; fi
    rm -f .venv/stamp-windows
    command -v wine >/dev/null || root || die "the Windows tests need Wine; as root: apt-get install wine wine64"
    say "setting up Windows' Python on Wine (the first time: about a minute)"
    bash requirements/windows.sh .venv >"$log" 2>&1 ||
        { tail -n 25 "$log" >&2; die "Windows' Python could not be set up (whole output: $log)"; }
    printf '%s\n' "$mark" >.venv/stamp-windows
}

# PyInstaller takes from the machine what draws, so PyGObject is there too.
dist_linux() {
    local log=.venv/dist-linux.log
    bash requirements/desktop.sh .venv/dist/bin/python >"$log" 2>&1 ||
        { tail -n 25 "$log" >&2; die "PyGObject could not be built (whole output: $log)"; }
}

dist_windows() {
    windows
    if command -v makensis >/dev/null; then return; fi
    root || die "the installer needs NSIS; as root: apt-get install nsis"
    apt_install nsis
}

# The locks name no address: neither a registry's nor a folder's.
lock() {
    make_venv
    local extra
    get_uv
    compile() {
        .venv/bin/uv pip compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet "$@"
    }
    anywhere() { compile --universal --python-version 3.11 "$@"; }
    named() { .venv/bin/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))$1, sep='\n')"; }
    anywhere pyproject.toml --output-file requirements/run.txt
    anywhere pyproject.toml tray_app/pyproject.toml --extra dev --constraints requirements/run.txt --output-file requirements/dev.txt
    # Of an extra only what the program does not have already; of the desktop app all, for it is a project of its own.
    for extra in "${EXTRAS[@]}"; do
        [ "$extra" != tray ] || continue
        anywhere pyproject.toml --extra "$extra" --constraints requirements/dev.txt --no-annotate |
            awk 'NR == FNR { if (/^[a-zA-Z0-9]/) have[$1] = 1; next } /^[a-zA-Z0-9]/ { on = !($1 in have) } on' \
                requirements/run.txt - >"requirements/extra-$extra.txt"
        [ -s "requirements/extra-$extra.txt" ] || rm "requirements/extra-$extra.txt"
    done
    anywhere tray_app/pyproject.toml --constraints requirements/dev.txt --no-annotate --output-file requirements/extra-tray.txt
    anywhere --group pyproject.toml:setup --no-annotate --output-file requirements/uv.txt
    anywhere --group pyproject.toml:docs --no-annotate --output-file requirements/docs.txt
    anywhere tray_app/pyproject.toml --group pyproject.toml:dist --constraints requirements/dev.txt --no-annotate \
        --output-file requirements/dist.txt
    named "['build-system']['requires']" | anywhere - --no-annotate --output-file requirements/build.txt
    compile tray_app/pyproject.toml --group pyproject.toml:windows --python-platform windows --python-version 3.13 \
            --constraints requirements/dev.txt --no-annotate --output-file requirements/windows.txt
    say "locked; look at git diff requirements/"
}

case "${1:-}" in
    run) shift; run_set "$@" ;;
    dev) install dev requirements/dev.txt; promtool ;;
    tests) browser; mail; desktop ;;
    browser) browser ;;
    mail) mail ;;
    desktop) desktop ;;
    windows) windows ;;
    deploy) deploy ;;
    test-dist) test_dist ;;
    bench) bench ;;
    dist-linux) dist_linux ;;
    dist-windows) dist_windows ;;
    docs | dist) apart "$1" ;;
    lock) lock ;;
    *) die "usage: bash requirements/setup.sh run [EXTRA …]|dev|tests|browser|mail|desktop|windows|deploy|test-dist|bench|docs|dist|dist-linux|dist-windows|lock" ;;
esac
