#!/bin/sh
# Second half of build.sh, as root in a mount namespace of its own: unpack, check, install, set up. Called with: here top
# rootfs bsp board debs config secrets profile out
set -eu
. "$here/redundancy.sh"
work=$out/making
tree=$work/Linux_for_Tegra
root=$tree/rootfs
log=$out/build.log

main() {
  began=$(date +%s)
  # Left by a build that was interrupted; never by one that is running, which holds the lock.
  exec 9>"$out/lock"
  flock -n 9 || fail "another build is running in $out"
  rm -rf --one-file-system "$work"
  : >"$log"
  mkdir -p "$root"
  unpack_bsp
  step 'root file system' tar --numeric-owner -xpf "$rootfs" -C "$root"
  check_architecture
  apply_nvidia
  find_release
  step 'our packages' install_packages
  step 'settings' settings
  redundancy
  sed "s/@BOARD@/$board/; s/@JETPACK@/$jetpack/" "$here/flash-vigie.sh" >"$tree/flash-vigie.sh"
  chmod +x "$tree/flash-vigie.sh"
  readme >"$tree/README-vigie.txt"
  rm -rf "$out/Linux_for_Tegra"
  mv "$tree" "$out/"
  rm -rf --one-file-system "$work"
  say "done in $(($(date +%s) - began)) s: $out/Linux_for_Tegra for JetPack $jetpack ($release); README-vigie.txt there says how to flash"
}

unpack_bsp() {
  [ -n "$bsp" ] || return 0
  if [ -d "$bsp" ]; then
    step "copy of NVIDIA's driver package" cp -a --reflink=auto "$bsp/." "$tree/"
  else
    step "NVIDIA's driver package" tar --numeric-owner -xpf "$bsp" -C "$work"
  fi
  [ -f "$tree/flash.sh" ] || fail "$bsp is not NVIDIA's driver package: Linux_for_Tegra/flash.sh is missing in it"
  rm -rf "$root"
  mkdir "$root"
}

# e_machine of an ELF file: 183 is AArch64.
check_architecture() {
  for program in usr/bin/dpkg bin/dpkg; do
    [ -f "$root/$program" ] || continue
    machine=$(od -An -tu2 -j18 -N2 "$root/$program" | tr -d ' ')
    [ "$machine" != 183 ] || return 0
    fail "$rootfs is not for arm64 (AArch64): its $program is for machine type $machine (62 is a PC)"
  done
  fail "$rootfs is no root file system of Ubuntu: usr/bin/dpkg is missing in it"
}

# A sample root file system becomes L4T by NVIDIA's own packages.
apply_nvidia() {
  [ ! -f "$root/etc/nv_tegra_release" ] || return 0
  [ -f "$tree/apply_binaries.sh" ] ||
    fail "$rootfs has no etc/nv_tegra_release, so it is not L4T yet. If it is NVIDIA's sample root file system, give the
driver package of the same release, too: --bsp Jetson_Linux_R*_aarch64.tbz2. Its apply_binaries.sh makes L4T of it"
  step "NVIDIA's packages (apply_binaries.sh)" sh -c "cd '$tree' && ./apply_binaries.sh"
  [ -f "$root/etc/nv_tegra_release" ] || fail "apply_binaries.sh left no etc/nv_tegra_release; see $log"
}

# Sets release (R36.4.3) and jetpack (6).
find_release() {
  release=$(sed -n 's/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\),.*/R\1.\2/p' "$root/etc/nv_tegra_release" | head -n 1)
  case $release in
    R35.*) jetpack=5 ;;
    R36.*) jetpack=6 ;;
    R38.* | R39.*) jetpack=7 ;;
    R[0-9].* | R[12][0-9].* | R3[0-4].*)
      fail "$rootfs is L4T $release: JetPack 5 (R35) or newer is needed, since the C library of older ones does not run Node.js 24" ;;
    R*) fail "$rootfs is L4T $release, which is newer than what this script knows (R35 to R39): it would guess. Have a look at image-build/jetson" ;;
    *) fail "etc/nv_tegra_release in $rootfs does not say which release it is: expected '# R36 (release), REVISION: 4.3, …'" ;;
  esac
  if [ -f "$tree/nv_tegra/bsp_version" ]; then
    theirs=$(. "$tree/nv_tegra/bsp_version" && echo "R$BSP_BRANCH.")
    case $release in "$theirs"*) ;; *) fail "the root file system is $release and the driver package ${theirs%.}: take both of one release" ;; esac
  fi
}

install_packages() {
  mkdir -p "$root/tmp/vigie-debs"
  # shellcheck disable=SC2086 # Several files.
  cp $debs "$root/tmp/vigie-debs/"
  # Without a kernel of its own nothing is to be started.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  mkdir -p "$root/proc" "$root/dev"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  status=0
  in_root sh -c 'dpkg -i --force-confold /tmp/vigie-debs/*.deb' || status=$?
  [ "$status" = 0 ] || { status=0; with_network || status=1; }
  umount -l "$root/dev" "$root/proc"
  rm -rf "$root/usr/sbin/policy-rc.d" "$root/tmp/vigie-debs"
  if [ "$status" != 0 ]; then
    in_root dpkg --audit || true
    echo 'The packages above are not installed: what they depend on is not in this root file system, and could not be fetched.'
    return 1
  fi
  [ -x "$root/usr/bin/vigie" ] || { echo 'no /usr/bin/vigie came with these packages: give vigie_*_arm64.deb'; return 1; }
}

# What a package needs and the root file system lacks, from where its own sources.list says.
with_network() {
  mv "$root/etc/resolv.conf" "$root/etc/resolv.conf.vigie" 2>/dev/null || true
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  fetched=0
  { in_root apt-get -q update && in_root apt-get -q -y --no-install-recommends -f install; } || fetched=$?
  rm -f "$root/etc/resolv.conf"
  mv "$root/etc/resolv.conf.vigie" "$root/etc/resolv.conf" 2>/dev/null || true
  rm -rf "$root"/var/lib/apt/lists/*
  [ "$fetched" = 0 ] && in_root dpkg --configure -a
}

in_root() {
  DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
}

settings() {
  cp -R --preserve=mode,links "$here/overlay/." "$root/"
  systemctl --quiet --root="$root" enable vigie.service vigie-jetson-redundancy.service
  # Cameras on ribbon cables, GPU and encoder: devices of these groups, and NVIDIA's daemon.
  in_root sh -c 'for group in video render i2c; do ! getent group $group >/dev/null || usermod -aG $group vigie; done'
  if [ -e "$root/usr/sbin/nvargus-daemon" ] || [ -e "$root/etc/systemd/system/nvargus-daemon.service" ]; then
    systemctl --quiet --root="$root" enable nvargus-daemon.service || echo 'nvargus-daemon.service cannot be enabled'
  fi
  [ -z "$config" ] || install -o root -g root -m 0640 "$config" "$root/etc/vigie/vigie.yaml"
  [ -z "$profile" ] || printf 'device: { profile: %s }\n' "$profile" >>"$root/etc/vigie/vigie.yaml"
  in_root chown vigie:vigie /etc/vigie/vigie.yaml
  [ -z "$secrets" ] || {
    install -d -m 0700 "$root/etc/credstore" "$root/etc/credstore/vigie"
    install -o root -g root -m 0600 "$secrets"/* "$root/etc/credstore/vigie/"
  }
}

readme() {
  cat <<END
This tree is L4T $release (JetPack $jetpack) with Vigie. To flash it:

$([ -n "$bsp" ] || echo "  0. Copy NVIDIA's driver package of the same release over it, without its empty rootfs/:
     tar -xpf Jetson_Linux_${release}_aarch64.tbz2 --skip-old-files
     and run image-build/build.sh jetson again with --bsp, which checks A/B redundancy, too.
")
  1. Give the system a user, since it has none and no password:
     sudo ./tools/l4t_create_default_user.sh -u NAME -p PASSWORD --accept-license
     or answer NVIDIA's questions at the first start, with screen and keyboard.
  2. Put the board into recovery mode and connect it by USB.
  3. sudo ./flash-vigie.sh --nvme          system on an NVMe disk
     sudo ./flash-vigie.sh --internal      on eMMC or SD card

Use flash-vigie.sh and not flash.sh alone: it sets ROOTFS_AB=1, by which two systems are made and UEFI is told so
(RootfsRedundancyLevel). That can only be done when the board is flashed. Without it every update of the system is
undone at the next start, silently; the node says so in its health where it finds it so.
END
}

# step TITLE COMMAND …: says what runs, for how long, and shows the end of its output if it fails.
step() {
  title=$1 at=$(date +%s)
  shift
  say "$title …"
  # Beside this shell: within a condition, a command that fails would not end what is run.
  "$@" >>"$log" 2>&1 </dev/null 9>&- &
  if ! wait $!; then
    tail -n 30 "$log" >&2
    fail "$title: failed; all of the output is in $log"
  fi
  say "$title: $(($(date +%s) - at)) s"
}

say() {
  echo "jetson: $1"
}

# Not into what is mounted there: /dev is this machine's.
fail() {
  echo "jetson: $1" >&2
  rm -rf --one-file-system "$work"
  exit 1
}

main
