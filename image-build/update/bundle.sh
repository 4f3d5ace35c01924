#!/bin/sh
# Makes vigie-TARGET-VERSION.raucb, the signed update of a whole system, from what image-build/build.sh TARGET left:
#   sh image-build/update/bundle.sh TARGET [FOLDER]
# FOLDER (default build/image/TARGET) holds rootfs.img, the root file system as it lies in a slot; boot.vfat, a boot slot;
# and `version`, one line. The bundle is written beside them.
# VIGIE_SYSTEM_KEY and VIGIE_SYSTEM_CERT name the key and certificate to sign with (PEM files, or PKCS#11 URLs);
# VIGIE_SYSTEM_KEYRING the certificates that the images trust. Without them a development key is made (keys.sh).
set -eu
here=$(dirname "$(readlink -f "$0")")
fail() {
  echo "bundle.sh: $1" >&2
  exit 1
}
[ $# -ge 1 ] || { echo "usage: bundle.sh TARGET [FOLDER]" >&2; exit 2; }
target=$1 folder=${2:-$here/../../build/image/$1}
for program in rauc mksquashfs openssl; do
  command -v "$program" >/dev/null || fail "$program is missing. Run: apt-get install rauc squashfs-tools openssl"
done
for file in rootfs.img boot.vfat version; do
  [ -s "$folder/$file" ] || fail "there is no $folder/$file. Run first: image-build/build.sh $target"
done
folder=$(realpath "$folder")
version=$(cat "$folder/version")
case $version in
  [0-9]*) ;;
  *) fail "$folder/version is '$version'; expected a version that begins with a digit, such as 1.4.0" ;;
esac

if [ -n "${VIGIE_SYSTEM_KEY:-}${VIGIE_SYSTEM_CERT:-}" ]; then
  key=${VIGIE_SYSTEM_KEY:?names no key, though VIGIE_SYSTEM_CERT is set}
  cert=${VIGIE_SYSTEM_CERT:?names no certificate, though VIGIE_SYSTEM_KEY is set}
  keyring=${VIGIE_SYSTEM_KEYRING:?has to name the certificates that the images trust}
else
  sh "$here/keys.sh"
  keys=$here/../../build/image/keys
  key=$keys/signing.key.pem cert=$keys/signing.cert.pem keyring=$keys/ca.cert.pem
fi

content=$(mktemp -d "$folder/bundle.XXXXXX")
trap 'rm -rf "$content"' EXIT
ln "$folder/rootfs.img" "$folder/boot.vfat" "$content/" 2>/dev/null || cp "$folder/rootfs.img" "$folder/boot.vfat" "$content/"
install -m 755 "$here/bundle-hook.sh" "$content/hook.sh"
cat >"$content/manifest.raucm" <<MANIFEST
[update]
compatible=vigie-$target
version=$version
description=Vigie $version for $target

[bundle]
format=verity

[hooks]
filename=hook.sh

[image.rootfs]
filename=rootfs.img

[image.boot]
filename=boot.vfat
hooks=post-install
MANIFEST
out=$folder/vigie-$target-$version.raucb
rm -f "$out" "$out.new"
# RAUC checks what it signed against the keyring: a certificate that the nodes would refuse fails here.
rauc --cert="$cert" --key="$key" --keyring="$keyring" bundle "$content" "$out.new" >/dev/null
mv "$out.new" "$out"
echo "$out"
