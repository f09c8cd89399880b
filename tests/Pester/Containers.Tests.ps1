BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'The line that everything is for' {
    It 'gives an object with the exit code' {
        $name = New-TestName
        $exit = Get-ContainerImage busybox | New-Container -Name $name -Command sh, -c, 'echo hi; exit 3' | Start-Container -PassThru | Wait-Container
        $exit | Should -BeOfType Gantry.PowerShell.Objects.ContainerExit
        $exit.ExitCode | Should -Be 3
        $exit.Name | Should -Be $name
    }

    It 'has a log that is read by pattern' { (Get-Container (Get-TestPattern c) | Get-ContainerLog).Line | Should -Contain hi }

    It 'removes what has ended, but not with -WhatIf' {
        Get-Container (Get-TestPattern c) | Where-Object State -eq exited | Remove-Container -WhatIf
        Get-Container (Get-TestPattern c) | Where-Object State -eq exited | Should -Not -BeNullOrEmpty
    }
}

Describe 'Get-Container' {
    BeforeAll {
        $role = New-TestName role
        $runs = Start-TestContainer -With @{ Label = @{ role = $role; part = 'a' }; Publish = '127.0.0.1::80' }
        $ended = New-Container busybox -Name (New-TestName) -Command sh, -c, 'exit 7' -Label "role=$role"
        $null = $ended | Start-Container -Wait
        $made = New-Container busybox -Name (New-TestName) -Command true -Label @{ role = $role }
    }

    It 'gives typed objects' {
        $container = Get-Container $runs.Name
        $container | Should -BeOfType Gantry.PowerShell.Objects.Container
        $container.Id | Should -Match '^[0-9a-f]{64}$'
        $container.CreatedAt | Should -BeOfType DateTimeOffset
        $container.State | Should -Be Running
        $container.Image | Should -Be busybox
        $container.Labels.part | Should -Be a
        $container.Session | Should -Not -BeNullOrEmpty
    }

    It 'shows every state unless it is asked for less' { (Get-Container -Label "role=$role").State | Sort-Object | Should -Be Created, Running, Exited }

    It 'filters by -State' { (Get-Container -Label "role=$role" -State Exited, Created).Name | Sort-Object | Should -Be ($ended.Name, $made.Name | Sort-Object) }

    It 'filters by -Running' { (Get-Container -Label @{ role = $role } -Running).Name | Should -Be $runs.Name }

    It 'filters by all labels of -Label' { (Get-Container -Label @{ role = $role; part = 'a' }).Name | Should -Be $runs.Name }

    It 'filters by -Image, as a name or a pattern' {
        (Get-Container -Label "role=$role" -Image busybox).Count | Should -Be 3
        (Get-Container -Label "role=$role" -Image busy*).Count | Should -Be 3
        Get-Container -Label "role=$role" -Image other* | Should -BeNullOrEmpty
    }

    It 'filters by -Network, as a name or a pattern' {
        (Get-Container -Label "role=$role" -Network bridge).Name | Should -Contain $runs.Name
        (Get-Container -Label "role=$role" -Network bri*).Name | Should -Contain $runs.Name
        Get-Container -Label "role=$role" -Network none | Should -BeNullOrEmpty
    }

    It 'filters by -Health' { (Get-Container -Label "role=$role" -Health None).Count | Should -Be 3 }

    It 'takes names, patterns, and names from the pipeline' {
        (Get-Container $runs.Name, $made.Name).Count | Should -Be 2
        (Get-Container (Get-TestPattern c)).Count | Should -BeGreaterOrEqual 3
        ($runs.Name, $made.Name | Get-Container).Name | Should -Be $runs.Name, $made.Name
    }

    It 'takes the beginning of an id as a name too' { (Get-Container $runs.Id.Substring(0, 12)).Name | Should -Be $runs.Name }

    It 'takes ids by -Id' { (Get-Container -Id $runs.Id.Substring(0, 10), $made.Id).Count | Should -Be 2 }

    It 'takes objects with a property Name' { ([pscustomobject]@{ Name = $runs.Name } | Get-Container).Id | Should -Be $runs.Id }

    It 'a name that nothing has is one error' {
        $found = Get-Container $runs.Name, "$($runs.Name)-nope" -ErrorAction SilentlyContinue -ErrorVariable problem
        $found.Name | Should -Be $runs.Name
        @($problem).Count | Should -Be 1
        Get-ErrorId $problem[0] | Should -Be ContainerNotFound
    }

    It 'a pattern that matches nothing is none' { Get-Container "$($runs.Name)-nope*" -ErrorAction Stop | Should -BeNullOrEmpty }

    It 'measures with -Size' { (Get-Container $made.Name -Size).SizeRoot | Should -BeGreaterThan 100000 }

    It 'shows published ports' {
        $port = (Get-Container $runs.Name).Ports[0]
        $port.ContainerPort | Should -Be 80
        $port.HostPort | Should -BeGreaterThan 0
        $port.HostAddress | Should -Be 127.0.0.1
        (Get-Container $runs.Name | Out-String -Width 200) | Should -Match '127\.0\.0\.1:\d+->80/tcp'
    }

    It 'shows state and exit code' {
        (Get-Container $ended.Name).ExitCode | Should -Be 7
        (Get-Container $ended.Name | Out-String -Width 120) | Should -Match 'Exited \(7\)'
    }

    It 'fits its default view into 80 columns' { Get-Container $runs.Name | Out-String -Width 80 | ForEach-Object { $_ -split "`n" } | Select-Object -Index 1 | Should -Match 'Name.*Image.*State.*Status.*Ports' }

    It 'ends when the pipeline has enough' { @(Get-Container | Select-Object -First 1).Count | Should -Be 1 }
}

Describe 'Get-ContainerDetail' {
    BeforeAll {
        $name = New-TestName
        $null = New-Container busybox -Name $name -Command sleep, 60 -Environment @{ A = 1; B = 'x y' } -Label @{ l = 'v' } -Memory 64MB -Cpu 0.5 -WorkingDirectory /tmp -User 1000:1000 -RestartPolicy on-failure:3 -Tmpfs /run:size=1m `
            -Publish '127.0.0.1::80' -Hostname hosty -HealthCheck 'true' -StopSignal SIGINT -PidLimit 100 -CapabilityAdd NET_ADMIN -ReadOnly
        $detail = Get-ContainerDetail $name
    }

    It 'gives one typed object' { $detail | Should -BeOfType Gantry.PowerShell.Objects.ContainerDetail }

    It 'shows what was asked for: <Property> is <Value>' -ForEach @(
        @{ Property = 'Memory'; Value = 64MB }
        @{ Property = 'Cpu'; Value = 0.5 }
        @{ Property = 'WorkingDirectory'; Value = '/tmp' }
        @{ Property = 'User'; Value = '1000:1000' }
        @{ Property = 'Hostname'; Value = 'hosty' }
        @{ Property = 'StopSignal'; Value = 'SIGINT' }
        @{ Property = 'PidLimit'; Value = 100 }
        @{ Property = 'IsReadOnly'; Value = $true }
        @{ Property = 'State'; Value = 'Created' }
        @{ Property = 'Image'; Value = 'busybox' }
    ) {
        $detail.$Property | Should -Be $Value
    }

    It 'has the environment by name' {
        $detail.Environment['A'] | Should -Be 1
        $detail.Environment['B'] | Should -Be 'x y'
    }

    It 'has the restart policy, the command, the ports and the health check as objects' {
        "$($detail.RestartPolicy)" | Should -Be on-failure:3
        $detail.Command | Should -Be sleep, 60
        $detail.RequestedPorts.ContainerPort | Should -Be 80
        $detail.HealthCheck.ShellCommand | Should -Be true
        $detail.CapabilityAdd | Should -Match 'NET_ADMIN'
    }

    It 'has times that were never as nothing' { $detail.StartedAt | Should -BeNullOrEmpty }

    It 'measures with -Size' { (Get-ContainerDetail $name -Size).SizeRoot | Should -BeGreaterThan 0 }

    It 'takes objects, names, patterns and ids' {
        (Get-Container $name | Get-ContainerDetail).Name | Should -Be $name
        ($name | Get-ContainerDetail).Name | Should -Be $name
        (Get-ContainerDetail "$name*").Name | Should -Be $name
        (Get-ContainerDetail $detail.Id.Substring(0, 12)).Name | Should -Be $name
        ([pscustomobject]@{ Id = $detail.Id } | Get-ContainerDetail).Name | Should -Be $name
        ([pscustomobject]@{ Container = $name } | Get-ContainerDetail).Name | Should -Be $name
    }

    It 'gives a container once, however often it is named' { @(Get-ContainerDetail $name, "$name*", $detail.Id).Count | Should -Be 1 }
}

Describe 'New-Container' {
    It 'gives the container as it is' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $container.State | Should -Be Created
    }

    It 'takes images by name, object and id' {
        $image = Get-ContainerImage busybox
        (New-Container $image -Name (New-TestName) -Command true).Image | Should -Be busybox:latest
        (New-Container $image.Id -Name (New-TestName) -Command true).ImageId | Should -Be $image.Id
        ('busybox' | New-Container -Name (New-TestName) -Command true).Image | Should -Be busybox
    }

    It 'reads -Publish <_>' -ForEach '18099:80', '127.0.0.1:18099:80', '80', '18099:80/udp' {
        $container = New-Container busybox -Name (New-TestName) -Command true -Publish $_
        ($container | Get-ContainerDetail).RequestedPorts.ContainerPort | Should -Be 80
    }

    It 'reads -Publish as a hashtable, a number, and objects' {
        $ports = (New-Container busybox -Name (New-TestName) -Command true -Publish @{ 18080 = 80; 18443 = 443 }, 90, (New-ContainerPortBinding 53 -Protocol udp) | Get-ContainerDetail).RequestedPorts
        ($ports | Sort-Object ContainerPort).ContainerPort | Should -Be 53, 80, 90, 443
        ($ports | Where-Object ContainerPort -eq 443).HostPort | Should -Be 18443
        ($ports | Where-Object ContainerPort -eq 53).Protocol | Should -Be udp
    }

    It 'refuses the port binding <_> before any engine is asked' -ForEach '80:', 'x:80', '70000', '80-70', '1-2:3-5', '999.1.1.1:80:80', '80/xtp' {
        { New-Container busybox -Publish $_ } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,*'
    }

    It 'mounts in every way of writing' {
        $source = (New-Item -ItemType Directory (Join-Path $TestDrive "m$(Get-Random)")).FullName
        $volume = New-TestName v
        $container = New-Container busybox -Name (New-TestName) -Command true -Volume "${source}:/a:ro", "${volume}:/b", '/c' -Mount "type=bind,source=$source,target=/d,readonly", (New-ContainerMount /e -Volume $volume), @{ Type = 'Tmpfs'; Target = '/f'; Size = 1MB } -Tmpfs /g:size=1m
        $mounts = ($container | Get-ContainerDetail).Mounts | Sort-Object Target
        $mounts.Target | Should -Be /a, /b, /c, /d, /e, /f
        $mounts[0].ReadOnly | Should -BeTrue
        $mounts[1].Source | Should -Be $volume
        $mounts[3].ReadOnly | Should -BeTrue
    }

    It 'makes host paths absolute from where PowerShell is' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive "rel$(Get-Random)/inner")
        Push-Location $folder.Parent.FullName
        try { $container = New-Container busybox -Name (New-TestName) -Command true -Volume ./inner:/x }
        finally { Pop-Location }
        ($container | Get-ContainerDetail).Mounts.Source | Should -Be $folder.FullName
    }

    It 'reads sizes as numbers and as texts' {
        (New-Container busybox -Name (New-TestName) -Command true -Memory 64m -MemoryReservation 32MB | Get-ContainerDetail | ForEach-Object { $_.Memory, $_.MemoryReservation }) | Should -Be 64MB, 32MB
    }

    It 'takes environment variables as texts too' { (New-Container busybox -Name (New-TestName) -Command true -Environment A=1, 'B=x=y' | Get-ContainerDetail).Environment['B'] | Should -Be 'x=y' }

    It 'takes a spec, and puts its own parameters over it' {
        $spec = New-ContainerSpec busybox -Command sleep, 60 -Environment @{ A = 'spec' } -Memory 64MB
        $detail = $spec | New-Container -Name (New-TestName) -Environment @{ A = 'mine' } | Get-ContainerDetail
        $detail.Memory | Should -Be 64MB
        $detail.Environment['A'] | Should -Be mine
        $detail.Command | Should -Be sleep, 60
    }

    It 'takes a hashtable for a spec' { (@{ Image = 'busybox'; Command = 'sleep', '60'; Label = @{ a = 'b' } } | New-Container -Name (New-TestName)).Labels.a | Should -Be b }

    It 'a name that is taken is an error of its own' {
        $name = New-TestName
        $null = New-Container busybox -Name $name -Command true
        New-Container busybox -Name $name -Command true -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerNameAlreadyExists
    }

    It 'an image that is not there is ImageNotFound' {
        New-Container (New-TestName nope) -PullPolicy Never -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        $problem[0].CategoryInfo.Category | Should -Be ObjectNotFound
    }

    It 'makes nothing with -WhatIf' {
        $name = New-TestName
        New-Container busybox -Name $name -WhatIf | Should -BeNullOrEmpty
        Get-Container "$name*" | Should -BeNullOrEmpty
    }
}

Describe 'Start-Container' {
    It 'starts, and says nothing' {
        $container = New-Container busybox -Name (New-TestName) -Command sleep, 60
        $container | Start-Container | Should -BeNullOrEmpty
        (Get-Container $container.Name).State | Should -Be Running
    }

    It 'gives the containers as they are then with -PassThru' { (Start-TestContainer).State | Should -Be Running }

    It 'leaves one that runs alone' { Start-TestContainer | Start-Container -PassThru -ErrorAction Stop | Should -Not -BeNullOrEmpty }

    It 'gives the exit code with -Wait' { (New-Container busybox -Name (New-TestName) -Command sh, -c, 'exit 5' | Start-Container -Wait).ExitCode | Should -Be 5 }

    It 'waits for a container that removes itself' { (New-Container busybox -Name (New-TestName) -Command sh, -c, 'exit 6' -RemoveAutomatically | Start-Container -Wait).ExitCode | Should -Be 6 }

    It 'gives up waiting after -TimeoutSec, and the container runs on' {
        # One that runs already: its start does not count.
        $container = Start-TestContainer
        $container | Start-Container -Wait -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -Be OperationTimeout
        (Get-Container $container.Name).State | Should -Be Running
    }

    It 'shows what it writes with -Attach' { New-Container busybox -Name (New-TestName) -Command sh, -c, 'echo one; echo two' | Start-Container -Attach | Should -Be one, two }

    It 'waits for the health check with -Healthy' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'sleep 1; touch /ok; sleep 60' -HealthCheck (New-ContainerHealthCheck test, -f, /ok -Interval 1s -Retries 30)
        ($container | Start-Container -Healthy -PassThru -TimeoutSec 60).Health | Should -Be Healthy
    }

    It 'a command that is not there is the engine''s own error' {
        $container = New-Container busybox -Name (New-TestName) -Command /not/there
        $container | Start-Container -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Match '/not/there'
        $problem[0].CategoryInfo.Category | Should -Be InvalidArgument
    }

    It 'starts nothing with -WhatIf' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $container | Start-Container -WhatIf
        (Get-Container $container.Name).State | Should -Be Created
    }
}

Describe 'Stop-Container' {
    It 'stops, and says nothing' {
        $container = Start-TestContainer
        $container | Stop-Container | Should -BeNullOrEmpty
        (Get-Container $container.Name).State | Should -Be Exited
    }

    It 'stops several at the same time' {
        $containers = 1..3 | ForEach-Object { New-Container busybox -Name (New-TestName) -Command sleep, 300 } | Start-Container -PassThru
        ($containers | Stop-Container -TimeoutSec 1 -PassThru).State | Should -Be Exited, Exited, Exited
    }

    It 'ends it at once with -Force' { (Start-TestContainer | Stop-Container -Force -PassThru).ExitCode | Should -Be 137 }

    It 'sends the signal of -Signal first' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done' | Start-Container -PassThru
        Wait-Until { ($container | Get-ContainerLog).Line -contains 'ready' }
        ($container | Stop-Container -Signal SIGUSR1 -TimeoutSec 20 -PassThru).ExitCode | Should -Be 9
    }

    It 'leaves one that does not run alone' { New-Container busybox -Name (New-TestName) -Command true | Stop-Container -ErrorAction Stop }

    It 'stops nothing with -WhatIf' {
        $container = Start-TestContainer
        $container | Stop-Container -WhatIf
        (Get-Container $container.Name).State | Should -Be Running
    }
}

Describe 'Restart-Container' {
    It 'starts it anew' {
        $container = Start-TestContainer
        $before = ($container | Get-ContainerDetail).StartedAt
        ($container | Restart-Container -TimeoutSec 5 -PassThru).State | Should -Be Running
        ($container | Get-ContainerDetail).StartedAt | Should -BeGreaterThan $before
    }

    It 'starts one that does not run' { (New-Container busybox -Name (New-TestName) -Command sleep, 60 | Restart-Container -PassThru).State | Should -Be Running }

    It 'does nothing with -WhatIf' {
        $container = New-Container busybox -Name (New-TestName) -Command sleep, 60
        $container | Restart-Container -WhatIf
        (Get-Container $container.Name).State | Should -Be Created
    }
}

Describe 'Send-ContainerSignal' {
    It 'ends it when no signal is named' { (Start-TestContainer | Send-ContainerSignal -PassThru | Wait-Container).ExitCode | Should -Be 137 }

    It 'sends the signal, by name or number: <_>' -ForEach 'SIGTERM', 'TERM', '15' {
        (Start-TestContainer | Send-ContainerSignal -Signal $_ -PassThru | Wait-Container).ExitCode | Should -Be 0
    }

    It 'to one that does not run is a conflict' {
        New-Container busybox -Name (New-TestName) -Command true | Send-ContainerSignal -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerConflict
        $problem[0].CategoryInfo.Category | Should -Be InvalidOperation
    }

    It 'of a kind that is none is an invalid request' {
        Start-TestContainer | Send-ContainerSignal -Signal NONSENSE -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
    }

    It 'sends nothing with -WhatIf' {
        $container = Start-TestContainer
        $container | Send-ContainerSignal -WhatIf
        (Get-Container $container.Name).State | Should -Be Running
    }
}

Describe 'Wait-Container' {
    It 'gives each exit as soon as it is known' {
        $slow = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do sleep 0.1; done; exit 2' | Start-Container -PassThru
        $fast = New-Container busybox -Name (New-TestName) -Command sh, -c, 'exit 1' | Start-Container -PassThru
        $slow, $fast | Wait-Container | ForEach-Object { $_.ExitCode; if ($_.ExitCode -eq 1) { Set-Go $slow } } | Should -Be 1, 2
    }

    It 'gives up after -TimeoutSec' {
        $container = Start-TestContainer
        $container | Wait-Container -TimeoutSec 1 -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be OperationTimeout
        $problem[0].TargetObject | Should -Be $container.Name
    }

    It 'waits for the removal with -Condition Removed' {
        $container = New-Container busybox -Name (New-TestName) -Command sh, -c, 'while [ ! -e /go ]; do sleep 0.1; done; exit 4' -RemoveAutomatically | Start-Container -PassThru
        $script = Start-Script '$container | Wait-Container -Condition Removed -Debug' @{ container = $container }
        try {
            # The engine's answer begins when it waits.
            Wait-Until { "$($script.Shell.Streams.Debug)" -match '/wait' }
            Set-Go $container
            Wait-Until { $script.Running.IsCompleted }
            (Get-Result $script).ExitCode | Should -Be 4
        }
        finally { Remove-Script $script }
        Get-Container "$($container.Name)*" | Should -BeNullOrEmpty
    }

    It 'gives healthy containers with -Healthy' {
        $container = New-Container busybox -Name (New-TestName) -Command sleep, 60 -HealthCheck (New-ContainerHealthCheck true -Interval 1s) | Start-Container -PassThru
        ($container | Wait-Container -Healthy -TimeoutSec 60).Health | Should -Be Healthy
    }

    It 'does not wait for the health of one without a check' {
        Start-TestContainer | Wait-Container -Healthy -TimeoutSec 20 -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Match 'no health check'
    }
}

Describe 'Rename-Container' {
    It 'gives it another name' {
        $new = New-TestName
        (New-Container busybox -Name (New-TestName) -Command true | Rename-Container -NewName $new -PassThru).Name | Should -Be $new
    }

    It 'to a name that is taken is ContainerNameAlreadyExists' {
        $taken = New-Container busybox -Name (New-TestName) -Command true
        New-Container busybox -Name (New-TestName) -Command true | Rename-Container -NewName $taken.Name -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerNameAlreadyExists
    }

    It 'does nothing with -WhatIf' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $container | Rename-Container -NewName (New-TestName) -WhatIf
        (Get-Container $container.Name).Id | Should -Be $container.Id
    }
}

Describe 'Remove-Container' {
    It 'removes without a question with -Force, running or not' {
        $container = Start-TestContainer
        $container | Remove-Container -Force
        Get-Container "$($container.Name)*" | Should -BeNullOrEmpty
    }

    It 'without -Force, one that runs is a conflict' {
        $container = Start-TestContainer
        $container | Remove-Container -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerConflict
    }

    It 'removes nothing with -WhatIf, not even with -Force' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $container | Remove-Container -Force -WhatIf
        Get-Container $container.Name | Should -Not -BeNullOrEmpty
    }

    It 'removes by pattern' {
        $name = New-TestName many
        $null = 1..2 | ForEach-Object { New-Container busybox -Name "$name-$_" -Command true }
        Remove-Container "$name-*" -Force
        Get-Container "$name-*" | Should -BeNullOrEmpty
    }

    It 'shows each container that -Unused would remove' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $text = Start-Script 'Remove-Container -Unused -WhatIf' @{}
        $null = $text.Running.AsyncWaitHandle.WaitOne(20000)
        Remove-Script $text
        Get-Container $container.Name | Should -Not -BeNullOrEmpty
    }

    It 'asks, and so fails where nobody can answer' {
        $container = New-Container busybox -Name (New-TestName) -Command true
        $script = Start-Script 'Remove-Container $name' @{ name = $container.Name }
        $null = $script.Running.AsyncWaitHandle.WaitOne(20000)
        $script.Shell.Streams.Error | Should -Not -BeNullOrEmpty
        Remove-Script $script
        Get-Container $container.Name | Should -Not -BeNullOrEmpty
    }
}
