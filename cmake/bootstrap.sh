#!/usr/bin/env bash
# From a bare Debian 12 to a working vmlift. Each job does what it needs and may be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source cmake/bootstrap/steps.sh     # how a step is announced, timed and logged
source cmake/bootstrap/packages.sh  # what is needed, and installing what is missing
source cmake/bootstrap/build.sh     # configuring and building
source cmake/bootstrap/test.sh      # every test runner, one summary
source cmake/bootstrap/demo.sh      # an appliance, migrated and booted

usage() {
  cat <<'TEXT'
usage: cmake/bootstrap.sh deps|demo|test

  deps   install what is missing (apt; as root, or through sudo)
  demo   deps, build, then migrate a sample VMware appliance and boot the result
  test   deps, build with two compilers and with the address, undefined and thread
         sanitizers, then run every test

Builds go to build/, logs to build/logs/.
TEXT
}

case "${1-}" in
  deps) install_dependencies ;;
  demo) install_dependencies; run_demo ;;
  test) install_dependencies; run_tests ;;
  -h | --help) usage ;;
  *) usage >&2; exit 64 ;;
esac
