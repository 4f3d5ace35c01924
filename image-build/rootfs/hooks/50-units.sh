#!/bin/sh
# Which of the system's units run, and which do not.
set -eu
on() { systemctl --quiet --root="$root" enable "$@"; }
on systemd-networkd.service systemd-resolved.service systemd-timesyncd.service vigie-data-problem.service
# Off until a key is given; nothing waits for a network; nobody reads mail or looks for updates of packages here.
systemctl --quiet --root="$root" disable ssh.service ssh.socket systemd-networkd-wait-online.service \
  systemd-pstore.service e2scrub_reap.service e2scrub_all.timer dpkg-db-backup.timer || true
systemctl --quiet --root="$root" mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
  systemd-update-utmp.service wpa_supplicant.service
# It would open SSH to a host of virtual machines, whether a key was given or not.
mkdir -p "$root/etc/systemd/system-generators"
ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-ssh-generator"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
# No password anywhere: root's is locked, and nobody else may log in.
chroot "$root" passwd --quiet --lock root
