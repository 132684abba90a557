#!/usr/bin/env bash
# Compiles the library, the tests and the example with the fetched compiler.
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
cp "$runtime/nunit/nunit.framework.dll" "$out"
csc -target:library -r:"$out/NotationVerifier.dll" -r:"$out/nunit.framework.dll" \
  -out:"$out/NotationVerifier.Tests.dll" "-recurse:NotationVerifier.Tests/*.cs"
csc -target:exe -r:"$out/nunit.framework.dll" -out:"$out/nunit.dll" ci/NUnitMain.cs
csc -target:exe -r:"$out/NotationVerifier.dll" -out:"$out/VerifyImageInfo.dll" \
  "-recurse:examples/VerifyImageInfo/*.cs"
for program in nunit VerifyImageInfo; do
  cp "$runtime/roslyn/csc.runtimeconfig.json" "$out/$program.runtimeconfig.json"
done
