#!/bin/sh
# What the tests marked `system` and `browser` need from Debian. Without root it only says so.
set -eu
packages="postgresql-15 chromium redis-server iproute2 caddy prometheus systemd faketime"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, their tests will be skipped:$missing"
    exit 0
fi
echo "installing$missing ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# No cluster of Debian's own: the tests start theirs.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
apt-get install -q -y --no-install-recommends $missing >/dev/null
