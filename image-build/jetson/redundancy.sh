# Sourced by customise.sh. Two root file systems and a boot loader that knows of them, or every update undoes itself.

# Finds the configuration that flash.sh hands to UEFI, and sets in it what flash.sh sets for ROOTFS_AB=1. Both, since a
# board that is flashed without it cannot be told later: UEFI locks the variable.
redundancy() {
  if [ -z "$bsp" ]; then
    say 'A/B redundancy: not checked here, since there is no driver package (--bsp); flash-vigie.sh checks it'
    return 0
  fi
  [ -z "$board" ] || [ -f "$tree/$board.conf" ] ||
    fail "the driver package has no board '$board'; it has: $(boards)"
  [ -n "$(find "$tree" -name 'flash_*rootfs_ab.xml' -print -quit)" ] ||
    fail "the driver package has no partition layout with two root file systems (flash_*rootfs_ab.xml)"
  overlay=$tree/bootloader/L4TConfiguration.dtbo
  [ -f "$overlay" ] || fail "the driver package has no bootloader/L4TConfiguration.dtbo: nothing can tell UEFI of a second system"
  before=$(uefi_variable RootfsRedundancyLevel)
  set_uefi_variable RootfsRedundancyLevel 01
  set_uefi_variable RootfsRetryCountMax 03
  [ "$(uefi_variable RootfsRedundancyLevel)" = 1 ] || fail "RootfsRedundancyLevel cannot be set in $overlay"
  say "A/B redundancy: RootfsRedundancyLevel was ${before:-not set}, and is 1 now; three tries before a slot is left"
}

boards() {
  (cd "$tree" && ls ./*.conf 2>/dev/null) | sed 's#^\./##; s/\.conf$//' | grep -v '\.common$' | paste -sd ' ' -
}

VARIABLES=/fragment@0/__overlay__/firmware/uefi/variables/gNVIDIAPublicVariableGuid

# The first byte of the variable's four; nothing where it is not set.
uefi_variable() {
  fdtget -t bu "$overlay" "$VARIABLES/$1" data 2>/dev/null | cut -d' ' -f1
}

# As flash.sh writes it: four bytes, little endian; for the system to read, and not to change.
set_uefi_variable() {
  fdtput -p -c "$overlay" "$VARIABLES/$1" 2>/dev/null || true
  fdtput -t bx "$overlay" "$VARIABLES/$1" data "$2" 00 00 00
  fdtput -t bx "$overlay" "$VARIABLES/$1" runtime
  fdtput -t bx "$overlay" "$VARIABLES/$1" locked
}
