#!/bin/sh
# Prints the mirror that this machine takes its Debian packages from.
apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | head -n 1
