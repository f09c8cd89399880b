# An engine of our own for the tests: see FakeEngine.cs.
if (-not ('FakeEngine' -as [type])) { Add-Type -TypeDefinition (Get-Content -Raw (Join-Path $PSScriptRoot 'FakeEngine.cs')) -IgnoreWarnings -WarningAction Ignore }

function New-FakeEngine { [FakeEngine]::new() }

Export-ModuleMember -Function *
