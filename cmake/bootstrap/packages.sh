# What the project needs from Debian 12, by purpose. Only what is missing is installed.
debian_packages=(
  # compilers and build tools
  g++ clang-19 libclang-rt-19-dev cmake ninja-build pkg-config ccache
  # libraries
  libfmt-dev libdeflate-dev libisal-dev zlib1g-dev liblzma-dev libzstd-dev libpugixml-dev
  nlohmann-json3-dev libyaml-cpp-dev libssl-dev libsqlite3-dev
  # headers of libraries that are loaded when needed: disks on servers, hypervisors
  libnbd-dev librbd-dev libvirt-dev
  # tests and benchmarks
  doctest-dev libbenchmark-dev abigail-tools strace
  # the Python package, its command line and its tests
  python3 python3-dev python3-venv python3-pip pybind11-dev
  # independent opinions on what vmlift writes: disks, machines, definitions
  libvmdk1 qemu-utils qemu-system-x86 ovmf libxml2-utils
  libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system
  swtpm swtpm-tools virt-v2v
  # servers that hold disks: NBD with and without TLS, a Ceph cluster of one monitor and one OSD
  nbdkit libnbd-bin gnutls-bin openssl ceph-mon ceph-osd ceph-common qemu-block-extra
  # the sample appliance: its root file system, partition table, boot loader and drivers
  busybox-static e2fsprogs fdisk grub-pc-bin kmod
)

# The python3 that the shell finds must import these: "module debian-package pypi-name".
python_modules=(
  "rich python3-rich rich"
  "yaml python3-yaml pyyaml"
  "pytest python3-pytest pytest"
  "mypy python3-mypy mypy"
)

# The sample appliance runs Debian's kernel, taken from its package without installing it.
guest_kernel=${XDG_CACHE_HOME:-~/.cache}/vmlift/guest-kernel.deb

install_dependencies() {
  local began=$EPOCHREALTIME
  say "Dependencies: installing what this machine lacks."
  install_debian_packages "${debian_packages[@]}"
  install_python_modules
  fetch_guest_kernel
  say "  everything is there, after $(elapsed "$began") s"
  say
}

package_lists_are_new=
install_debian_packages() {
  local missing
  mapfile -t missing < <(missing_debian_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  say "  missing: ${missing[*]}"
  if [[ -z $package_lists_are_new ]]; then
    step apt-update "reading Debian's package lists" as_root apt-get update
    package_lists_are_new=yes
  fi
  step apt-install "installing ${#missing[@]} packages with what they need" \
    as_root apt-get install -y --no-install-recommends "${missing[@]}"
}

missing_debian_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

# Debian's own python3 takes its modules from Debian (its pip refuses to install); any other
# python3 that stands first in PATH (pyenv, a virtual environment) takes them from PyPI.
install_python_modules() {
  local row module package pypi_name packages=() pypi_names=()
  for row in "${python_modules[@]}"; do
    read -r module package pypi_name <<<"$row"
    if ! python3 -c "import $module" 2>/dev/null; then
      packages+=("$package")
      pypi_names+=("$pypi_name")
    fi
  done
  ((${#packages[@]} > 0)) || return 0
  if [[ $(python3 -c 'import sys; print(sys.prefix)') == /usr ]]; then
    install_debian_packages "${packages[@]}"
  else
    step pip-install "installing into $(command -v python3): ${pypi_names[*]}" \
      python3 -m pip install "${pypi_names[@]}"
  fi
}

fetch_guest_kernel() {
  [[ ! -e $guest_kernel ]] || return 0
  step guest-kernel "fetching the kernel package of the sample guest" download_guest_kernel
}

download_guest_kernel() {
  local folder
  mkdir -p "$(dirname "$guest_kernel")" && folder=$(mktemp -d "$guest_kernel.XXXXXX") || return
  # Absent or outdated package lists are read anew, once.
  { download_current_kernel "$folder" ||
    { as_root apt-get update && download_current_kernel "$folder"; }; } &&
    mv "$folder"/linux-image-*.deb "$guest_kernel" && rmdir "$folder"
}

# The package linux-image-amd64 is empty and depends on the current kernel's.
download_current_kernel() {
  local name
  name=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  [[ -n $name ]] && (cd "$1" && apt-get download "$name")
}

as_root() {
  if ((EUID == 0)); then
    DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    say "this needs root: $*" >&2
    return 1
  fi
}
