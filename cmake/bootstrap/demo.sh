# The demonstration: an appliance as VMware exports it becomes a KVM guest, which is booted.
demo=build/demo
appliance=$demo/sample-guest.ova
guest=$demo/kvm
marker="the guest is up"

run_demo() {
  local began=$EPOCHREALTIME
  export PYTHONPATH=$PWD/build/python:$PWD/tests/support
  rm -rf "$demo"
  mkdir -p "$demo"

  say "Building vmlift."
  step build-demo "the library and its Python package, with GCC" build_tree dev build _core

  say
  say "1. An appliance as VMware would export it: a small Linux (Debian's kernel, busybox) on a"
  say "   SCSI disk behind an LSI Logic controller, with a VMXNET3 network card."
  step appliance "making $appliance" make_appliance
  show tar --list --verbose --file "$appliance"

  say
  say "2. vmlift migrates it to a qcow2 disk and a libvirt domain, and says which settings of the"
  say "   source did not simply carry over."
  migrate_appliance
  show ls -l "$guest"
  say "   What became of every single setting, and every choice made, is in $(report)."

  say
  say "3. The domain:"
  show cat "$(domain)"

  say
  say "4. Other tools' opinion on the result."
  step validate "virt-xml-validate: is the domain what libvirt accepts?" \
    virt-xml-validate "$(domain)" domain
  step check "qemu-img check: is the disk in order?" qemu-img check "$(disk)"
  step compare "qemu-img compare: does it hold the same bytes as the source?" compare_with_source

  say
  say "5. libvirt and QEMU boot the migrated guest in software emulation. Its console:"
  boot_guest

  say
  say "The migrated guest is up, $(elapsed "$began") s after the start. Everything is in $demo/."
}

# show COMMAND...: what it says, indented.
show() { "$@" 2>&1 | sed 's/^/     /'; }

make_appliance() {
  python3 -m appliance.make "$appliance" --marker "$marker" \
    --convert "python3 -m vmlift convert -f raw -O vmdk -o subformat=streamOptimized"
}

migrate_appliance() {
  local began=$EPOCHREALTIME
  say "   \$ vmlift migrate $appliance --to $guest -O qcow2"
  show python3 -m vmlift migrate "$appliance" --to "$guest" -O qcow2
  say "   migrated in $(elapsed "$began") s"
}

domain() { echo "$guest"/*.xml; }
disk() { echo "$guest"/*.qcow2; }
report() { echo "$guest"/*.json; }

compare_with_source() {
  tar --extract --directory "$demo" --file "$appliance" --wildcards '*.vmdk' &&
    qemu-img compare "$demo"/*.vmdk "$(disk)" && rm "$demo"/*.vmdk
}

boot_guest() {
  local began=$EPOCHREALTIME
  python3 -m appliance.boot "$(domain)" --marker "$marker" --timeout 180
  say "   booted in $(elapsed "$began") s"
}
