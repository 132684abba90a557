#!/usr/bin/env bash
# Compiles the library, the tests and the example with the fetched compiler, and has
# MSBuild pack the library.
#
#   build.sh RUNTIME-FOLDER OUTPUT-FOLDER
#
# What a person with an SDK gets from `dotnet build`: the same sources, warnings
# are errors, missing documentation of something public is one of them.
set -euo pipefail
runtime=$1 out=$2
cd "$(dirname "$0")/.."
mkdir -p "$out"
out=$(cd "$out" && pwd)
# ImplicitUsings of the SDK, which csc does not have.
cat >"$out/GlobalUsings.cs" <<'CS'
global using System;
global using System.Collections.Generic;
global using System.IO;
global using System.Linq;
global using System.Net.Http;
global using System.Threading;
global using System.Threading.Tasks;
CS
csc() {
  "$runtime/net/dotnet" "$runtime/roslyn/csc.dll" -nologo -langversion:12 -nullable:enable \
    -warn:8 -warnaserror+ -deterministic+ "$@" "$out/GlobalUsings.cs"
}
# An own csc process for each: two cores.
csc -unsafe -target:library -doc:"$out/NotationVerifier.xml" -out:"$out/NotationVerifier.dll" \
  "-recurse:NotationVerifier/*.cs"
# The declarations for the source generator, which comes with an SDK: all that is
# missing are the bodies that it writes.
if csc -unsafe -define:LIBRARY_IMPORT -target:library -out:"$out/LibraryImport.dll" \
  "-recurse:NotationVerifier/*.cs" >"$out/LibraryImport.log"; then
  echo "declarations without bodies compile: LIBRARY_IMPORT has no effect" >&2
  exit 1
fi
imports=$(grep -c '\[LibraryImport(' NotationVerifier/Native/NativeMethods.LibraryImport.cs)
if grep -v 'error CS8795:' "$out/LibraryImport.log" ||
  [[ $(grep -c 'error CS8795:' "$out/LibraryImport.log") != "$imports" ]]; then
  echo "the declarations for LibraryImport do not compile" >&2
  exit 1
fi
echo "LibraryImport: $imports declarations compile, but for what a generator writes"
cp "$runtime/nunit/nunit.framework.dll" "$out"
csc -target:library -r:"$out/NotationVerifier.dll" -r:"$out/nunit.framework.dll" \
  -out:"$out/NotationVerifier.Tests.dll" "-recurse:NotationVerifier.Tests/*.cs"
csc -target:exe -r:"$out/nunit.framework.dll" -out:"$out/nunit.dll" ci/NUnitMain.cs
csc -target:exe -r:"$out/NotationVerifier.dll" -out:"$out/VerifyImageInfo.dll" \
  "-recurse:examples/VerifyImageInfo/*.cs"

# What trimming and ahead-of-time compilation take away.
mkdir -p "$out/trim"
cp "$runtime"/roslyn/Microsoft.CodeAnalysis*.dll "$out/trim"
csc -nowarn:1701 -target:exe -out:"$out/trim/TrimCheck.dll" ci/TrimCheck.cs \
  -r:"$out/trim/"Microsoft.CodeAnalysis{,.CSharp}.dll
cp "$runtime/roslyn/csc.runtimeconfig.json" "$out/trim/TrimCheck.runtimeconfig.json"
"$runtime/net/dotnet" "$out/trim/TrimCheck.dll" NotationVerifier "$out/GlobalUsings.cs"

# MSBuild needs its own libraries beside it, in a folder of their own.
rm -rf "$out/pack"
mkdir -p "$out/pack/scratch"
cp "$runtime"/msbuild/*.dll "$out/pack"
csc -target:exe -out:"$out/pack/PackCheck.dll" ci/PackCheck.cs \
  -r:"$out/pack/"{Microsoft.Build,Microsoft.Build.Framework,NuGet.Frameworks,NuGet.Packaging,NuGet.Versioning}.dll
cp "$runtime/roslyn/csc.runtimeconfig.json" "$out/pack/PackCheck.runtimeconfig.json"
"$runtime/net/dotnet" "$out/pack/PackCheck.dll" NotationVerifier/NotationVerifier.csproj ci/sdk "$out" "$out/pack/scratch"

for program in nunit VerifyImageInfo; do
  cp "$runtime/roslyn/csc.runtimeconfig.json" "$out/$program.runtimeconfig.json"
done
