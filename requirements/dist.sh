#!/usr/bin/env bash
# What is released, into dist/, from the last commit alone: wheel and source of `pitchgate` and of `pitchgate-tray`, the
# latter's Debian package, for both distributions a bill of materials made of its lock, and SHA256SUMS over all. The
# same commit gives the same wheels and package.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$PWD/.venv/dist/bin/python
out=$PWD/dist
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

rm -rf "$out" && mkdir "$out"
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "pitchgate: changes that are not committed are left out"
git archive HEAD | tar -x -C "$scratch"
git rev-parse --short=12 HEAD >"$scratch/backend/COMMIT"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

for project in . tray_app; do
    "$python" -m build --no-isolation --outdir "$out" "$scratch/$project" >"$scratch/build.log" 2>&1 ||
        { tail -n 25 "$scratch/build.log" >&2; exit 1; }
done
.venv/bin/python requirements/sbom.py "$out"
if command -v dpkg-deb >/dev/null; then
    "$python" requirements/deb.py "$scratch" "$(echo "$out"/pitchgate_tray-*.whl)" "$out"
else
    echo "pitchgate: no dpkg-deb here, so no .deb"
fi
cd "$out" && sha256sum -- * >SHA256SUMS && ls -l
