# What the tests share: the module under test, the engine, unique names, and their removal.

$script:prefix = "gpt$PID"

# Imports the module under test and points it at the test engine; call it in BeforeAll.
function Initialize-TestEngine {
    if (-not $env:GANTRY_TEST_HOST) { throw 'GANTRY_TEST_HOST is not set: run the tests with Invoke-Tests.ps1.' }
    Import-Module (Join-Path $env:GANTRY_TEST_MODULE 'Gantry.psd1') -Global
    $env:GANTRY_HOST = $env:GANTRY_TEST_HOST
    Remove-Item Env:DOCKER_HOST -ErrorAction Ignore
}

# A name that nobody else has: gpt4711-web-3.
function New-TestName([string] $Kind = 'c') {
    # Files import this anew, and still no name comes twice.
    $global:GantryTestCount++
    "$script:prefix-$Kind-$global:GantryTestCount"
}

# The pattern of all names of this run.
function Get-TestPattern([string] $Kind = '*') { "$script:prefix-$Kind*" }

# Removes what this run has made; call it in AfterAll.
function Clear-TestEngine {
    Get-Container "$script:prefix-*" | ForEach-Object {
        if ($_.State -eq 'Paused' -and (Get-Command Resume-Container -ErrorAction Ignore)) { $_ | Resume-Container -ErrorAction Ignore }
        $_ | Remove-Container -Force -Volume -ErrorAction Ignore
    }
    Get-ContainerImage "$script:prefix-*" | Remove-ContainerImage -Force -ErrorAction Ignore | Out-Null
    # A container that is just being removed still uses its volumes.
    Wait-Until -Because 'the volumes are removed' {
        $volumes = @((Invoke-EngineRequest http://engine/volumes | ConvertFrom-Json).Volumes.Name | Where-Object { $_ -like "$script:prefix-*" })
        foreach ($volume in $volumes) { try { $null = Invoke-EngineRequest '-X', 'DELETE', "http://engine/volumes/$volume" } catch { } }
        $volumes.Count -eq 0
    }
    Get-ContainerEngineSession | Disconnect-ContainerEngine
    Remove-Item Env:GANTRY_HOST -ErrorAction Ignore
}

# A container that runs for a while and ends at once when it is told to.
function Start-TestContainer([string] $Name = (New-TestName), [hashtable] $With = @{}) {
    $container = New-Container busybox -Name $Name -Command sh, -c, 'trap "exit 0" TERM INT; while :; do sleep 0.2; done' @With | Start-Container -PassThru
    # The first process of a pid namespace never sees a signal that it has no handler for yet.
    $status = "/proc/$(($container | Get-ContainerDetail).ProcessId)/status"
    while ((Test-Path $status) -and (Get-Content $status | Where-Object { $_ -match '^SigCgt:\s+([0-9a-f]+)$' } | ForEach-Object { ([Convert]::ToUInt64($Matches[1], 16) -band 0x4000) -eq 0 })) {
        [Threading.Thread]::Sleep(5)
    }
    $container
}

# Whether the engine is Gantry: it describes its commands.
function Test-GantryEngine {
    try { $null = Get-EngineCommand -ErrorAction Stop; $true }
    catch { if ($_.FullyQualifiedErrorId -like 'NotSupportedByEngine,*') { $false } else { throw } }
}

# Waits until a condition holds; a test that would wait longer has failed.
function Wait-Until([scriptblock] $Condition, [int] $Seconds = 60, [string] $Because = "$Condition") {
    $limit = [DateTime]::UtcNow.AddSeconds($Seconds)
    while (-not (& $Condition)) {
        if ([DateTime]::UtcNow -gt $limit) { throw "not within $Seconds s: $Because" }
        [Threading.Thread]::Sleep(20)
    }
}

# Runs a script in a runspace of its own, as a person at a second prompt would, and gives the PowerShell object with the output collected in .Results.
function Start-Script([string] $Script, [hashtable] $Variables = @{}) {
    $state = [initialsessionstate]::CreateDefault()
    $state.ImportPSModule([string[]](Join-Path $env:GANTRY_TEST_MODULE 'Gantry.psd1'))
    $runspace = [runspacefactory]::CreateRunspace($state)
    $runspace.Open()
    foreach ($name in $Variables.Keys) { $runspace.SessionStateProxy.SetVariable($name, $Variables[$name]) }
    $shell = [powershell]::Create($runspace)
    $null = $shell.AddScript($Script)
    $results = [System.Management.Automation.PSDataCollection[psobject]]::new()
    $running = $shell.GetType().GetMethods().Where({ $_.Name -eq 'BeginInvoke' -and $_.IsGenericMethod -and $_.GetParameters().Count -eq 2 })[0].MakeGenericMethod([psobject], [psobject]).Invoke($shell, @($null, $results))
    [pscustomobject]@{ Shell = $shell; Runspace = $runspace; Results = $results; Running = $running }
}

# What a script has given so far. (Enumerating its collection would wait for its end.)
function Get-Result($Script) {
    for ($i = 0; $i -lt $Script.Results.Count; $i++) { $Script.Results[$i] }
}

# Presses Ctrl-C: true when the script has ended within the limit.
function Stop-Script($Script, [int] $Seconds = 20) {
    $stopping = $Script.Shell.BeginStop($null, $null)
    $stopping.AsyncWaitHandle.WaitOne([TimeSpan]::FromSeconds($Seconds))
}

function Remove-Script($Script) {
    $null = $Script.Shell.BeginStop($null, $null).AsyncWaitHandle.WaitOne(5000)
    $Script.Shell.Dispose()
    $Script.Runspace.Dispose()
}

# What Tab offers at the end of a line.
function Get-Completion([string] $Line) { (TabExpansion2 -inputScript $Line -cursorColumn $Line.Length).CompletionMatches }

# What an engine's list offers: a Tab that comes before the list offers names of files, so it is pressed again.
function Wait-Completion([string] $Line) {
    $limit = [DateTime]::UtcNow.AddSeconds(20)
    do { $found = @(Get-Completion $Line | Where-Object ResultType -eq ParameterValue) } until ($found -or [DateTime]::UtcNow -gt $limit)
    $found
}

# Ends the loop of containers whose script has 'while [ ! -e /go ]'.
function Set-Go([object[]] $Container) { $Container | ForEach-Object { Invoke-ContainerCommand $_.Name touch /go } }

# The error's own id, without the cmdlet behind the comma.
function Get-ErrorId($ErrorRecord) { $ErrorRecord.FullyQualifiedErrorId.Split(',')[0] }

# A tar archive with these files: @{ 'etc/hostname' = 'text' }.
function New-TestTar([string] $Path, [hashtable] $Files) {
    $file = [IO.File]::Create($Path)
    $tar = [System.Formats.Tar.TarWriter]::new($file)
    foreach ($name in $Files.Keys) {
        $entry = [System.Formats.Tar.PaxTarEntry]::new([System.Formats.Tar.TarEntryType]::RegularFile, $name)
        $entry.DataStream = [IO.MemoryStream]::new([Text.Encoding]::UTF8.GetBytes($Files[$name]))
        $tar.WriteEntry($entry)
    }
    $tar.Dispose()
    $file.Dispose()
}

# A request without the module's help, for what it has no cmdlet for.
function Invoke-EngineRequest([string[]] $Arguments) {
    & curl -sf --unix-socket ($env:GANTRY_TEST_HOST -replace '^unix://') @Arguments
    if ($LASTEXITCODE) { throw "curl $Arguments ended with $LASTEXITCODE" }
}

function Save-TestImage([string] $Name, [string] $Path) { Invoke-EngineRequest '-o', $Path, "http://engine/images/$Name/get" }

Export-ModuleMember -Function *
