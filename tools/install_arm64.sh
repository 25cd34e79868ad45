#!/usr/bin/env bash
# Lays out what builds and runs an arm64 executable on an x86_64 machine of Debian, as an ordinary user: `install_arm64.sh FOLDER`.
# FOLDER/bin gets a `rustc` for both architectures and `run-arm64`, which runs an executable under QEMU as a Graviton2 processor.
# Debian testing has the newest Rust, and keeps no old versions: what is installed is not pinned, so `make check` does not use it.
set -euo pipefail

sources=/etc/apt/sources.list.d/debian.sources
if [ ! -f "$sources" ]; then
  echo "no Debian: got no $sources, install the Rust target aarch64-unknown-linux-gnu and qemu-aarch64-static, or use an Arm machine" >&2
  exit 1
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
mkdir -p "$folder"/{lists/partial,cache/archives/partial,sources,packages,rust,arm64,bin}
: >"$folder/status"
# The machine's own mirror, with another release.
awk '!NF { exit } { print }' "$sources" | sed 's/^Suites:.*/Suites: testing/' >"$folder/sources/testing.sources"
cat >"$folder/apt.conf" <<END
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::State "$folder";
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "$folder/sources";
END

cd "$folder/packages"
(
  export APT_CONFIG="$folder/apt.conf"
  apt-get -qq update
  # What the standard library depends on is what rustc needs to run; Debian's compiler and linker for C are not needed.
  mapfile -t packages < <(apt-get -s install libstd-rust-dev:amd64 | awk '/^Inst/ { print $2 }')
  apt-get -qq download "${packages[@]}" rustc:amd64 libstd-rust-dev:arm64
)
apt-get -qq -o APT::Sandbox::User=root download qemu-user-static libc6-arm64-cross
dpkg-deb --fsys-tarfile qemu-user-static_*.deb | tar -x -C "$folder/bin" --strip-components=3 ./usr/bin/qemu-aarch64-static
dpkg-deb --fsys-tarfile libc6-arm64-cross_*.deb | tar -x -C "$folder/arm64" --strip-components=3 ./usr/aarch64-linux-gnu
rm qemu-user-static_*.deb libc6-arm64-cross_*.deb
for package in *.deb; do
  dpkg-deb -x "$package" "$folder/rust"
done
rm ./*.deb

# With the loader and the libraries that it was built for.
lib=$folder/rust/usr/lib/x86_64-linux-gnu
cat >"$folder/bin/rustc" <<END
#!/bin/sh
exec $folder/rust/usr/lib64/ld-linux-x86-64.so.2 --library-path $lib $folder/rust/usr/bin/rustc --sysroot $folder/rust/usr "\$@"
END
cat >"$folder/bin/run-arm64" <<END
#!/bin/sh
exec $folder/bin/qemu-aarch64-static -cpu neoverse-n1 -L $folder/arm64 "\$@"
END
chmod +x "$folder/bin/rustc" "$folder/bin/run-arm64"
"$folder/bin/rustc" --version
