BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'Suspend- and Resume-Container' {
    It 'freeze and let go on' {
        $container = Start-TestContainer
        ($container | Suspend-Container -PassThru).State | Should -Be Paused
        $container | Resume-Container | Should -BeNullOrEmpty
        (Get-Container $container.Name).State | Should -Be Running
    }

    It 'one that does not run cannot be suspended' {
        New-Container busybox -Name (New-TestName) -Command true | Suspend-Container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerConflict
    }

    It 'do nothing with -WhatIf' {
        $container = Start-TestContainer
        $container | Suspend-Container -WhatIf
        (Get-Container $container.Name).State | Should -Be Running
    }

    It 'offer what is suspended' {
        $container = Start-TestContainer | Suspend-Container -PassThru
        $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST
        try { (Wait-Completion "Resume-Container $($container.Name)").CompletionText | Should -Be $container.Name }
        finally { $container | Resume-Container }
    }
}

Describe 'Set-Container' {
    It 'changes what is named, and nothing else' {
        $container = New-Container busybox -Name (New-TestName) -Command sleep, 60 -Memory 64MB -Cpu 0.5
        $container | Set-Container -Memory 128m -MemorySwap 256MB -RestartPolicy on-failure:2 | Should -BeNullOrEmpty
        $detail = $container | Get-ContainerDetail
        $detail.Memory | Should -Be 128MB
        $detail.Cpu | Should -Be 0.5
        "$($detail.RestartPolicy)" | Should -Be on-failure:2
    }

    It 'changes a running container' { (Start-TestContainer | Set-Container -PidLimit 50 -PassThru | Get-ContainerDetail).PidLimit | Should -Be 50 }

    It 'refuses less memory than an engine allows' {
        New-Container busybox -Name (New-TestName) -Command true | Set-Container -Memory 1MB -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -BeIn InvalidArgument, InvalidResult
    }

    It 'changes nothing with -WhatIf' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $container | Set-Container -PidLimit 9 -WhatIf
        ($container | Get-ContainerDetail).PidLimit | Should -Not -Be 9
    }
}

Describe 'Measure-Container' {
    BeforeAll { $busy = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while :; do :; done' -Cpu 0.3 -Memory 64MB | Start-Container -PassThru }

    AfterAll { $busy | Remove-Container -Force }

    It 'gives what a container uses' {
        $stat = Measure-Container $busy.Name
        $stat | Should -BeOfType Gantry.PowerShell.Objects.ContainerStat
        $stat.CpuPercent | Should -BeGreaterThan 1
        $stat.CpuTime | Should -BeOfType timespan
        $stat.MemoryUsed | Should -BeGreaterThan 1000
        $stat.MemoryLimit | Should -Be 64MB
        $stat.ProcessCount | Should -BeGreaterThan 0
    }

    It 'takes one sample with -Instant' {
        $stat = $busy | Measure-Container -Instant
        $stat.CpuPercent | Should -BeNullOrEmpty
        $stat.CpuTime.Ticks | Should -BeGreaterThan 0
    }

    It 'measures all that run without names' { (Measure-Container -Instant).Name | Should -Contain $busy.Name }

    It 'goes on with -Continuous until the pipeline has enough' {
        $stats = Measure-Container $busy.Name -Continuous -Interval 0.3s | Select-Object -First 3
        $stats.Count | Should -Be 3
        $stats[2].CpuTime | Should -BeGreaterThan $stats[0].CpuTime
    }

    It 'ends with the last container' {
        $short = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do sleep 0.1; done' | Start-Container -PassThru
        @($short | Measure-Container -Continuous -Interval 200ms | ForEach-Object { $_; Invoke-ContainerCommand $short.Name touch /go -ErrorAction Ignore }).Count | Should -BeGreaterThan 0
    }

    It 'ends at once when it is stopped' {
        $script = Start-Script 'Measure-Container $name -Continuous -Interval 100ms' @{ name = $busy.Name }
        try {
            Wait-Until { $script.Results.Count -gt 0 }
            Stop-Script $script | Should -BeTrue
        }
        finally { Remove-Script $script }
    }

    It 'warns of one that does not run' {
        $idle = New-Container busybox -Name (New-TestName) -Command true
        Measure-Container $idle.Name -Instant -WarningVariable warning -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$warning" | Should -Match 'does not run'
    }

    It 'has the predecessor''s kind of name' { (Get-Alias Get-ContainerStat).ResolvedCommandName | Should -Be Measure-Container }
}

Describe 'Get-ContainerProcess' {
    BeforeAll { $container = New-Container busybox -Name (New-TestName) -Command sleep, 300 | Start-Container -PassThru }

    It 'lists processes as objects' {
        $processes = Get-ContainerProcess $container.Name -ErrorAction SilentlyContinue -ErrorVariable problem
        if ("$problem" -match 'executable file not found') { Set-ItResult -Skipped -Because 'the engine''s host has no ps'; return }
        $processes[0] | Should -BeOfType Gantry.PowerShell.Objects.ContainerProcess
        $processes[0].ProcessId | Should -BeGreaterThan 0
        $processes[0].CommandLine | Should -Match 'sleep 300'
    }

    It 'has further columns with -Property' {
        $processes = Get-ContainerProcess $container.Name -Property rss, etime -ErrorAction SilentlyContinue -ErrorVariable problem
        if ("$problem" -match 'executable file not found') { Set-ItResult -Skipped -Because 'the engine''s host has no ps'; return }
        [int]$processes[0].RSS | Should -BeGreaterThan 0
        $processes[0].CommandLine | Should -Match 'sleep 300'
    }

    It 'reads a table as the API gives it' {
        $fake = New-FakeEngine
        try {
            $id = 'c' * 64
            $fake.Set('GET /containers/x/json', 200, 'application/json', "{`"Id`":`"$id`",`"Name`":`"/x`"}")
            $fake.Set("GET /containers/$id/top", 200, 'application/json', '{"Titles":["UID","PID","PPID","C","STIME","TTY","TIME","CMD"],"Processes":[["root","13642","882","0","17:03","?","00:00:00","/bin/bash -c x"]]}')
            $fake.Set("GET /containers/$id/top?ps_args=-eo%20pid%2Cppid%2Cuser%2Crss%2Cargs", 200, 'application/json', '{"Titles":["PID","PPID","USER","RSS","COMMAND"],"Processes":[["7","1","root","120","sleep 1"]]}')
            $session = Connect-ContainerEngine $fake.Uri -NoDefault
            $process = Get-ContainerProcess x -Session $session
            $process.ProcessId | Should -Be 13642
            $process.ParentProcessId | Should -Be 882
            $process.User | Should -Be root
            $process.CommandLine | Should -Be '/bin/bash -c x'
            (Get-ContainerProcess x -Property rss -Session $session).RSS | Should -Be 120
        }
        finally { $fake.Dispose() }
    }

    It 'of one that does not run is a conflict' {
        New-Container busybox -Name (New-TestName) -Command true | Get-ContainerProcess -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be InvalidOperation
    }
}

Describe 'Invoke-ContainerCommand' {
    BeforeAll { $container = Start-TestContainer }

    It 'gives standard output as text, line by line' { Invoke-ContainerCommand $container.Name sh '-c' 'echo one; echo two' | Should -Be one, two }

    It 'takes containers from the pipeline' { $container | Invoke-ContainerCommand -Command echo, hi | Should -Be hi }

    It 'passes arguments on as they are' {
        $odd = 'a b', '', '*', '$HOME', '"quoted"', "it's", 'ünï', '-n', ';', '\'
        $container | Invoke-ContainerCommand -Command (@('sh', '-c', 'for a; do echo "[$a]"; done', 'x') + $odd) | Should -Be ($odd | ForEach-Object { "[$_]" })
    }

    It 'gives what is piped in to the command, to its end' { 'b', 'a' | Invoke-ContainerCommand $container.Name sort | Should -Be a, b }

    It 'lets a command end before its input does' { 1..2000 | ForEach-Object { 'x' * 100 } | Invoke-ContainerCommand $container.Name head '-n' 1 | Should -Be ('x' * 100) }

    It 'checks the exit code' {
        Invoke-ContainerCommand $container.Name sh '-c' 'exit 9' -ExitCodeVariable code -ErrorAction SilentlyContinue -ErrorVariable problem
        $LASTEXITCODE | Should -Be 9
        $code | Should -Be 9
        Get-ErrorId $problem[0] | Should -Be NonZeroExitCode
        Invoke-ContainerCommand $container.Name false -IgnoreExitCode -ErrorAction Stop
    }

    It 'writes standard error to the error stream, or where it is wanted' {
        Invoke-ContainerCommand $container.Name sh '-c' 'echo err >&2' -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerStandardError
        Invoke-ContainerCommand $container.Name sh '-c' 'echo err >&2' -StandardError Output | Should -Be err
    }

    It 'runs as a user, somewhere, with an environment' {
        Invoke-ContainerCommand $container.Name sh '-c' 'id -u; pwd; echo $A' -User 1000 -WorkingDirectory /tmp -Environment @{ A = 'x y' } | Should -Be 1000, /tmp, 'x y'
    }

    It 'runs in several containers' {
        $other = Start-TestContainer
        ($container, $other | Invoke-ContainerCommand -Command hostname).Count | Should -Be 2
    }

    It 'refuses input for several' {
        $other = Start-TestContainer
        { 'x' | Invoke-ContainerCommand $container.Name, $other.Name cat } | Should -Throw '*one container*'
    }

    It 'in one that does not run is a conflict' {
        New-Container busybox -Name (New-TestName) -Command true | Invoke-ContainerCommand -Command true -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerConflict
    }

    It 'a command that is not there is an error, and no output' {
        Invoke-ContainerCommand $container.Name /not/there -ErrorAction SilentlyContinue -ErrorVariable problem -StandardError Discard | Out-Null
        $problem.Count | Should -BeGreaterThan 0
    }

    It 'ends at once when it is stopped' {
        $script = Start-Script 'Invoke-ContainerCommand $name -Command sh, -c, ''echo go; sleep 300''' @{ name = $container.Name }
        try {
            Wait-Until { $script.Results.Count -gt 0 }
            Stop-Script $script | Should -BeTrue
        }
        finally { Remove-Script $script }
    }

    It 'gives up after -TimeoutSec' {
        Invoke-ContainerCommand $container.Name sleep 60 -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be OperationTimeout
    }

    It 'runs as a job' {
        $job = Invoke-ContainerCommand $container.Name echo job -AsJob
        $job | Wait-Job -Timeout 30 | Receive-Job | Should -Be job
        $job | Remove-Job
    }

    It 'runs nothing with -WhatIf' {
        Invoke-ContainerCommand $container.Name touch /whatif -WhatIf
        Invoke-ContainerCommand $container.Name test '-e' /whatif -IgnoreExitCode
        $LASTEXITCODE | Should -Be 1
    }

    Context 'with a script block' {
        BeforeAll {
            # A stand-in for pwsh that shows what it was given: the decoded script runs in the pwsh of the test.
            $scripted = Start-TestContainer
            function Get-Wrapper([scriptblock] $Script, [hashtable] $With = @{}) {
                Invoke-ContainerCommand $scripted.Name sh '-c' 'mkdir -p /bin; printf "#!/bin/sh\nfor a; do last=\$a; done\necho \$last\n" > /bin/pwsh; chmod +x /bin/pwsh'
                $encoded = Invoke-ContainerCommand $scripted.Name -ScriptBlock $Script @With
                [Text.Encoding]::Unicode.GetString([Convert]::FromBase64String($encoded))
            }
            function Invoke-Wrapper([string] $Text) { & pwsh -NoLogo -NoProfile -NonInteractive -EncodedCommand ([Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($Text))) }
        }

        It 'sends a script that gives marked objects' {
            $lines = Invoke-Wrapper (Get-Wrapper { param($n) 1..$n; [pscustomobject]@{ A = 'b' }; Write-Warning careful } @{ ArgumentList = 2 })
            $lines | Should -HaveCount 4
            $lines | Should -Match "^`u{1}gantry:[OW]"
        }

        It 'takes variables along' {
            $there = 'taken', 'along'
            $lines = Invoke-Wrapper (Get-Wrapper { $using:there })
            $lines | Should -HaveCount 2
        }

        It 'turns what comes back into objects, warnings and errors' {
            $text = Get-Wrapper { [pscustomobject]@{ A = 'b' }; Write-Warning careful; Write-Error bad -ErrorId MyId; 'text' }
            $path = Join-Path $TestDrive lines.txt
            Invoke-Wrapper $text | Set-Content $path
            Get-Content $path -Raw | Invoke-ContainerCommand $scripted.Name sh '-c' 'cat > /lines; printf "#!/bin/sh\ncat /lines; echo plain; exit 0\n" > /bin/pwsh'
            $results = Invoke-ContainerCommand $scripted.Name -ScriptBlock { 'ignored: the stand-in answers' } -WarningVariable warning -WarningAction SilentlyContinue -ErrorVariable problem -ErrorAction SilentlyContinue
            $results[0].A | Should -Be b
            $results[0].PSContainerName | Should -Be $scripted.Name
            $results[1] | Should -Be text
            $results | Should -Contain plain
            "$warning" | Should -Be careful
            $problem[0].FullyQualifiedErrorId | Should -Match MyId
        }

        It 'without a pwsh in the container is an error' {
            Invoke-ContainerCommand $container.Name -ScriptBlock { 1 } -StandardError Discard -ErrorAction SilentlyContinue -ErrorVariable problem | Out-Null
            $problem.Count | Should -BeGreaterThan 0
        }
    }
}

Describe 'Start-ContainerProcess and Get-ContainerExec' {
    BeforeAll { $container = Start-TestContainer }

    It 'wait for the end and give the exit code' {
        $exec = Start-ContainerProcess $container.Name sh '-c' 'echo shown; exit 6' 6>$null
        $exec | Should -BeOfType Gantry.PowerShell.Objects.ContainerExec
        $exec.ExitCode | Should -Be 6
        $exec.IsRunning | Should -BeFalse
        $exec.Container | Should -Be $container.Name
    }

    It 'show what the process writes' { "$(Start-ContainerProcess $container.Name echo shown 6>&1 | Select-Object -First 1)" | Should -Be shown }

    It 'only start it with -Detached' {
        $exec = Start-ContainerProcess $container.Name sleep 60 -Detached
        $exec.IsRunning | Should -BeTrue
        $exec.ExitCode | Should -BeNullOrEmpty
        (Get-ContainerExec -Id $exec).IsRunning | Should -BeTrue
        (Get-ContainerExec $container.Name).Id | Should -Contain $exec.Id
        ($container | Get-ContainerExec | Where-Object Id -eq $exec.Id).Command | Should -Be sleep, 60
    }

    It 'an id that is not there is ExecNotFound' {
        Get-ContainerExec -Id ('e' * 64) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ExecNotFound
    }

    It 'start nothing with -WhatIf' { Start-ContainerProcess $container.Name touch /x -WhatIf | Should -BeNullOrEmpty }

    It 'has the predecessor''s alias' { (Get-Alias Exec-Container).ResolvedCommandName | Should -Be Start-ContainerProcess }
}

Describe 'Receive-ContainerOutput' {
    It 'gives what is written from now on, until the end' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do echo tick; sleep 0.1; done; echo one; sleep 0.3; echo two' | Start-Container -PassThru
        $told = $false
        $container | Receive-ContainerOutput | ForEach-Object {
            if ($_ -ne 'tick') { $_ }
            elseif (-not $told) { $told = $true; Set-Go $container }
        } | Should -Be one, two
    }

    It 'gives what was written before with -Past' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'echo before; while [ ! -e /go ]; do sleep 0.1; done' | Start-Container -PassThru
        Wait-Until { ($container | Get-ContainerLog).Line -contains 'before' }
        $container | Receive-ContainerOutput -Past | ForEach-Object { $_; Set-Go $container } | Should -Be before
    }

    It 'gives one stream with -Stream' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do echo tick >&2; sleep 0.1; done; echo out; echo err >&2' | Start-Container -PassThru
        $told = $false
        $container | Receive-ContainerOutput -Stream Stderr | ForEach-Object {
            if ($_ -ne 'tick') { $_ }
            elseif (-not $told) { $told = $true; Set-Go $container }
        } | Should -Be err
    }

    It 'reads several together' {
        $containers = 1..2 | ForEach-Object { New-Container busybox -Name (New-TestName) -Command sh, -c, "while [ ! -e /go ]; do echo tick$_; sleep 0.1; done; echo $_" } | Start-Container -PassThru
        $seen = @{}
        $containers | Receive-ContainerOutput | ForEach-Object {
            if ($_ -notlike 'tick*') { $_ }
            elseif (-not $seen[$_]) { $seen[$_] = $true; if ($seen.Count -eq 2) { Set-Go $containers } }
        } | Sort-Object | Should -Be 1, 2
    }

    It 'ends at once when it is stopped' {
        $container = Start-TestContainer
        $script = Start-Script 'Receive-ContainerOutput $name' @{ name = $container.Name }
        try {
            [Threading.Thread]::Sleep(500)
            Stop-Script $script | Should -BeTrue
        }
        finally { Remove-Script $script }
    }

    It 'of one that does not run is a conflict' {
        New-Container busybox -Name (New-TestName) -Command true | Receive-ContainerOutput -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerConflict
    }
}

Describe 'Terminals' {
    BeforeAll {
        $hasScript = [bool](Get-Command script -CommandType Application -ErrorAction Ignore)
        # Runs a line in a pwsh that has a terminal, and talks to it.
        function Start-Terminal([string] $Line) {
            $text = "Import-Module '$env:GANTRY_TEST_MODULE/Gantry.psd1'; `$env:GANTRY_HOST = '$env:GANTRY_TEST_HOST'; $Line; `"the end `$LASTEXITCODE.`""
            $start = [Diagnostics.ProcessStartInfo]::new('script')
            foreach ($argument in '-qefc', "stty rows 41 cols 101; exec pwsh -NoProfile -NonInteractive -EncodedCommand $([Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($text)))", '/dev/null') { $start.ArgumentList.Add($argument) }
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
            $process = [Diagnostics.Process]::Start($start)
            $seen = [Text.StringBuilder]::new()
            $reader = $process.StandardOutput.BaseStream
            [pscustomobject]@{ Process = $process; Seen = $seen; Reader = $reader; Buffer = [byte[]]::new(4096); Pending = $null }
        }
        function Wait-Screen($Terminal, [string] $Pattern, [int] $Seconds = 90) {
            $limit = [DateTime]::UtcNow.AddSeconds($Seconds)
            while ($Terminal.Seen.ToString() -notmatch $Pattern) {
                $Terminal.Pending ??= $Terminal.Reader.ReadAsync($Terminal.Buffer, 0, 4096)
                if ($Terminal.Pending.Wait(200)) {
                    $count = $Terminal.Pending.GetAwaiter().GetResult()
                    $Terminal.Pending = $null
                    if ($count -eq 0) { throw "the terminal ended without '$Pattern': $($Terminal.Seen)" }
                    $null = $Terminal.Seen.Append([Text.Encoding]::UTF8.GetString($Terminal.Buffer, 0, $count))
                }
                elseif ([DateTime]::UtcNow -gt $limit) { throw "not within $Seconds s: '$Pattern' in: $($Terminal.Seen)" }
            }
        }
        function Send-Key($Terminal, [string] $Text) { $Terminal.Process.StandardInput.Write($Text); $Terminal.Process.StandardInput.Flush() }
        function Stop-Terminal($Terminal) { if (-not $Terminal.Process.HasExited) { $Terminal.Process.Kill($true) }; $Terminal.Process.Dispose() }
    }

    BeforeEach { if (-not $hasScript) { Set-ItResult -Skipped -Because 'there is no program script (util-linux) to make a terminal' } }

    It 'are entered with a new process, and left with its end' {
        $container = Start-TestContainer
        $terminal = Start-Terminal "Enter-ContainerSession $($container.Name) sh"
        try {
            Wait-Screen $terminal '/ #'
            Send-Key $terminal "echo `$((20+3))-here`n"
            Wait-Screen $terminal '23-here'
            Send-Key $terminal "tty; exit 4`n"
            Wait-Screen $terminal '/dev/pts/\d+[\s\S]*the end 4\.'
        }
        finally { Stop-Terminal $terminal }
    }

    It 'pass Ctrl-C on' {
        $container = Start-TestContainer
        $terminal = Start-Terminal "Enter-ContainerSession $($container.Name) sh"
        try {
            Wait-Screen $terminal '/ #'
            Send-Key $terminal "echo st''arted; sleep 300`n"
            # A shell that still reads its line would take the key for a part of it.
            Wait-Screen $terminal 'started'
            Send-Key $terminal "`u{3}"
            # The container's terminal drops what is typed together with the key.
            Wait-Screen $terminal 'started[\s\S]*/ #'
            Send-Key $terminal "echo `$((1+1))-after`n"
            Wait-Screen $terminal '2-after'
            Send-Key $terminal "exit`n"
            Wait-Screen $terminal 'the end'
        }
        finally { Stop-Terminal $terminal }
    }

    It 'of a container are entered, and left with the detach keys' {
        $container = New-Container busybox -Name (New-TestName) -Command sh -Tty -Interactive | Start-Container -PassThru
        $terminal = Start-Terminal "Enter-ContainerSession $($container.Name)"
        try {
            Send-Key $terminal "echo `$((40+2))-there`n"
            Wait-Screen $terminal '42-there'
            Send-Key $terminal "`u{10}`u{11}"
            Wait-Screen $terminal 'the end'
            (Get-Container $container.Name).State | Should -Be Running
        }
        finally { Stop-Terminal $terminal }
    }

    It 'come with Invoke-ContainerImage -Terminal' {
        $name = New-TestName
        $terminal = Start-Terminal "Invoke-ContainerImage busybox -Name $name -Command sh -Terminal -RemoveAutomatically"
        try {
            Wait-Screen $terminal '/ #'
            Send-Key $terminal "exit 5`n"
            Wait-Screen $terminal 'the end 5\.'
            Get-Container "$name*" | Should -BeNullOrEmpty
        }
        finally { Stop-Terminal $terminal }
    }

    It 'of Invoke-ContainerImage are left with the detach keys, and the container runs on' {
        $name = New-TestName
        $terminal = Start-Terminal "Invoke-ContainerImage busybox -Name $name -Command sh -Terminal"
        try {
            Wait-Screen $terminal '/ #'
            Send-Key $terminal "`u{10}`u{11}"
            Wait-Screen $terminal 'the end \.'
            (Get-Container $name).State | Should -Be Running
        }
        finally { Stop-Terminal $terminal }
    }

    It 'have the size of the window' {
        $container = New-Container busybox -Name (New-TestName) -Command sh -Tty -Interactive | Start-Container -PassThru
        $container | Resize-ContainerTerminal -Width 77 -Height 33 | Should -BeNullOrEmpty
        $terminal = Start-Terminal "Enter-ContainerSession $($container.Name)"
        try {
            # The size comes a moment after the terminal.
            Wait-Until { Send-Key $terminal "stty size`n"; try { Wait-Screen $terminal '41 101' 1; $true } catch { $false } }
            Send-Key $terminal "exit`n"
            Wait-Screen $terminal 'the end'
        }
        finally { Stop-Terminal $terminal }
    }

    It 'of a process are resized' {
        $container = Start-TestContainer
        $exec = Start-ContainerProcess $container.Name sleep 60 -Tty -Detached
        Resize-ContainerTerminal -Exec $exec -Width 77 -Height 33 -ErrorAction Stop
    }

    It 'are no place for scripts' {
        $container = Start-TestContainer
        $answer = 'x' | & pwsh -NoProfile -Command "Import-Module '$env:GANTRY_TEST_MODULE/Gantry.psd1'; try { Enter-ContainerSession $($container.Name) sh } catch { `$_.FullyQualifiedErrorId }"
        $answer | Should -Be 'NotATerminal,Gantry.PowerShell.Cmdlets.EnterContainerSessionCommand'
    }
}

Describe 'Checkpoints' {
    It 'freeze a container, and let it go on where it was' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.2; done' | Start-Container -PassThru
        Wait-Until { @($container | Get-ContainerLog).Count -gt 3 }
        $checkpoint = $container | Checkpoint-Container -Checkpoint one -ErrorAction SilentlyContinue -ErrorVariable problem
        if ($problem -and $problem[0].CategoryInfo.Category -eq 'NotImplemented') { Set-ItResult -Skipped -Because "the engine says: $($problem[0])"; return }
        if ("$problem" -match 'criu') { Set-ItResult -Skipped -Because "the engine says: $problem"; return }
        $checkpoint.Name | Should -Be one
        ($container | Wait-Container).ExitCode | Should -Not -BeNullOrEmpty
        (Get-ContainerCheckpoint $container.Name).Name | Should -Be one
        $last = [int]($container | Get-ContainerLog -Tail 1).Line
        $checkpoint | Restore-Container
        Wait-Until { [int]($container | Get-ContainerLog -Tail 1).Line -gt $last }
        ($container | Get-ContainerLog).Line | Group-Object | Where-Object Count -gt 1 | Should -BeNullOrEmpty
        Get-ContainerCheckpoint $container.Name | Remove-ContainerCheckpoint -Force
        Get-ContainerCheckpoint $container.Name | Should -BeNullOrEmpty
    }

    It 'go over the wire as the API has them' {
        $fake = New-FakeEngine
        try {
            $id = 'd' * 64
            $fake.Set('GET /containers/x/json', 200, 'application/json', "{`"Id`":`"$id`",`"Name`":`"/x`"}")
            $fake.Set("POST /containers/$id/checkpoints", 201, 'application/json', '')
            $fake.Set("GET /containers/$id/checkpoints", 200, 'application/json', '[{"Name":"a"},{"Name":"b"}]')
            $fake.Set("DELETE /containers/$id/checkpoints/a", 204, 'application/json', '')
            $fake.Set("POST /containers/$id/start?checkpoint=a", 204, 'application/json', '')
            $session = Connect-ContainerEngine $fake.Uri -NoDefault
            (Checkpoint-Container x a -LeaveRunning -Session $session).Name | Should -Be a
            @($fake.Requests)[-1] | Should -Be "POST /containers/$id/checkpoints {`"CheckpointID`":`"a`",`"CheckpointDir`":`"`",`"Exit`":false}"
            (Get-ContainerCheckpoint x -Session $session).Name | Should -Be a, b
            (Get-ContainerCheckpoint x b* -Session $session).Name | Should -Be b
            Get-ContainerCheckpoint x nope -Session $session -ErrorAction SilentlyContinue -ErrorVariable problem
            Get-ErrorId $problem[0] | Should -Be CheckpointNotFound
            Get-ContainerCheckpoint x a -Session $session | Restore-Container
            @($fake.Requests)[-1] | Should -Be "POST /containers/$id/start?checkpoint=a"
            Get-ContainerCheckpoint x a -Session $session | Remove-ContainerCheckpoint -Force
            @($fake.Requests)[-1] | Should -Be "DELETE /containers/$id/checkpoints/a"
            $count = $fake.Requests.Count
            Get-ContainerCheckpoint x a -Session $session | Remove-ContainerCheckpoint -WhatIf
            @($fake.Requests)[-1] | Should -BeLike 'GET *'
        }
        finally { $fake.Dispose() }
    }
}
