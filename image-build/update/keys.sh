#!/bin/sh
# Makes a development key for system bundles, unless there is one: build/image/keys. Anybody who has this folder can make
# bundles that images built with it install; keep a production key offline (docs/system-update.md).
set -eu
folder=${1:-$(dirname "$(readlink -f "$0")")/../../build/image/keys}
[ ! -s "$folder/signing.cert.pem" ] || exit 0
mkdir -p "$folder"
umask 077
# Into a folder beside, so that an interrupted run leaves no half of a key.
new=$folder/new.$$
mkdir "$new"
trap 'rm -rf "$new"' EXIT
curve="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256"
# shellcheck disable=SC2086 # Several options.
openssl req -x509 $curve -days 7300 -subj '/O=Vigie/CN=Vigie development CA, not for production' \
  -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
  -keyout "$new/ca.key.pem" -out "$new/ca.cert.pem" 2>/dev/null
# shellcheck disable=SC2086
openssl req $curve -subj '/O=Vigie/CN=Vigie development bundles' \
  -keyout "$new/signing.key.pem" -out "$new/signing.csr.pem" 2>/dev/null
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n' >"$new/extensions"
openssl x509 -req -in "$new/signing.csr.pem" -CA "$new/ca.cert.pem" -CAkey "$new/ca.key.pem" -CAcreateserial \
  -days 3650 -sha256 -extfile "$new/extensions" -out "$new/signing.cert.pem" 2>/dev/null
chmod 644 "$new"/*.cert.pem
for name in ca.key ca.cert signing.key signing.cert; do mv "$new/$name.pem" "$folder/$name.pem"; done
echo "keys.sh: a development key for system bundles is in $folder"
