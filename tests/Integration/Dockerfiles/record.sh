#!/bin/bash
# Has dockerd 28 make the expectations of all cases again.
#   tests/Integration/Dockerfiles/record.sh SOCKET BUILDX
#     SOCKET  dockerd's socket
#     BUILDX  path of docker-buildx, for the cases that BuildKit makes
set -eu
cd "$(dirname "$0")/../../.."
export GANTRY_RECORD_FROM=${1:?the socket of dockerd} GANTRY_RECORD_BUILDX=${2:?the path of docker-buildx}
dotnet test tests/Integration --nologo --filter 'FullyQualifiedName~DockerfileTests'
git status --short tests/Integration/Dockerfiles
