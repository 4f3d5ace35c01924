#!/bin/sh
# First boot, the set-up page, and what both turn on.
set -eu
# ssh.service has a condition: without a key it does not start.
systemctl --quiet --root="$root" enable vigie-first-boot.service vigie-setup.service vigie-wifi.service ssh.service
# An image has no configuration until somebody gives it one; the package's example stays in /usr/share/doc.
rm -f "$root/etc/vigie/vigie.yaml"
