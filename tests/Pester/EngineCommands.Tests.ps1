BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'The commands of an engine that a test speaks for' {
    BeforeAll {
        $fake = New-FakeEngine
        $null = Connect-ContainerEngine $fake.Uri -Name faked
        $start = '{"Name":"start","Synopsis":"Starts a container.","Parameters":[{"Name":"name","Type":"string","In":"path","Required":true,"Position":0,"Description":"The container."},{"Name":"checkpoint","Type":"string","In":"query","Required":false,"Position":-1,"Description":"From where."}],"Request":"StartRequest","Response":"nothing","Routes":["POST /containers/{name}/start"],"Since":"1.24","Permission":"write","Internal":false}'
        $list = '{"Name":"containers","Synopsis":"Lists containers.","Parameters":[],"Request":"","Response":"list of ContainerSummary","Routes":["GET /containers/json"],"Since":"1.24","Permission":"read","Internal":false}'
        $events = '{"Name":"events","Synopsis":"Streams events.","Parameters":[],"Request":"","Response":"stream of EventMessage","Routes":["GET /events"],"Since":"1.24","Permission":"read","Internal":false}'
        $fake.Set('GET /engine/commands', 200, 'application/json', "[$start,$list,$events]")
        $fake.Set('GET /engine/commands/start', 200, 'application/json', $start)
        $fake.Set('GET /engine/commands/containers', 200, 'application/json', $list)
        $fake.Set('GET /engine/commands/events', 200, 'application/json', $events)
        $fake.Set('GET /engine/commands/nope', 404, 'application/json', '{"message":"nope: command not found"}')
        $fake.Set('POST /engine/commands/start', 204, 'application/json', '')
        $fake.Set('POST /engine/commands/containers', 200, 'application/json', '[{"Id":"1","Size":2.5,"Labels":{"a":"b"}},{"Id":"2"}]')
        $fake.Set('POST /engine/commands/events', 200, 'application/json', "{`"Action`":`"start`"}`n{`"Action`":`"die`"}`n")
        $job = '{"Id":"0123456789abcdef","Command":"start","Arguments":{"name":"web"},"Status":"STATUS","CreatedAt":"2026-01-01T00:00:00Z","StartedAt":"2026-01-01T00:00:01Z","FinishedAt":"2026-01-01T00:00:03.5Z"MORE}'
        $fake.Set('GET /engine/jobs', 200, 'application/json', "[$($job.Replace('STATUS', 'running').Replace('MORE', ''))]")
        $fake.Set('GET /engine/jobs/0123456789abcdef', 200, 'application/json', $job.Replace('STATUS', 'running').Replace('MORE', ''))
        $fake.Set('GET /engine/jobs/0123456789abcdef?wait=1', 200, 'application/json', $job.Replace('STATUS', 'succeeded').Replace('MORE', ',"Result":{"Id":"x"}'))
        $fake.Set('GET /engine/jobs/nope', 404, 'application/json', '{"message":"No such job: nope"}')
        $fake.Set('DELETE /engine/jobs/0123456789abcdef', 204, 'application/json', '')
        function Get-LastRequest { @($fake.Requests)[-1] }
    }

    AfterAll { $fake.Dispose() }

    BeforeEach { $fake.Requests.Clear() }

    It 'are shown with name, synopsis, parameters, route and since' {
        $command = Get-EngineCommand start
        $command | Should -BeOfType Gantry.PowerShell.Objects.EngineCommand
        $command.Synopsis | Should -Be 'Starts a container.'
        "$($command.Parameters)" | Should -Be 'name <string> [checkpoint <string>]'
        $command.Routes | Should -Be 'POST /containers/{name}/start'
        $command.Since | Should -Be 1.24
        ($command | Format-Table | Out-String -Width 200) | Should -Match 'start\s+1\.24\s+write\s+name <string>'
    }

    It 'are found by pattern and by right' {
        (Get-EngineCommand *s).Name | Should -Be containers, events
        (Get-EngineCommand -Permission write).Name | Should -Be start
    }

    It 'that nobody has are one error, by pattern none' {
        Get-EngineCommand nope -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be EngineCommandNotFound
        Get-EngineCommand nope* -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'run with arguments by name' {
        Get-EngineCommand start | Invoke-EngineCommand -Argument @{ name = 'web' } | Should -BeNullOrEmpty
        Get-LastRequest | Should -Be 'POST /engine/commands/start {"Arguments":{"name":"web"},"Detach":false}'
    }

    It 'run with arguments by position' {
        Invoke-EngineCommand start web
        Get-LastRequest | Should -Be 'POST /engine/commands/start {"Arguments":{"name":"web"},"Detach":false}'
    }

    It 'run with arguments of every kind' {
        Invoke-EngineCommand start @{ a = 1; b = $true; c = 1.5; d = 'x', 'y'; e = @{ f = $null }; g = [timespan]'0:0:2' }
        $sent = (Get-LastRequest) -replace '^\S+ \S+ ' | ConvertFrom-Json
        $sent.Arguments.a | Should -Be 1
        $sent.Arguments.b | Should -BeTrue
        $sent.Arguments.c | Should -Be 1.5
        $sent.Arguments.d | Should -Be x, y
        $sent.Arguments.e.PSObject.Properties.Name | Should -Be f
        $sent.Arguments.g | Should -Be 2
    }

    It 'refuse a value that has no place' { { Invoke-EngineCommand start web too-many } | Should -Throw '*no place*' }

    It 'give their answers as objects, one by one' {
        $rows = Invoke-EngineCommand containers
        $rows.Id | Should -Be 1, 2
        $rows[0].Size | Should -Be 2.5
        $rows[0].Labels.a | Should -Be b
    }

    It 'give their streams as objects' { (Invoke-EngineCommand events).Action | Should -Be start, die }

    It 'give a job with -Detach' {
        $fake.Set('POST /engine/commands/start', 200, 'application/json', $job.Replace('STATUS', 'running').Replace('MORE', ''))
        try {
            $running = Invoke-EngineCommand start web -Detach
            $running | Should -BeOfType Gantry.PowerShell.Objects.EngineJob
            $running.Status | Should -Be Running
        }
        finally { $fake.Set('POST /engine/commands/start', 204, 'application/json', '') }
    }

    It 'of which one is not there, is one error' {
        'nope', 'containers' | Invoke-EngineCommand -ErrorAction SilentlyContinue -ErrorVariable problem | Should -HaveCount 2
        Get-ErrorId $problem[0] | Should -Be EngineCommandNotFound
    }

    It 'do not run with -WhatIf, except those that only read' {
        Invoke-EngineCommand start web -WhatIf
        @($fake.Requests).Where{ $_ -like 'POST*' } | Should -BeNullOrEmpty
        Invoke-EngineCommand containers -WhatIf | Should -HaveCount 2
    }

    It 'run as jobs of PowerShell' {
        $background = Invoke-EngineCommand containers -AsJob
        ($background | Wait-Job -Timeout 20 | Receive-Job).Id | Should -Be 1, 2
        $background | Remove-Job
    }

    It 'are completed by name' { (Wait-Completion 'Invoke-EngineCommand sta').CompletionText | Should -Be start }

    It 'have jobs with times and results' {
        $running = Get-EngineJob
        $running.Status | Should -Be Running
        $running.Arguments.name | Should -Be web
        $ended = $running | Wait-EngineJob
        $ended.Status | Should -Be Succeeded
        $ended.Duration.TotalSeconds | Should -Be 2.5
        $ended.Result.Id | Should -Be x
    }

    It 'have jobs that are found by id, status and command' {
        (Get-EngineJob 0123456789abcdef).Command | Should -Be start
        Get-EngineJob -Status Failed | Should -BeNullOrEmpty
        Get-EngineJob -Command st* | Should -HaveCount 1
        Get-EngineJob nope -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be EngineJobNotFound
    }

    It 'have jobs that are stopped' {
        (Get-EngineJob | Stop-EngineJob -PassThru).Id | Should -Be 0123456789abcdef
        $fake.Requests | Should -Contain 'DELETE /engine/jobs/0123456789abcdef'
    }

    It 'have jobs that -WhatIf does not stop' {
        Get-EngineJob | Stop-EngineJob -WhatIf
        $fake.Requests | Should -Not -Contain 'DELETE /engine/jobs/0123456789abcdef'
    }

    It 'have jobs that are waited for only so long' {
        $fake.SetSilent('GET /engine/jobs/feed?wait=1')
        Wait-EngineJob feed -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be OperationTimeout
    }
}

Describe 'The commands of the engine under test' {
    BeforeAll { Get-ContainerEngineSession | Disconnect-ContainerEngine }

    BeforeEach {
        if (-not (Test-GantryEngine)) { Set-ItResult -Skipped -Because 'the engine has no GET /engine/commands: it is not Gantry' }
    }

    It 'describe themselves' {
        $commands = Get-EngineCommand
        $commands.Count | Should -BeGreaterThan 30
        $commands.Name | Should -Contain start
        $commands.Where{ -not $_.Synopsis } | Should -BeNullOrEmpty
        (Get-EngineCommand start).Routes | Should -Match '^POST /containers/\{\w+\*?\}/start$'
    }

    It 'run: start' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'exit 2'
        Get-EngineCommand start | Invoke-EngineCommand -Argument @{ name = $container.Name }
        ($container | Wait-Container).ExitCode | Should -Be 2
    }

    It 'run: commands' { Invoke-EngineCommand commands | Should -Contain start }

    It 'run detached, and keep their results' {
        $ended = Invoke-EngineCommand commands -Detach | Wait-EngineJob -TimeoutSec 20
        $ended.Status | Should -Be Succeeded
        $ended.Result | Should -Contain start
    }

    It 'refuse what they do not take' {
        Invoke-EngineCommand start @{ nonsense = 1 } -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be InvalidArgument
    }

    It 'have jobs that can be stopped' {
        $container = Start-TestContainer
        $waiting = Invoke-EngineCommand wait @{ name = $container.Name } -Detach
        (Get-EngineJob $waiting.Id).Status | Should -Be Running
        ($waiting | Stop-EngineJob -PassThru).Status | Should -Be Cancelled
    }
}

Describe 'An engine without commands' {
    It 'is told apart by its error' {
        $fake = New-FakeEngine
        try {
            $session = Connect-ContainerEngine $fake.Uri -NoDefault
            { Get-EngineCommand -Session $session -ErrorAction Stop } | Should -Throw -ErrorId 'NotSupportedByEngine,*'
        }
        finally { $fake.Dispose() }
    }
}
