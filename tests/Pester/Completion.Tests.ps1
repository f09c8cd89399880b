BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
    $runs = Start-TestContainer (New-TestName comp)
    $made = New-Container busybox -Name (New-TestName comp) -Command true
    $pattern = (Get-TestPattern comp).TrimEnd('*')
    # A session of its own has nothing remembered from before.
    function New-Session { Get-ContainerEngineSession | Disconnect-ContainerEngine; $null = Connect-ContainerEngine $env:GANTRY_TEST_HOST }
}

AfterAll { Clear-TestEngine }

Describe 'Tab' {
    BeforeEach { New-Session }

    It 'offers names of containers' {
        (Wait-Completion "Get-Container $pattern").CompletionText | Sort-Object | Should -Be ($runs.Name, $made.Name | Sort-Object)
        (Wait-Completion "Get-ContainerDetail -Container $pattern").CompletionText | Should -HaveCount 2
    }

    It 'offers what the command can do something with' {
        (Wait-Completion "Stop-Container $pattern").CompletionText | Should -Be $runs.Name
        (Wait-Completion "Start-Container $pattern").CompletionText | Should -Be $made.Name
    }

    It 'knows aliases of parameters and commands' {
        (Wait-Completion "Kill-Container $pattern").CompletionText | Should -Be $runs.Name
        (Wait-Completion "Get-ContainerLog -Name $pattern").CompletionText | Should -HaveCount 2
    }

    It 'offers ids where no name fits' { (Wait-Completion "Get-ContainerDetail $($made.Id.Substring(0, 6))").CompletionText | Should -Contain $made.Id.Substring(0, 12) }

    It 'goes on with a pattern' { (Wait-Completion "Get-Container *comp-*").CompletionText | Should -Contain $made.Name }

    It 'shows image and status beside the name' { (Wait-Completion "Get-Container $($runs.Name)")[0].ToolTip | Should -Match 'busybox.*Up' }

    It 'offers nothing for what nobody is called' { (Get-Completion 'Get-Container gptnobody').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty }

    It 'keeps the quotes that were begun' { (Wait-Completion "Get-Container '$pattern").CompletionText | Should -Contain "'$($made.Name)'" }

    It 'offers images' {
        (Wait-Completion 'New-Container busyb').CompletionText | Should -Contain busybox:latest
        (Wait-Completion 'Remove-ContainerImage busyb').CompletionText | Should -Contain busybox:latest
    }

    It 'offers networks' { (Wait-Completion 'New-Container busybox -Network bri').CompletionText | Should -Contain bridge }

    It 'offers signals, restart policies and capabilities' {
        (Get-Completion 'Send-ContainerSignal x SIGK').CompletionText | Should -Be SIGKILL
        (Get-Completion 'New-Container busybox -RestartPolicy un').CompletionText | Should -Be unless-stopped
        (Get-Completion 'New-Container busybox -CapabilityAdd NET_A').CompletionText | Should -Be NET_ADMIN
    }

    It 'offers states' { (Get-Completion 'Get-Container -State Ru').CompletionText | Should -Be Running }

    It 'asks the engine of -Session' {
        $fake = New-FakeEngine
        try {
            $fake.Set('GET /containers/json', 200, 'application/json', "[{`"Id`":`"$('b' * 64)`",`"Names`":[`"/only here`"],`"State`":`"running`",`"Status`":`"Up`"}]")
            $null = Connect-ContainerEngine $fake.Uri -NoDefault -Name faked
            (Wait-Completion 'Stop-Container -Session faked on').CompletionText | Should -Be "'only here'"
        }
        finally { $fake.Dispose() }
    }

    It 'asks once for several keys in a row' {
        $fake = New-FakeEngine
        try {
            $fake.Set('GET /containers/json', 200, 'application/json', '[]')
            # A list is good for 2 seconds: only keys that come within them are a row.
            foreach ($try in 1..10) {
                $null = Connect-ContainerEngine $fake.Uri -Name "counted$try"
                $fake.Requests.Clear()
                $watch = [Diagnostics.Stopwatch]::StartNew()
                1..5 | ForEach-Object { $null = Get-Completion 'Get-Container x' }
                if ($watch.Elapsed.TotalSeconds -lt 2) { break }
            }
            @($fake.Requests).Where{ $_ -like 'GET /containers/json*' } | Should -HaveCount 1
        }
        finally { $fake.Dispose() }
    }

    It 'does not wait for an engine that says nothing' {
        $fake = New-FakeEngine
        try {
            $fake.SetSilent('GET /containers/json')
            $null = Connect-ContainerEngine $fake.Uri
            (Get-Completion 'Stop-Container x').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty
        }
        finally { $fake.Dispose() }
    }

    It 'offers nothing, and says nothing, without an engine' {
        Get-ContainerEngineSession | Disconnect-ContainerEngine
        try {
            $env:GANTRY_HOST = 'unix:///nowhere.sock'
            (Get-Completion 'Stop-Container x').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty
        }
        finally { $env:GANTRY_HOST = $env:GANTRY_TEST_HOST }
    }
}
