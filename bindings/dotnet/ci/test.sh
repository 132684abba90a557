#!/usr/bin/env bash
# Tests bindings/dotnet against a native library:
#
#   test.sh NATIVE-LIBRARY OUTPUT-FOLDER [PATTERN]
#
# With a .NET SDK on PATH that is `dotnet test`. Without one: the real CoreCLR and
# compiler that runtime.sh fetches. Exit code 77: neither can be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "$1")
mkdir -p "$2"
out=$(cd "$2" && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_EnableDiagnostics=0
# The fetched runtime has no ICU; the library needs no cultures.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

if command -v dotnet >/dev/null && [[ -n $(dotnet --list-sdks 2>/dev/null) ]]; then
  exec dotnet test "$here/../NotationVerifier.Tests" -p:NativeLibrary="$library"
fi

runtime=$("$here/runtime.sh" "${DOTNET_CI_CACHE:-$out/runtime}")
rm -rf "$out/bin"
"$here/build.sh" "$runtime" "$out/bin"
mkdir -p "$out/bin/runtimes/linux-x64/native"
cp "$library" "$out/bin/runtimes/linux-x64/native/libnotation_verifier.so"
NOTATION_REPOSITORY=$(cd "$here/../../.." && pwd)
export NOTATION_REPOSITORY
# Tests start the example: with the program that runs them.
export DOTNET_ROOT=$runtime/net
"$runtime/net/dotnet" "$out/bin/nunit.dll" "$out/bin/NotationVerifier.Tests.dll" "${@:3}"
