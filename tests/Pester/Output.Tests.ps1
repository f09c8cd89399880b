BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'Get-ContainerLog' {
    BeforeAll {
        $name = New-TestName
        $null = New-Container busybox -Name $name -Command sh, -c, 'echo one; echo two >&2; printf "three\n\nä€\n"; printf last' | Start-Container -Wait
    }

    It 'gives lines with time, stream and container' {
        $line = Get-ContainerLog $name | Where-Object Line -eq one
        $line | Should -BeOfType Gantry.PowerShell.Objects.ContainerLogLine
        $line.Timestamp | Should -BeOfType DateTimeOffset
        $line.Stream | Should -Be Stdout
        $line.Container | Should -Be $name
    }

    It 'keeps empty lines, letters of all kinds, and a last line without an end' { (Get-ContainerLog $name -Stream Stdout).Line | Should -Be one, three, '', 'ä€', last }

    It 'reads one stream with -Stream' { (Get-ContainerLog $name -Stream Stderr).Line | Should -Be two }

    It 'reads from the end with -Tail' { (Get-ContainerLog $name -Tail 1).Line | Should -Be last }

    It 'reads nothing since a later time' { Get-ContainerLog $name -Since ([DateTimeOffset]::Now.AddMinutes(5)) | Should -BeNullOrEmpty }

    It 'takes times as dates, spans and texts: <_>' -ForEach '1h', ([timespan]'0:10:0'), ([datetime]::Now.AddHours(-1)), '90m' { @(Get-ContainerLog $name -Since $_).Count | Should -Be 6 }

    It 'reads nothing until an earlier time' { Get-ContainerLog $name -Until ([DateTimeOffset]::Now.AddDays(-1)) | Should -BeNullOrEmpty }

    It 'reads like text for text tools' { (Get-ContainerLog $name | Select-String two).Line | Should -Be two }

    It 'shows the lines alone, and the rest in a view' {
        (Get-ContainerLog $name -Stream Stderr | Out-String).Trim() | Should -Be two
        (Get-ContainerLog $name -Stream Stderr | Format-Table -View detail | Out-String) | Should -Match "$name.*Stderr.*two"
    }

    It 'reads a terminal''s output, which has no streams' {
        $container = New-Container busybox -Name (New-TestName) -Command echo, tty -Tty
        $null = $container | Start-Container -Wait
        (Get-ContainerLog $container).Line | Should -Be tty
    }

    It 'reads a long line as one' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'head -c 100000 /dev/zero | tr "\0" x; echo'
        $null = $container | Start-Container -Wait
        $lines = @(Get-ContainerLog $container)
        $lines.Count | Should -Be 1
        $lines[0].Line.Length | Should -Be 100000
    }
}

Describe '-Follow' {
    It 'gives lines while they are written, and ends with the container' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'for i in 1 2 3; do echo $i; sleep 0.3; done' | Start-Container -PassThru
        ($container | Get-ContainerLog -Follow).Line | Should -Be 1, 2, 3
    }

    It 'follows several containers together' {
        $containers = 1..2 | ForEach-Object { New-Container busybox -Name (New-TestName) -Command sh, -c, 'echo 1; while [ ! -e /go ]; do sleep 0.1; done; echo 2; echo 3' } | Start-Container -PassThru
        $script = Start-Script '$containers | Get-ContainerLog -Follow' @{ containers = $containers }
        try {
            Wait-Until { @((Get-Result $script).Container | Select-Object -Unique).Count -eq 2 }
            Set-Go $containers
            Wait-Until { $script.Running.IsCompleted }
            @(Get-Result $script).Count | Should -Be 6
        }
        finally { Remove-Script $script }
    }

    It 'of logs ends when the pipeline has enough' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while :; do echo x; sleep 0.1; done' | Start-Container -PassThru
        ($container | Get-ContainerLog -Follow | Select-Object -First 2).Line | Should -Be x, x
    }

    It 'of logs ends at once when it is stopped' {
        $container = Start-TestContainer
        $script = Start-Script 'Get-ContainerLog $name -Follow' @{ name = $container.Name }
        try {
            [Threading.Thread]::Sleep(500)
            $script.Running.IsCompleted | Should -BeFalse
            Stop-Script $script | Should -BeTrue
        }
        finally { Remove-Script $script }
    }

    It 'of events gives them as they happen, and ends when it is stopped' {
        $name = New-TestName
        $script = Start-Script 'Get-ContainerEvent -Follow -Type container'
        try {
            # It listens once it has told of something.
            Wait-Until { $null = New-Container busybox -Name (New-TestName) -Command true; [bool]@(Get-Result $script).Count }
            $null = New-Container busybox -Name $name -Command true | Start-Container -Wait
            Wait-Until { (Get-Result $script | Where-Object Name -eq $name).Action -contains 'die' }
            Stop-Script $script | Should -BeTrue
            (Get-Result $script | Where-Object Name -eq $name).Action | Select-Object -First 1 | Should -Be create
        }
        finally { Remove-Script $script }
    }

    It 'lets go of the engine when it is stopped' {
        $fake = New-FakeEngine
        try {
            $fake.SetEndless('GET /events', 'application/json', "{`"Type`":`"container`",`"Action`":`"start`",`"Actor`":{`"ID`":`"1`",`"Attributes`":{}},`"timeNano`":1}`n")
            $session = Connect-ContainerEngine $fake.Uri -NoDefault
            @(Get-ContainerEvent -Follow -Session $session | Select-Object -First 1).Count | Should -Be 1
            $fake.Abandoned.Wait(20000) | Should -BeTrue
        }
        finally { $fake.Dispose() }
    }
}

Describe 'Get-ContainerEvent' {
    BeforeAll {
        $name = New-TestName
        $container = New-Container busybox -Name $name -Command sh, -c, 'exit 3' -Label @{ mark = $name }
        $null = $container | Start-Container -Wait
        # An engine may tell who waits before it tells who listens.
        Wait-Until { (Get-ContainerEvent -Since 5m -Container $name).Action -contains 'die' }
    }

    It 'gives what has happened, and ends' {
        $events = Get-ContainerEvent -Since 5m -Container $name
        $events | Should -BeOfType Gantry.PowerShell.Objects.ContainerEvent
        $events.Action | Should -Contain create
        $events.Action | Should -Contain die
    }

    It 'filters by -Type and -Action' { (Get-ContainerEvent -Since 5m -Type container -Action die -Container $name).Attributes.exitCode | Should -Be 3 }

    It 'filters by -Label and -Image' {
        (Get-ContainerEvent -Since 5m -Label @{ mark = $name }).Name | Select-Object -Unique | Should -Be $name
        (Get-ContainerEvent -Since 5m -Image busybox -Container $name).Count | Should -BeGreaterThan 1
    }

    It 'takes containers from the pipeline' { (Get-Container $name | Get-ContainerEvent).Action | Should -Contain start }

    It 'stops at -Until' { Get-ContainerEvent -Container $name -Until ([DateTimeOffset]::Now.AddDays(-1)) -Since ([DateTimeOffset]::Now.AddDays(-2)) | Should -BeNullOrEmpty }

    It 'has real times' { (Get-ContainerEvent -Since 5m -Container $name)[0].Time | Should -BeGreaterThan ([DateTimeOffset]::Now.AddMinutes(-5)) }
}

Describe 'Invoke-ContainerImage' {
    It 'gives standard output as text, line by line' { Invoke-ContainerImage busybox -Command sh, -c, 'echo one; echo two' -Rm | Should -Be one, two }

    It 'takes the command behind the image' { Run-ContainerImage busybox echo hello there -Rm | Should -Be 'hello there' }

    It 'writes standard error to the error stream' {
        $out = Invoke-ContainerImage busybox -Command sh, -c, 'echo out; echo err >&2' -Rm -ErrorAction SilentlyContinue -ErrorVariable problem
        $out | Should -Be out
        $problem.Count | Should -Be 1
        Get-ErrorId $problem[0] | Should -Be ContainerStandardError
        "$($problem[0])" | Should -Be err
    }

    It 'writes standard error where -StandardError says' {
        Invoke-ContainerImage busybox -Command sh, -c, 'echo err >&2' -Rm -StandardError Output | Should -Be err
        Invoke-ContainerImage busybox -Command sh, -c, 'echo err >&2' -Rm -StandardError Discard -ErrorAction Stop | Should -BeNullOrEmpty
        "$(Invoke-ContainerImage busybox -Command sh, -c, 'echo err >&2' -Rm -StandardError Information 6>&1)" | Should -Be err
    }

    It 'does not stop for standard error under -ErrorAction Stop' { Invoke-ContainerImage busybox -Command sh, -c, 'echo err >&2; echo out' -Rm -ErrorAction Stop 6>$null | Should -Be out }

    It 'has the exit code in $LASTEXITCODE and in -ExitCodeVariable, and as an error' {
        Invoke-ContainerImage busybox -Command sh, -c, 'exit 4' -Rm -ExitCodeVariable code -ErrorAction SilentlyContinue -ErrorVariable problem
        $LASTEXITCODE | Should -Be 4
        $code | Should -Be 4
        Get-ErrorId $problem[0] | Should -Be NonZeroExitCode
        $problem[0].TargetObject.ExitCode | Should -Be 4
    }

    It 'is content with any exit code with -IgnoreExitCode' {
        Invoke-ContainerImage busybox -Command false -Rm -IgnoreExitCode -ErrorAction Stop
        $LASTEXITCODE | Should -Be 1
    }

    It 'gives what is piped in to the command, to its end' { 'b', 'a' | Invoke-ContainerImage busybox -Command sort -Rm | Should -Be a, b }

    It 'gives bytes as they are' { , [byte[]](104, 105) | Invoke-ContainerImage busybox -Command od, -An, -c -Rm | ForEach-Object Trim | Should -Be 'h   i' }

    It 'lets a command end before its input does' { 1..2000 | ForEach-Object { 'x' * 100 } | Invoke-ContainerImage busybox -Command head, -n, 1 -Rm | Should -Be ('x' * 100) }

    It 'takes images from the pipeline' { Get-ContainerImage busybox | Invoke-ContainerImage -Command echo, hi -Rm | Should -Be hi }

    It 'takes a spec from the pipeline' { New-ContainerSpec busybox -Command echo, spec -RemoveAutomatically | Invoke-ContainerImage | Should -Be spec }

    It 'leaves nothing behind with -RemoveAutomatically' {
        $name = New-TestName
        Invoke-ContainerImage busybox -Name $name -Command true -RemoveAutomatically
        Get-Container "$name*" | Should -BeNullOrEmpty
    }

    It 'gives the running container with -Detach' {
        $container = Invoke-ContainerImage busybox -Name (New-TestName) -Command sleep, 60 -Detach
        $container.State | Should -Be Running
    }

    It 'stops the container when it is stopped' {
        $name = New-TestName
        $script = Start-Script 'Invoke-ContainerImage busybox -Name $name -Command sh, -c, ''trap "exit 0" TERM; echo go; while :; do sleep 0.1; done''' @{ name = $name }
        try {
            Wait-Until { $script.Results.Count -gt 0 }
            Stop-Script $script 20 | Should -BeTrue
            (Get-Container $name).State | Should -Be Exited
        }
        finally { Remove-Script $script }
    }

    It 'stops a container that is just being started, too' {
        $fake = New-FakeEngine
        try {
            $id = 'c' * 64
            $fake.Set('POST /containers/create', 201, 'application/json', "{`"Id`":`"$id`",`"Warnings`":[]}")
            $fake.Set("GET /containers/$id/json", 200, 'application/json', "{`"Id`":`"$id`",`"Name`":`"/x`"}")
            $fake.Set('GET /containers/json', 200, 'application/json', "[{`"Id`":`"$id`",`"Names`":[`"/x`"],`"State`":`"created`",`"Status`":`"Created`"}]")
            $fake.Set("POST /containers/$id/attach", 200, 'application/vnd.docker.raw-stream', '')
            $fake.SetEndless("POST /containers/$id/wait", 'application/json', '')
            $fake.SetSilent("POST /containers/$id/start")
            $fake.Set("POST /containers/$id/stop", 204, 'application/json', '')
            $script = Start-Script 'Invoke-ContainerImage busybox -Name x -Session (Connect-ContainerEngine $uri -NoDefault)' @{ uri = $fake.Uri }
            try {
                Wait-Until { @($fake.Requests) -contains "POST /containers/$id/start" }
                Stop-Script $script | Should -BeTrue
                @($fake.Requests)[-1] | Should -BeLike "POST /containers/$id/stop*"
            }
            finally { Remove-Script $script }
        }
        finally { $fake.Dispose() }
    }

    It 'stops the container when the pipeline has enough' {
        $name = New-TestName
        Invoke-ContainerImage busybox -Name $name -Command sh, -c, 'trap "exit 0" TERM; while :; do echo x; sleep 0.1; done' | Select-Object -First 1 | Should -Be x
        (Get-Container $name).State | Should -Be Exited
    }

    It 'stops the container after -TimeoutSec' {
        $name = New-TestName
        Invoke-ContainerImage busybox -Name $name -Command sh, -c, 'trap "exit 0" TERM; while :; do sleep 0.1; done' -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be OperationTimeout
        (Get-Container $name).State | Should -Be Exited
    }

    It 'a command that is not there is one error' {
        $name = New-TestName
        Invoke-ContainerImage busybox -Name $name -Command /not/there -ErrorAction SilentlyContinue -ErrorVariable problem
        @($problem).Count | Should -Be 1
        $problem[0].Exception.Message | Should -Match '/not/there'
    }

    It 'runs nothing with -WhatIf' {
        $name = New-TestName
        Invoke-ContainerImage busybox -Name $name -Command true -WhatIf
        'x' | Invoke-ContainerImage busybox -Name $name -Command cat -WhatIf
        Get-Container "$name*" | Should -BeNullOrEmpty
    }
}

Describe '-AsJob' {
    It 'gives a job with the results' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do sleep 0.1; done; exit 8' | Start-Container -PassThru
        $job = $container | Wait-Container -AsJob
        $job | Should -BeOfType System.Management.Automation.Job
        $job.State | Should -Be Running
        Set-Go $container
        ($job | Wait-Job -Timeout 30 | Receive-Job).ExitCode | Should -Be 8
        $job.State | Should -Be Completed
        $job | Remove-Job
    }

    It 'has output, errors and information of the command' {
        $job = Invoke-ContainerImage busybox -Command sh, -c, 'echo out; echo err >&2; exit 3' -Rm -AsJob
        $output = $job | Wait-Job -Timeout 30 | Receive-Job -ErrorAction SilentlyContinue -ErrorVariable problem
        $output | Should -Be out
        $problem.ForEach{ Get-ErrorId $_ } | Should -Be ContainerStandardError, NonZeroExitCode
        $job | Remove-Job
    }

    It 'is found by Get-Job, and stopped by Stop-Job' {
        $job = Start-TestContainer | Wait-Container -AsJob
        (Get-Job -Id $job.Id).State | Should -Be Running
        Stop-Job $job
        $job.State | Should -Be Stopped
        Remove-Job $job
    }

    It 'stops several containers side by side' {
        $containers = 1..3 | ForEach-Object { Start-TestContainer }
        $job = $containers | Stop-Container -PassThru -AsJob
        ($job | Wait-Job -Timeout 60 | Receive-Job).State | Should -Be Exited, Exited, Exited
        $job | Remove-Job
    }

    It 'reports what failed without failing as a whole' {
        $script = 'busybox', 'gptnope' | ForEach-Object { Invoke-ContainerImage $_ -Command true -Rm -PullPolicy Never -AsJob }
        $null = $script | Wait-Job -Timeout 30
        $script.State | Should -Be Completed, Completed
        { $script[1] | Receive-Job -ErrorAction Stop } | Should -Throw '*gptnope*'
        $script | Remove-Job
    }
}
