# Sourced. fat FILE LABEL MIB, then put FILE SOURCE PATH …: FAT partitions without mounting any.

fat() {
  rm -f "$1"
  truncate -s "$3M" "$1"
  mkfs.vfat --invariant -n "$2" "$1" >/dev/null
}

# put FILE SOURCE PATH: the folders of PATH are made. Times are those of the sources.
put() {
  folder=
  set -- "$1" "$2" "${3#/}"
  rest=$3
  while [ "${rest#*/}" != "$rest" ]; do
    folder=$folder/${rest%%/*}
    rest=${rest#*/}
    mdir -i "$1" "::$folder" >/dev/null 2>&1 || mmd -i "$1" "::$folder"
  done
  touch -d "@$SOURCE_DATE_EPOCH" "$2"
  TZ=UTC mcopy -m -o -i "$1" "$2" "::/$3"
}

# put_folder FILE FOLDER: all that lies in it.
put_folder() {
  (cd "$2" && find . -type f | LC_ALL=C sort) | while read -r path; do
    put "$1" "$2/$path" "${path#./}"
  done
}
