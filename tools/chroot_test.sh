#!/bin/sh
# All tests on another Debian, from a bare system on: sh tools/chroot_test.sh [bookworm|trixie]...   (default: both)
#
# Makes a minimal root of that release, clones the last commit into it, and runs `sh tools/test.sh` there: the test installs
# what it needs itself. A root is kept in build/chroot and used again; RKEOPS_FRESH=1 makes it anew. Needs root and debootstrap.
#
# RKEOPS_MIRROR   the archive to install from (default: that of this machine, else deb.debian.org)
# RKEOPS_CHROOT   where roots are kept (default: build/chroot in the checkout)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
chroots=${RKEOPS_CHROOT:-$root/build/chroot}
say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "a chroot needs root: run it as root or with sudo"
command -v debootstrap >/dev/null 2>&1 || die "debootstrap is missing: apt-get install debootstrap"

own_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' 2>/dev/null | grep -v security | head -n 1
}
mirror=${RKEOPS_MIRROR:-$(own_mirror || true)}
mirror=${mirror:-http://deb.debian.org/debian}

# The settings with which this machine reaches its archive (a proxy, say) hold inside as well.
make_root() { # release, folder
  say "debootstrap $1"
  rm -rf "$2"
  mkdir -p "$2"
  debootstrap --variant=minbase --include=ca-certificates "$1" "$2" "$mirror" >"$2.log" 2>&1 ||
    { tail -n 20 "$2.log" >&2; rm -rf "$2"; die "debootstrap could not make $1"; }
  apt-config dump | grep -i '^Acquire::.*::\(Proxy\|Verify\|CA\)' >"$2/etc/apt/apt.conf.d/90machine" || true
  cp /etc/resolv.conf /etc/hosts "$2/etc/" 2>/dev/null || true
}

# What a program expects of a running system. Unmounted however the test ends.
mounted=
unmount() { for place in $mounted; do umount -l "$place" 2>/dev/null || true; done; mounted=; }
trap unmount EXIT
trap 'exit 130' INT TERM
mount_system() { # folder
  mount -t proc proc "$1/proc" && mounted="$1/proc $mounted"
  mount --bind /dev "$1/dev" && mounted="$1/dev $mounted" && mount --make-private "$1/dev"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts" 2>/dev/null && mounted="$1/dev/pts $mounted" || true
  mount -t tmpfs tmpfs "$1/dev/shm" 2>/dev/null && mounted="$1/dev/shm $mounted" || true
}

test_release() { # release
  folder=$chroots/$1
  if [ -n "${RKEOPS_FRESH:-}" ] || [ ! -x "$folder/bin/sh" ]; then make_root "$1" "$folder"; fi
  rm -rf "$folder/rkeops"
  git clone -q "$root" "$folder/rkeops"
  mount_system "$folder"
  say "$1: sh tools/test.sh (log: $folder.test.log)"
  status=0
  chroot "$folder" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    sh /rkeops/tools/test.sh >"$folder.test.log" 2>&1 </dev/null || status=$?
  unmount
  [ "$status" = 0 ] || tail -n 60 "$folder.test.log"
  printf '%s: %s, %s\n' "$1" "$(sed -n 's/^== R: //p' "$folder.test.log" | tail -n 1)" "$(tail -n 1 "$folder.test.log")"
  return "$status"
}

mkdir -p "$chroots"
failed=0
for release in "${@:-bookworm trixie}"; do
  for name in $release; do test_release "$name" || failed=1; done
done
exit "$failed"
