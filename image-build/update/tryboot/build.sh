#!/bin/sh
# Builds vigie_tryboot for the kernel of a root file system and puts it there:
#   sh image-build/update/tryboot/build.sh ROOT
# The compiler and headers of just that kernel come from Debian, for this machine, into build/cache; nothing of them
# stays in ROOT. The finished module is kept, too.
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=$here/../../../build/cache
root=$1
debian=${VIGIE_MIRROR:-http://deb.debian.org/debian}
security=${VIGIE_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
for folder in "$root"/usr/lib/modules/*/; do release=$(basename "$folder"); done
module=$cache/vigie_tryboot-$release-$(cat "$here/vigie_tryboot.c" "$here/Kbuild" | sha256sum | cut -c1-12).ko

compile() {
  mkdir -p "$cache"
  kit=$(mktemp -d "$cache/kit.XXXXXX")
  trap 'rm -rf "$kit"' EXIT
  # The headers of a kernel for arm64 bring a compiler that runs here and makes code for there.
  mmdebstrap --quiet --mode=auto --variant=extract --architectures="$(dpkg --print-architecture),arm64" \
    --include="linux-headers-$release:arm64,base-files,dash,bash,coreutils,sed,grep,mawk,findutils,diffutils,make,perl-base,tar" \
    trixie "$kit/root" "deb $debian trixie main" "deb $debian trixie-updates main" \
    "deb $debian trixie-backports main" "deb $security trixie-security main"
  mkdir "$kit/root/module"
  cp "$here/vigie_tryboot.c" "$here/Kbuild" "$kit/root/module/"
  ln -sf mawk "$kit/root/usr/bin/awk"
  chroot "$kit/root" make -s -C "/usr/src/linux-headers-$release" M=/module ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- modules
  mv "$kit/root/module/vigie_tryboot.ko" "$module"
}

[ -s "$module" ] || compile
install -D -m 644 "$module" "$root/usr/lib/modules/$release/updates/vigie_tryboot.ko"
chroot "$root" depmod "$release"
install -d "$root/etc/modules-load.d"
echo vigie_tryboot >"$root/etc/modules-load.d/vigie-tryboot.conf"
