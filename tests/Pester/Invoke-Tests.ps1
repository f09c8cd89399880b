<#
.SYNOPSIS
    Runs the module's Pester tests against an engine, and ends with "N passed, N failed".
.DESCRIPTION
    The engine's address is in GANTRY_TEST_HOST (or -Engine); it must have the image busybox:latest. Names of everything that the tests make begin with
    "gpt" and the process id, and are removed at the end. The module is taken from GANTRY_TEST_MODULE (or -Module), by default out/module/Gantry.
    Needs Pester 5. The exit code is 0 when nothing failed.
.EXAMPLE
    GANTRY_TEST_HOST=unix:///run/gantry/gantry.sock pwsh tests/Pester/Invoke-Tests.ps1
.EXAMPLE
    pwsh tests/Pester/Invoke-Tests.ps1 -Engine unix:///run/gantry/gantry.sock -Path Container*.Tests.ps1 -Name '*signal*'
#>
[CmdletBinding()]
param(
    [string] $Engine = $env:GANTRY_TEST_HOST,
    [string] $Module = ($env:GANTRY_TEST_MODULE ? $env:GANTRY_TEST_MODULE : (Join-Path $PSScriptRoot '../../out/module/Gantry')),
    # Test files, with wildcards.
    [string[]] $Path = '*.Tests.ps1',
    # Only tests with these names, with wildcards.
    [string[]] $Name,
    [ValidateSet('None', 'Normal', 'Detailed', 'Diagnostic')]
    [string] $Output = 'Detailed'
)
$ErrorActionPreference = 'Stop'
if (-not $Engine) { throw 'Say which engine to test with: -Engine, or the variable GANTRY_TEST_HOST.' }
if (-not (Test-Path (Join-Path $Module 'Gantry.psd1'))) { throw "There is no module in '$Module': run 'dotnet publish src/PSModule -o out/module/Gantry'." }
Import-Module Pester -MinimumVersion 5.0

$env:GANTRY_TEST_HOST = $Engine
$env:GANTRY_TEST_MODULE = (Resolve-Path $Module).Path
$configuration = New-PesterConfiguration
# pwsh -File gives a list as one text.
$configuration.Run.Path = @($Path -split ',' | ForEach-Object { (Get-ChildItem (Join-Path $PSScriptRoot $_) | Where-Object Name -like *.Tests.ps1).FullName })
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = $Output
$configuration.Output.RenderMode = 'Plaintext'
if ($Name) { $configuration.Filter.FullName = $Name }
$result = Invoke-Pester -Configuration $configuration

foreach ($test in $result.Skipped) { "skipped: $($test.ExpandedPath): $($test.ErrorRecord.TargetObject.Message ?? $test.ErrorRecord.Exception.Message)" }
# A test that failed may have met a race. When they are few they are run again, three times: it stays a failure unless it passes each time.
$again = 0
if ($result.FailedCount -in 1..3) {
    $configuration.Filter.FullName = @()
    $configuration.Filter.Line = @($result.Failed | ForEach-Object { "$($_.ScriptBlock.File):$($_.StartLine)" })
    $configuration.Run.Path = @($result.Failed.ScriptBlock.File | Select-Object -Unique)
    $rounds = foreach ($round in 1..3) { Invoke-Pester -Configuration $configuration }
    if (-not ($rounds | Where-Object { $_.Result -ne 'Passed' -or $_.PassedCount -eq 0 })) { $again = $result.FailedCount }
}
foreach ($test in $result.Failed) { "$($again ? 'passed when run again' : 'failed'): $($test.ExpandedPath)" }
foreach ($container in $result.FailedContainers) { "failed: $($container.Item): $($container.ErrorRecord.Exception.Message -join '; ')" }
foreach ($block in $result.FailedBlocks) { "failed: $($block.ExpandedPath): $($block.ErrorRecord.Exception.Message -join '; ')" }
if ($result.SkippedCount) { "$($result.SkippedCount) skipped" }
$failed = $result.FailedCount - $again + $result.FailedBlocksCount + $result.FailedContainersCount
"$($result.PassedCount + $again) passed, $failed failed"
exit ($failed -eq 0 ? 0 : 1)
