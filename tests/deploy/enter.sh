# bash enter.sh ROOT COMMAND…, in mount and process namespaces of its own (`unshare`): runs COMMAND with ROOT as /.
#   CHANGES=FOLDER  what is written goes there and ROOT stays as it is
#   STATE=FOLDER    ROOT is read-only but for that folder, of user 10001, and /tmp: as in a container
#   SHARED=1        /dev, /proc, /sys and /tmp are this machine's, for a program on a desktop that is here
#   BOOT=1          COMMAND is an init: ROOT takes the place of /, with a tree of control groups
set -euo pipefail
root=$1
shift
mount --make-rprivate /
if [ -n "${CHANGES:-}" ]; then
    mkdir -p "$CHANGES/new" "$CHANGES/work" "$CHANGES/root"
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$CHANGES/new,workdir=$CHANGES/work" "$CHANGES/root"
    root=$CHANGES/root
else
    mount --bind "$root" "$root"
fi
cd "$root"
if [ -n "${SHARED:-}" ]; then
    for part in dev proc sys tmp; do mount --rbind "/$part" "$part"; done
    exec chroot . "$@"
fi
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
if [ -n "${STATE:-}" ]; then
    mount -t tmpfs -o mode=700,uid=10001,gid=10001 tmpfs ".$STATE"
    mount -o remount,bind,ro .
fi
if [ -n "${BOOT:-}" ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    pivot_root . .
    umount -l .
    cd /
    exec env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
fi
exec chroot . "$@"
