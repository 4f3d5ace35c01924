#!/bin/sh
# Tests image-build/jetson on stand-ins: programs of Debian 12 for arm64 with the marks of L4T, and a package that is like
# ours, since NVIDIA's own root file system may not be redistributed. What only the real one and a board can show stands in docs/jetson.md.
#   sh image-build/test/jetson.sh        needs root, mmdebstrap, qemu-user-static, device-tree-compiler
# Ends with `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD
work=$top/build/test-jetson
build=$top/image-build/build.sh
passed=0
failed=0

main() {
  for tool in mmdebstrap qemu-aarch64-static dtc fdtget; do
    command -v $tool >/dev/null || { echo "skip: $tool is missing"; exit 0; }
  done
  [ "$(id -u)" = 0 ] || { echo 'skip: needs root, for chroot'; exit 0; }
  [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64 || { echo 'skip: no emulation'; exit 0; }
  mkdir -p "$work"
  stand_in_root
  stand_in_bsp
  stand_in_package
  bad_input
  for release in '35 5.6.0' '36 6.4.3' '38 7.2.0'; do good "${release% *}" "${release#* }"; done
  completed_by_nvidia
  redundancy_at_run_time
  rm -rf "$work/out" "$work/case" "$work/bsp"
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}

# Unpacked and not configured: no program of it runs here, which would take minutes under emulation.
stand_in_root() {
  [ -s "$work/root.tar" ] && return
  echo 'jetson test: programs of Debian 12 for arm64, once …'
  r=$work/root
  rm -rf "$r"
  mmdebstrap --quiet --arch=arm64 --variant=extract --include=dpkg,dash,bash,coreutils,passwd,login,libc-bin,sed,grep,tar,diffutils,base-files \
    bookworm "$r" "$(mirror)"
  mkdir -p "$r/etc/systemd/system" "$r/var/lib/dpkg/info" "$r/dev" "$r/proc"
  rm -rf "$r"/usr/share/* "$r"/var/cache/apt "$r"/var/lib/apt
  printf 'root:x:0:0:root:/root:/bin/bash\n' >"$r/etc/passwd"
  printf 'root:x:0:\nvideo:x:44:\n' >"$r/etc/group"
  printf 'root:*:19000:0:99999:7:::\n' >"$r/etc/shadow"
  : >"$r/var/lib/dpkg/status"
  tar -C "$r" -cf "$work/root.tar" .
  rm -rf "$r"
}

mirror() {
  apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | head -n 1
}

# What flash.sh and its neighbours are, as far as we look at them.
stand_in_bsp() {
  rm -rf "$work/bsp"
  b=$work/bsp/Linux_for_Tegra
  mkdir -p "$b/tools/kernel_flash" "$b/bootloader/generic/cfg" "$b/nv_tegra" "$b/rootfs"
  touch "$b/jetson-orin-nano-devkit.conf" "$b/p3767.conf.common" "$b/bootloader/generic/cfg/flash_t234_qspi.xml" \
    "$b/tools/kernel_flash/flash_l4t_t234_nvme_rootfs_ab.xml"
  printf 'BSP_BRANCH=36\nBSP_MAJOR=4\nBSP_MINOR=3\n' >"$b/nv_tegra/bsp_version"
  for script in flash.sh tools/kernel_flash/l4t_initrd_flash.sh; do
    printf '#!/bin/sh\necho "${0##*/} AB=$ROOTFS_AB TRIES=$ROOTFS_RETRY_COUNT_MAX $*"\n' >"$b/$script"
    chmod +x "$b/$script"
  done
  printf '#!/bin/sh\nmkdir -p rootfs/etc\necho "# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic" >rootfs/etc/nv_tegra_release\n' >"$b/apply_binaries.sh"
  chmod +x "$b/apply_binaries.sh"
  dtc -q -I dts -O dtb -o "$b/bootloader/L4TConfiguration.dtbo" - <<'END'
/dts-v1/;
/ {
  fragment@0 {
    target-path = "/";
    __overlay__ { firmware { uefi { variables { gNVIDIAPublicVariableGuid {
      QuickBootEnabled { data = [01]; locked; };
    }; }; }; }; };
  };
};
END
}

# What of our package this looks at: the root file system has none of what the real one depends on.
stand_in_package() {
  p=$work/package
  rm -rf "$p"
  mkdir -p "$p/DEBIAN" "$p/usr/bin" "$p/usr/lib/systemd/system" "$p/etc/vigie"
  printf 'Package: vigie\nVersion: 0\nArchitecture: arm64\nMaintainer: test\nDescription: stand-in\n' >"$p/DEBIAN/control"
  printf '#!/bin/sh\nset -e\ngetent group video >/dev/null || groupadd video\nid vigie >/dev/null 2>&1 || useradd -r vigie\n' >"$p/DEBIAN/postinst"
  printf '#!/bin/sh\n' >"$p/usr/bin/vigie"
  printf '[Service]\nExecStart=/usr/bin/vigie run\n[Install]\nWantedBy=multi-user.target\n' >"$p/usr/lib/systemd/system/vigie.service"
  echo '# nothing yet' >"$p/etc/vigie/vigie.yaml"
  chmod +x "$p/DEBIAN/postinst" "$p/usr/bin/vigie"
  deb=$work/vigie_0_arm64.deb
  dpkg-deb --root-owner-group --build "$p" "$deb" >/dev/null
}

# archive NAME FOLDER: as NVIDIA packs it. lbzip2 and gzip take the same way through tar.
archive() {
  tar -C "$2" -czf "$work/$1" .
}

bad_input() {
  c=$work/case
  rm -rf "$c"
  mkdir -p "$c/small/etc" "$c/small/usr/bin" "$c/pc/usr/bin" "$c/pc/etc"
  echo '# R32 (release), REVISION: 7.1, GCID: 1, BOARD: t210ref' >"$c/small/etc/nv_tegra_release"
  # The head of an ELF file for AArch64, and of one for a PC.
  printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\267\0' >"$c/small/usr/bin/dpkg"
  printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0' >"$c/pc/usr/bin/dpkg"
  archive old.tgz "$c/small"
  archive pc.tgz "$c/pc"
  archive bsp.tgz "$work/bsp"
  mkdir -p "$c/other/photos"
  archive other.tgz "$c/other"
  rm "$c/small/etc/nv_tegra_release"
  archive plain.tgz "$c/small"
  head -c 100 /dev/urandom >"$work/noise.tbz2"
  echo 'node: { site: a }' >"$work/wrong.yaml"
  refuses 2 'say which root file system' jetson
  refuses 2 "there is no file" jetson --rootfs "$work/nothing"
  refuses 2 "unknown argument '--root'" jetson --root x
  refuses 2 "there is no profile 'jetson-2'" jetson --rootfs "$work/old.tgz" --profile jetson-2
  refuses 1 'no archive that tar can read' jetson --rootfs "$work/noise.tbz2" --deb "$deb" --out "$work/out"
  refuses 1 'driver package (BSP), whose root file system is empty' jetson --rootfs "$work/bsp.tgz" --deb "$deb" --out "$work/out"
  refuses 1 'holds no root file system' jetson --rootfs "$work/other.tgz" --deb "$deb" --out "$work/out"
  refuses 1 'is not for arm64' jetson --rootfs "$work/pc.tgz" --deb "$deb" --out "$work/out"
  refuses 1 'L4T R32.7.1: JetPack 5 (R35) or newer is needed' jetson --rootfs "$work/old.tgz" --deb "$deb" --out "$work/out"
  refuses 1 'has no etc/nv_tegra_release' jetson --rootfs "$work/plain.tgz" --deb "$deb" --out "$work/out"
  refuses 1 'is no Debian package' jetson --rootfs "$work/old.tgz" --deb "$work/noise.tbz2" --out "$work/out"
  refuses 1 'wrong.yaml:1:7: node.name: is missing' jetson --rootfs "$work/old.tgz" --deb "$deb" --config "$work/wrong.yaml" --out "$work/out"
  mkdir -p "$work/full"
  mount -t tmpfs -o size=50M tmpfs "$work/full"
  refuses 1 'MB left; unpacking takes up to' jetson --rootfs "$work/old.tgz" --deb "$deb" --out "$work/full"
  umount "$work/full"
  check 'nothing is left of what was refused' [ ! -e "$work/out/making" ]
}

# refuses STATUS TEXT ARGUMENTS …
refuses() {
  wanted=$1 text=$2
  shift 2
  status=0
  sh "$build" "$@" >"$work/said" 2>&1 || status=$?
  check "refused: $text" sh -c "[ $status = $wanted ] && grep -qF -- \"\$1\" '$work/said'" sh "$text"
}

# good BRANCH REVISION: builds without BSP, but for JetPack 6.
good() {
  branch=$1 revision=${2#*.}
  c=$work/case
  rm -rf "$c" "$work/out"
  mkdir -p "$c/etc" "$c/usr/sbin" "$work/secrets"
  echo "# R$branch (release), REVISION: $revision, GCID: 1, BOARD: generic, EABI: aarch64" >"$c/etc/nv_tegra_release"
  cp "$work/root.tar" "$work/case.tar"
  tar -C "$c" --owner=0 --group=0 -rf "$work/case.tar" ./etc/nv_tegra_release
  echo geheim >"$work/secrets/pw"
  printf 'node: { site: a, name: b }\nmqtt: { url: "mqtts://h", username: u, passwordFile: "credential:pw" }\n' >"$work/good.yaml"
  set -- jetson --rootfs "$work/case.tar" --deb "$deb" --out "$work/out" --config "$work/good.yaml" --secrets "$work/secrets"
  [ "$branch" != 36 ] || set -- "$@" --bsp "$work/bsp/Linux_for_Tegra" --board jetson-orin-nano-devkit
  status=0
  sh "$build" "$@" >"$work/said" 2>&1 || { status=$?; cat "$work/said"; }
  t=$work/out/Linux_for_Tegra
  check "R$branch: built" [ $status = 0 ]
  [ $status = 0 ] || return 0
  check "R$branch: vigie is installed" chroot "$t/rootfs" dpkg -s vigie
  check "R$branch: vigie.service is enabled" [ -L "$t/rootfs/etc/systemd/system/multi-user.target.wants/vigie.service" ]
  check "R$branch: the node may use cameras" sh -c "chroot '$t/rootfs' id -nG vigie | grep -qw video"
  check "R$branch: its configuration is there, and its own" sh -c "grep -q credential:pw '$t/rootfs/etc/vigie/vigie.yaml' && chroot '$t/rootfs' stat -c %U /etc/vigie/vigie.yaml | grep -qx vigie"
  check "R$branch: secrets are root's alone" [ "$(stat -c %u:%a "$t/rootfs/etc/credstore/vigie/pw")" = 0:600 ]
  check "R$branch: nothing of the build is left in it" [ ! -e "$t/rootfs/usr/sbin/policy-rc.d" ]
  check "R$branch: the readme names the release" grep -q "R$branch.$revision" "$t/README-vigie.txt"
  [ "$branch" = 36 ] || { check "R$branch: flashing asks for NVIDIA's package" sh -c "'$t/flash-vigie.sh' --nvme --board x 2>&1 | grep -q flash.sh.is.not.here"; return 0; }
  check 'redundancy was not set, and is said to be now' grep -q 'RootfsRedundancyLevel was not set, and is 1 now' "$work/said"
  variables=/fragment@0/__overlay__/firmware/uefi/variables/gNVIDIAPublicVariableGuid
  check 'as flash.sh writes it' [ "$(fdtget -t bx "$t/bootloader/L4TConfiguration.dtbo" $variables/RootfsRedundancyLevel data)" = '1 0 0 0' ]
  check 'other variables stay' [ "$(fdtget -t bx "$t/bootloader/L4TConfiguration.dtbo" $variables/QuickBootEnabled data)" = 1 ]
  check 'NVMe: flashed with two systems' sh -c "'$t/flash-vigie.sh' --nvme | grep -qF 'l4t_initrd_flash.sh AB=1 TRIES=3 --external-device nvme0n1p1 -c tools/kernel_flash/flash_l4t_t234_nvme_rootfs_ab.xml -p -c bootloader/generic/cfg/flash_t234_qspi.xml'"
  check 'eMMC: the same' sh -c "'$t/flash-vigie.sh' --internal | grep -qx 'flash.sh AB=1 TRIES=3 jetson-orin-nano-devkit internal'"
  refuses 1 "no board 'jetson-x'; it has: jetson-orin-nano-devkit" jetson --rootfs "$work/case.tar" --deb "$deb" --out "$work/out2" --bsp "$work/bsp/Linux_for_Tegra" --board jetson-x
}

# A sample root file system, as it is downloaded, has no mark of L4T yet; and releases must fit.
completed_by_nvidia() {
  rm -rf "$work/out"
  status=0
  sh "$build" jetson --rootfs "$work/root.tar" --deb "$deb" --bsp "$work/bsp.tgz" --out "$work/out" >"$work/said" 2>&1 || status=$?
  check 'a sample root file system is completed by apply_binaries.sh' [ $status = 0 ]
  sed -i s/36/35/ "$work/bsp/Linux_for_Tegra/nv_tegra/bsp_version"
  refuses 1 'take both of one release' jetson --rootfs "$work/root.tar" --deb "$deb" --bsp "$work/bsp/Linux_for_Tegra" --out "$work/out"
}

redundancy_at_run_time() {
  script=image-build/jetson/overlay/usr/lib/vigie-jetson/check-redundancy
  vars=$work/efivars
  mkdir -p "$vars"
  name=$vars/RootfsRedundancyLevel-781e084c-a330-417c-b678-38e696380cb9
  rm -f "$name" "$work/report.json"
  check 'a board without second system is told' sh -c "EFIVARS='$vars' REPORT='$work/report.json' sh $script | grep -q 'without a second system'"
  check 'and the node can read it' bin/node -e "process.exit(JSON.parse(require('fs').readFileSync('$work/report.json','utf8')).problems.length === 1 ? 0 : 1)"
  printf '\6\0\0\0\1\0\0\0' >"$name"
  check 'one with two systems is fine' sh -c "EFIVARS='$vars' REPORT='$work/none.json' sh $script | grep -q 'two systems' && [ ! -e '$work/none.json' ]"
}

check() {
  title=$1
  shift
  if "$@" >"$work/check" 2>&1; then
    passed=$((passed + 1))
    echo "ok   $title"
  else
    failed=$((failed + 1))
    echo "FAIL $title"
    cat "$work/check" "$work/said" 2>/dev/null | tail -n 15
  fi
}

main
