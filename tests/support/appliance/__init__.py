"""A small bootable VMware appliance, made from Debian packages, and a way to boot what it became."""
