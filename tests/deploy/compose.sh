# bash compose.sh FOLDER STORE SCRIPT, in mount, process, network and control-group namespaces of its own (`unshare`):
# Podman serves Docker's API from the images in STORE, and SCRIPT runs in FOLDER, where compose.yaml is.
set -euo pipefail
mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
ip link set lo up
cd "$1"
export DOCKER_HOST=unix:///run/podman.sock
store=$2
podman() { command podman --root "$store" --runroot /run/containers "$@"; }
podman system service --time=0 "$DOCKER_HOST" 2>podman.log &
until [ -S /run/podman.sock ]; do sleep 0.1; done
# A machine with systemd has a timer for each container's health.
while sleep 5; do
    podman ps --quiet | while read -r one; do podman healthcheck run "$one" || true; done
done >/dev/null 2>&1 &
eval "$3"
