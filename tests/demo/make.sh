#!/usr/bin/env bash
# Makes the demo again: fresh keys, which are not kept. Needs Go.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf blob config layout tampered
demo=$PWD
cd ../interop
go run -mod=mod . demo "$demo"
