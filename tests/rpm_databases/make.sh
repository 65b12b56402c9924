#!/bin/sh
# Makes the databases beside it: three packages in two of rpm's forms, written by rpm itself
# and by Berkeley DB's db_load. Needs Debian's rpm, sqlite3 and db-util; its rpm has no ndb.
#
#   make.sh     rpmdb.sqlite.gz and Packages.gz are written anew
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

spec() { # spec NAME VERSION RELEASE EPOCH ARCHITECTURE FILE...
  name=$1
  cat >"$name-$5.spec" <<SPEC
Name: $name
Version: $2
Release: $3
${4:+Epoch: $4}
Summary: A package
License: none
%description
A package.
%prep
%build
%install
SPEC
  architecture=$5
  shift 5
  for file; do
    echo "mkdir -p \"%{buildroot}$(dirname "$file")\"; echo '$name $architecture' >\"%{buildroot}$file\"" >>"$name-$architecture.spec"
  done
  echo '%files' >>"$name-$architecture.spec"
  printf '"%s"\n' "$@" >>"$name-$architecture.spec"
  SOURCE_DATE_EPOCH=1700000000 rpmbuild --quiet -bb --target "$architecture" --define "_topdir $work" --define '_build_id_links none' \
    --define 'use_source_date_epoch_as_buildtime 1' --define '_buildhost localhost' "$name-$architecture.spec"
}
# One of many files, so that its header takes several pages.
many=$(i=0; while [ $i -lt 60 ]; do echo "/usr/share/tool/part-$i/file"; i=$((i + 1)); done)
# shellcheck disable=SC2086
spec tool 2.0~rc1 3.el9 1 x86_64 /usr/bin/tool '/etc/tool.d/a b' $many
spec library 1.4^git7 1 '' x86_64 /usr/lib64/library.so.1
spec library 1.4^git7 1 '' i686 /usr/lib/library.so.1

mkdir sqlite
rpm --dbpath "$work/sqlite" --define '_db_backend sqlite' --justdb --nodeps --ignorearch --quiet -i RPMS/*/*.rpm
# As rpm before 4.16 kept it: the number of a package, 4 bytes in the machine's order, and its
# header; under 0 the highest number.
{
  printf 'VERSION=3\nformat=bytevalue\ntype=hash\nh_nelem=3\ndb_pagesize=4096\nHEADER=END\n'
  printf ' 00000000\n 03000000\n'
  sqlite3 sqlite/rpmdb.sqlite "SELECT printf(' %02x000000', hnum) || char(10) || ' ' || lower(hex(blob)) FROM Packages"
  echo 'DATA=END'
} | db_load "$work/Packages"
gzip -9nc sqlite/rpmdb.sqlite >"$here/rpmdb.sqlite.gz"
gzip -9nc Packages >"$here/Packages.gz"
