#!/usr/bin/env bash
# Installs the C library: headers, shared and static library, pkg-config file, CMake
# package.
#
#   bindings/c/install.sh [--prefix DIR] [--libdir DIR] [--destdir DIR] [--profile NAME]
#
# The prefix is /usr/local, the libraries go to PREFIX/lib, the profile is `release`.
# What is built is built by cargo into its usual folder. For Linux and other systems
# with ELF; `cargo cinstall` (cargo-c) does the same elsewhere.
set -euo pipefail

prefix=/usr/local
libdir=
destdir=
profile=release
while [[ $# -gt 0 ]]; do
  case $1 in
    --prefix | --libdir | --destdir | --profile)
      [[ $# -ge 2 ]] || { echo "$1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"
      shift 2
      ;;
    *)
      sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done
libdir=${libdir:-$prefix/lib}
case $prefix:$libdir in /*:/*) ;; *) echo "prefix and libdir must be absolute" >&2; exit 2 ;; esac

cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
folder=$profile
cargo_profile=$profile
[[ $profile != debug ]] || cargo_profile=dev
cargo build --locked -p notation-verifier-c --profile "$cargo_profile"
built=$target/$folder

version=$(sed -n '/^\[workspace.package\]/,/^\[package\]/s/^version = "\(.*\)"/\1/p' Cargo.toml)
major=${version%%.*}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The static library has the names of everything that it is made of, the standard
# library of Rust among them, and would clash with another one of its kind. One
# object with nothing but `nv_` left to see does not.
static=$built/libnotation_verifier.a
if command -v ld >/dev/null && command -v objcopy >/dev/null; then
  ld -r --whole-archive "$static" -o "$scratch/notation_verifier.o"
  # Rust's standard library brings the code for link-time optimisation by its own
  # compiler along: other tools take it for theirs, and it doubles the size.
  objcopy --keep-global-symbols=include/symbols.txt --remove-section=.llvmbc \
    --remove-section=.llvmcmd "$scratch/notation_verifier.o"
  [[ $profile == debug ]] || objcopy --strip-debug "$scratch/notation_verifier.o"
  static=$scratch/libnotation_verifier.a
  ar rcs "$static" "$scratch/notation_verifier.o"
fi

# What a program needs beside the static library, as rustc lists it for Linux.
needs="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

put() { install -D -m "$1" "$2" "$destdir$3"; }

put 644 include/notation_verifier.h "$prefix/include/notation_verifier.h"
put 644 include/notation_verifier.hpp "$prefix/include/notation_verifier.hpp"
put 755 "$built/libnotation_verifier.so" "$libdir/libnotation_verifier.so.$version"
ln -sf "libnotation_verifier.so.$version" "$destdir$libdir/libnotation_verifier.so.$major"
ln -sf "libnotation_verifier.so.$major" "$destdir$libdir/libnotation_verifier.so"
put 644 "$static" "$libdir/libnotation_verifier.a"

cat >"$scratch/notation-verifier.pc" <<EOF
prefix=$prefix
libdir=$libdir
includedir=\${prefix}/include

Name: notation-verifier
Description: Embeddable verifier for Notary Project (Notation) signatures
Version: $version
Libs: -L\${libdir} -lnotation_verifier
Libs.private: $needs
Cflags: -I\${includedir}
EOF
put 644 "$scratch/notation-verifier.pc" "$libdir/pkgconfig/notation-verifier.pc"

# From the folder of the package to those of the library and the headers, so that
# the tree can be moved.
package=$libdir/cmake/notation-verifier
up=$(realpath -m --relative-to="$package" "$libdir")
include=$(realpath -m --relative-to="$package" "$prefix/include")
cat >"$scratch/config.cmake" <<EOF
# Targets: notation-verifier::shared, notation-verifier::static.
get_filename_component(_nv_lib "\${CMAKE_CURRENT_LIST_DIR}/$up" ABSOLUTE)
get_filename_component(_nv_include "\${CMAKE_CURRENT_LIST_DIR}/$include" ABSOLUTE)
if(NOT TARGET notation-verifier::shared)
  add_library(notation-verifier::shared SHARED IMPORTED)
  set_target_properties(notation-verifier::shared PROPERTIES
    IMPORTED_LOCATION "\${_nv_lib}/libnotation_verifier.so.$version"
    IMPORTED_SONAME "libnotation_verifier.so.$major"
    INTERFACE_INCLUDE_DIRECTORIES "\${_nv_include}")
endif()
if(NOT TARGET notation-verifier::static)
  add_library(notation-verifier::static STATIC IMPORTED)
  set_target_properties(notation-verifier::static PROPERTIES
    IMPORTED_LOCATION "\${_nv_lib}/libnotation_verifier.a"
    INTERFACE_LINK_LIBRARIES "$needs"
    INTERFACE_INCLUDE_DIRECTORIES "\${_nv_include}")
endif()
unset(_nv_lib)
unset(_nv_include)
EOF
cat >"$scratch/version.cmake" <<EOF
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR
   NOT PACKAGE_FIND_VERSION_MAJOR EQUAL $major)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
EOF
put 644 "$scratch/config.cmake" "$package/notation-verifier-config.cmake"
put 644 "$scratch/version.cmake" "$package/notation-verifier-config-version.cmake"
echo "installed notation-verifier $version below $destdir$prefix"
