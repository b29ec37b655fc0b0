#!/bin/sh
# abi.sh check|update LIBRARY HEADER BASELINE
#
# Compares what LIBRARY exports with the baseline in the tree. New functions and new enumerators
# pass; whatever would break a program built against an older vmlift.h fails. `update` writes the
# baseline anew: after an addition, or never.
set -eu
job=$1 library=$2 header=$3 baseline=$4

for tool in abidw abidiff; do
  if ! command -v $tool >/dev/null; then
    echo "skipped: $tool is absent (Debian: abigail-tools)"
    exit 77
  fi
done

# A folder with nothing but the header: what is defined elsewhere, the objects behind the handles
# above all, is private.
promised=$(mktemp -d)
trap 'rm -rf "$promised"' EXIT
cp "$header" "$promised"

describe() {
  abidw --drop-private-types --exported-interfaces-only --headers-dir "$promised" \
    --no-elf-needed --no-corpus-path --no-comp-dir-path --no-show-locs "$library"
}

case $job in
  update) describe >"$baseline" ;;
  check)
    found=$promised/found.abi
    # Both sides described in the same way: compared straight to a library, changed structs hide.
    describe >"$found"
    if ! grep -q '<abi-instr' "$found"; then
      echo "skipped: the library has no debugging information to describe"
      exit 77
    fi
    abidiff --no-added-syms "$baseline" "$found"
    ;;
  *) exit 64 ;;
esac
