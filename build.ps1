#!/usr/bin/env pwsh
# The tasks of build/tasks.sh from PowerShell: ./build.ps1 build | test | demo | pack
param([ValidateSet('build', 'test', 'demo', 'pack')] [string] $Task = 'build')
& (Join-Path $PSScriptRoot 'build/tasks.sh') $Task
exit $LASTEXITCODE
