#!/bin/sh
# examples_test.sh CONVERT MAP FOLDER: runs the example programs on a small disk.
set -eu
convert=$1 map=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
printf 'some data' >source.raw
truncate -s 1M source.raw

"$convert" raw source.raw raw copy.raw
cmp source.raw copy.raw
"$map" raw copy.raw | grep -q '^0 '

# An error is told and is the exit status.
if "$convert" raw source.raw raw copy.raw 2>errors; then
  echo "an existing target was replaced" >&2
  exit 1
fi
grep -q '^Exists: ' errors
