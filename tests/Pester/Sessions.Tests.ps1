BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'Sessions' {
    BeforeEach { Get-ContainerEngineSession | Disconnect-ContainerEngine }

    Context 'Connect-ContainerEngine' {
        It 'gives a session with the versions of both sides' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            $session | Should -BeOfType Gantry.PowerShell.Objects.EngineSession
            $session.State | Should -Be Connected
            $session.ApiVersion | Should -BeLessOrEqual ([version]'1.51')
            $session.EngineVersion | Should -Not -BeNullOrEmpty
        }

        It 'makes the session the default' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST -Name mine
            $session.IsDefault | Should -BeTrue
            (Get-ContainerEngineSession -Default).Name | Should -Be mine
        }

        It 'leaves the default alone with -NoDefault' {
            $first = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST -NoDefault
            (Get-ContainerEngineSession -Default).Id | Should -Be $first.Id
        }

        It 'speaks the older of the two versions' {
            $fake = New-FakeEngine
            try {
                $fake.ApiVersion = '1.41'
                $fake.Set('GET /containers/json', 200, 'application/json', '[]')
                (Connect-ContainerEngine $fake.Uri).ApiVersion | Should -Be '1.41'
            }
            finally { $fake.Dispose() }
        }

        It 'takes a socket path without a scheme' { (Connect-ContainerEngine ($env:GANTRY_TEST_HOST -replace '^unix://')).State | Should -Be Connected }

        It 'says that nobody listens' {
            Connect-ContainerEngine /nowhere/at/all.sock -ErrorAction SilentlyContinue -ErrorVariable problem
            Get-ErrorId $problem[0] | Should -Be EngineUnreachable
            $problem[0].CategoryInfo.Category | Should -Be ConnectionError
        }

        It 'refuses an address that is none: <_>' -ForEach 'ftp://x', 'tcp://host:port', 'tcp://host:0', 'tcp://host:1/path', 'ssh://me@there' {
            Connect-ContainerEngine $_ -ErrorAction SilentlyContinue -ErrorVariable problem
            $problem[0].CategoryInfo.Category | Should -Be InvalidArgument
        }

        It 'gives up after -TimeoutSec' {
            $fake = New-FakeEngine
            try {
                $fake.SetSilent('HEAD /_ping')
                Connect-ContainerEngine $fake.Uri -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
                $problem[0].CategoryInfo.Category | Should -Be OperationTimeout
            }
            finally { $fake.Dispose() }
        }

        It 'reads contexts of the docker CLI' {
            $old = $env:DOCKER_CONFIG
            $env:DOCKER_CONFIG = Join-Path $TestDrive docker
            try {
                $id = [Convert]::ToHexString([Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes('there'))).ToLower()
                $null = New-Item -ItemType Directory (Join-Path $env:DOCKER_CONFIG "contexts/meta/$id")
                @{ Name = 'there'; Metadata = @{ Description = 'a test' }; Endpoints = @{ docker = @{ Host = $env:GANTRY_TEST_HOST; SkipTLSVerify = $false } } } | ConvertTo-Json -Depth 5 |
                    Set-Content (Join-Path $env:DOCKER_CONFIG "contexts/meta/$id/meta.json")
                (Connect-ContainerEngine -Context there).Uri | Should -Be $env:GANTRY_TEST_HOST
                (Get-Completion 'Connect-ContainerEngine -Context t').CompletionText | Should -Be there
                Connect-ContainerEngine -Context nope -ErrorAction SilentlyContinue -ErrorVariable problem
                $problem[0].CategoryInfo.Category | Should -Be ObjectNotFound
            }
            finally { $env:DOCKER_CONFIG = $old }
        }
    }

    Context 'without one' {
        It 'the first cmdlet makes the default from GANTRY_HOST' {
            $null = Get-Container
            (Get-ContainerEngineSession -Default).Uri | Should -Be $env:GANTRY_TEST_HOST
        }

        It 'follows GANTRY_HOST when it changes' {
            $fake = New-FakeEngine
            try {
                $null = Get-ContainerImage
                $env:GANTRY_HOST = $fake.Uri
                $fake.Set('GET /images/json', 200, 'application/json', '[]')
                Get-ContainerImage | Should -BeNullOrEmpty
                (Get-ContainerEngineSession -Default).Uri | Should -Be $fake.Uri
            }
            finally {
                $env:GANTRY_HOST = $env:GANTRY_TEST_HOST
                $fake.Dispose()
            }
        }

        It 'uses DOCKER_HOST when there is no GANTRY_HOST' {
            try {
                Remove-Item Env:GANTRY_HOST
                $env:DOCKER_HOST = $env:GANTRY_TEST_HOST
                $null = Get-Container
                (Get-ContainerEngineSession -Default).Uri | Should -Be $env:GANTRY_TEST_HOST
            }
            finally {
                Remove-Item Env:DOCKER_HOST
                $env:GANTRY_HOST = $env:GANTRY_TEST_HOST
            }
        }

        It 'an engine that is not there ends the statement with its own error' {
            try {
                $env:GANTRY_HOST = 'unix:///nowhere.sock'
                { Get-Container -ErrorAction Stop } | Should -Throw -ErrorId 'EngineUnreachable,Gantry.PowerShell.Cmdlets.GetContainerCommand'
            }
            finally { $env:GANTRY_HOST = $env:GANTRY_TEST_HOST }
        }
    }

    Context 'Get- and Disconnect-ContainerEngineSession' {
        It 'lists by name, pattern and id' {
            $one = Connect-ContainerEngine $env:GANTRY_TEST_HOST -Name one
            $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST -Name other
            (Get-ContainerEngineSession one).Id | Should -Be $one.Id
            (Get-ContainerEngineSession o*).Count | Should -Be 2
            (Get-ContainerEngineSession -Id $one.Id).Name | Should -Be one
        }

        It 'a name that no session has is one error, a pattern none' {
            Get-ContainerEngineSession nope -ErrorAction SilentlyContinue -ErrorVariable problem
            Get-ErrorId $problem[0] | Should -Be EngineSessionNotFound
            Get-ContainerEngineSession nope* -ErrorAction Stop | Should -BeNullOrEmpty
        }

        It 'a disconnected session says so when it is used' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            Disconnect-ContainerEngine $session
            $session.State | Should -Be Disconnected
            { Get-Container -Session $session -ErrorAction Stop } | Should -Throw -ErrorId 'SessionDisconnected,*'
        }

        It 'the newest of the others becomes the default' {
            $one = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            Disconnect-ContainerEngine
            (Get-ContainerEngineSession -Default).Id | Should -Be $one.Id
        }

        It '-WhatIf disconnects nothing' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            Disconnect-ContainerEngine $session -WhatIf
            $session.State | Should -Be Connected
        }
    }

    Context '-Session' {
        It 'takes a session, its name or its id' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST -Name named
            (Get-ContainerEngine -Session $session).Session.Id | Should -Be $session.Id
            (Get-ContainerEngine -Session named).Session.Id | Should -Be $session.Id
            (Get-ContainerEngine -Session $session.Id).Session.Id | Should -Be $session.Id
        }

        It 'refuses a name that no session has' { { Get-Container -Session nope } | Should -Throw '*no engine session*' }

        It 'wins over the default' {
            $fake = New-FakeEngine
            try {
                $fake.Set('GET /containers/json', 200, 'application/json', '[]')
                $session = Connect-ContainerEngine $fake.Uri -NoDefault
                Get-Container -Session $session | Should -BeNullOrEmpty
                $fake.Requests | Should -Contain 'GET /containers/json?all=1'
            }
            finally { $fake.Dispose() }
        }

        It 'is remembered by objects, in other runspaces too' {
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST -NoDefault -Name far
            $container = New-Container busybox -Name (New-TestName) -Command true -Session $session
            $container.Session.Name | Should -Be far
            $module = Join-Path $env:GANTRY_TEST_MODULE 'Gantry.psd1'
            $answer = $container | ForEach-Object -Parallel {
                Import-Module $using:module
                $env:GANTRY_HOST
                ($_ | Get-ContainerDetail).Session.Name
                @(Get-ContainerEngineSession).Count
            }
            $answer | Should -Be $env:GANTRY_TEST_HOST, far, 0
        }

        It 'works in a thread job' {
            if (-not (Get-Command Start-ThreadJob -ErrorAction Ignore)) { Set-ItResult -Skipped -Because 'this pwsh comes without the module ThreadJob'; return }
            $module = Join-Path $env:GANTRY_TEST_MODULE 'Gantry.psd1'
            $session = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            $job = Start-ThreadJob { Import-Module $using:module; (Get-ContainerEngine -Session $using:session).Version }
            $job | Wait-Job | Receive-Job | Should -Be $session.EngineVersion
            $job | Remove-Job
        }

        It 'is completed by name' {
            $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST -Name completed
            (Get-Completion 'Get-Container -Session comp').CompletionText | Should -Be completed
        }
    }

    Context 'Test-ContainerEngine' {
        It 'is true for an engine that answers' { Test-ContainerEngine | Should -BeTrue }

        It 'is false, without an error, for one that does not' { Test-ContainerEngine unix:///nowhere.sock -ErrorAction Stop | Should -BeFalse }

        It 'says how fast and why not with -Detailed' {
            (Test-ContainerEngine -Detailed).Latency | Should -BeOfType timespan
            $not = 'unix:///nowhere.sock' | Test-ContainerEngine -Detailed
            $not.Answers | Should -BeFalse
            $not.Error | Should -Match 'does not exist'
        }

        It 'takes sessions from the pipeline' { Connect-ContainerEngine $env:GANTRY_TEST_HOST | Test-ContainerEngine | Should -BeTrue }
    }

    Context 'Get-ContainerEngine' {
        It 'describes the engine and its host' {
            $info = Get-ContainerEngine
            $info | Should -BeOfType Gantry.PowerShell.Objects.EngineInfo
            $info.CpuCount | Should -BeGreaterThan 0
            $info.Memory | Should -BeGreaterThan 0
            $info.KernelVersion | Should -Not -BeNullOrEmpty
        }

        It 'takes sessions from the pipeline' {
            $a = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            $b = Connect-ContainerEngine $env:GANTRY_TEST_HOST
            @($a, $b | Get-ContainerEngine).Session.Id | Should -Be $a.Id, $b.Id
        }
    }
}
