#!/bin/bash
exec "$(dirname "$(readlink -f "$0")")/build/tasks.sh" "$@"
