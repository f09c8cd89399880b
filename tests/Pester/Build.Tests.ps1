BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine

    # A folder with a Dockerfile and other files.
    function New-Context([string] $Dockerfile, [hashtable] $Files = @{}) {
        $folder = Join-Path $TestDrive (New-TestName context)
        $null = New-Item -ItemType Directory $folder
        [IO.File]::WriteAllText((Join-Path $folder Dockerfile), $Dockerfile)
        foreach ($name in $Files.Keys) {
            $null = New-Item -ItemType Directory -Force (Split-Path (Join-Path $folder $name))
            [IO.File]::WriteAllText((Join-Path $folder $name), $Files[$name])
        }
        $folder
    }

    function Read-Image([string] $Image, [string] $Script) { Invoke-ContainerImage $Image -Network none -RemoveAutomatically -Command sh, -c, $Script }
}

AfterAll { Clear-TestEngine }

Describe 'Build-ContainerImage' {
    It 'gives the image with its name' {
        $name = New-TestName img
        $context = New-Context "FROM busybox`nCOPY f /f`nLABEL made=here" @{ f = 'content' }
        $image = Build-ContainerImage $context -Tag "${name}:v1", "${name}:v2"
        $image | Should -BeOfType Gantry.PowerShell.Objects.ContainerImage
        $image.Name | Should -Be "${name}:v1", "${name}:v2"
        $image[0].Labels['made'] | Should -Be here
        Read-Image "${name}:v1" 'cat /f' | Should -Be content
    }

    It 'gives an image without a name once' {
        $image = Build-ContainerImage (New-Context "FROM busybox`nLABEL nameless=$(New-TestName)")
        $image | Should -HaveCount 1
        $image.IsDangling | Should -BeTrue
        $image | Remove-ContainerImage -Force | Should -Not -BeNullOrEmpty
    }

    It 'takes folders from the pipeline, and the current one by default' {
        $name = New-TestName img
        $context = New-Context 'FROM busybox'
        (Get-Item $context | Build-ContainerImage -Tag "${name}:a").Tag | Should -Be a
        Push-Location $context
        try { (Build-ContainerImage -Tag "${name}:b").Tag | Should -Be b } finally { Pop-Location }
    }

    It 'writes the builder''s lines to the information stream, and steps to progress' {
        $context = New-Context "FROM busybox`nRUN echo said; echo complained >&2"
        $null = Build-ContainerImage $context -Network none -NoCache -Tag (New-TestName img) -InformationVariable lines
        $lines.MessageData | Should -Contain 'Step 1/2 : FROM busybox'
        $lines.MessageData | Should -Contain 'said'
        $lines.MessageData | Should -Contain 'complained'
        ($lines.MessageData -match '^Successfully tagged ').Count | Should -Be 1
        $lines.Tags | Select-Object -Unique | Should -Be ContainerBuild
    }

    It 'takes arguments, labels, a target and a Dockerfile elsewhere' {
        $name = New-TestName img
        $context = New-Context 'FROM nosuch' @{ 'docker/Other' = "FROM busybox AS one`nARG A=1`nRUN echo `$A > /a`nFROM one`nRUN exit 1" }
        $image = Build-ContainerImage $context -File docker/Other -BuildArg @{ A = 'given' } -Label @{ l = 'v' } -Target one -Network none -Tag $name
        $image.Labels['l'] | Should -Be v
        Read-Image $name 'cat /a' | Should -Be given
    }

    It 'takes a Dockerfile from outside of the folder, and one as text' {
        $outside = Join-Path $TestDrive (New-TestName file)
        [IO.File]::WriteAllText($outside, "FROM busybox`nCOPY f /outside")
        $context = New-Context 'FROM nosuch' @{ f = 'x' }
        $name = New-TestName img
        $null = Build-ContainerImage $context -File $outside -Tag "${name}:outside"
        Read-Image "${name}:outside" 'cat /outside' | Should -Be x
        $null = New-ContainerImage $context -Content 'FROM busybox', 'COPY f /text' -Tag "${name}:text"
        Read-Image "${name}:text" 'cat /text; ls -A / | grep -c dockerfile; true' | Should -Be 'x0'
    }

    It 'leaves out what .dockerignore says, and what the Dockerfile''s own says' {
        $name = New-TestName img
        $files = @{ 'a.md' = 'a'; 'keep.md' = 'k'; 'd/x.txt' = 'x'; 'd/y.log' = 'y'; '.dockerignore' = "*.md`n!keep.md`n**/*.log`nDockerfile`n.dockerignore`n"; 'Second' = "FROM busybox`nCOPY . /c"; 'Second.dockerignore' = "d`nSecond*`n" }
        $context = New-Context "FROM busybox`nCOPY . /c" $files
        $null = Build-ContainerImage $context -Tag "${name}:one"
        Read-Image "${name}:one" 'cd /c; find . -type f | sort' | Should -Be ./Second, ./Second.dockerignore, ./d/x.txt, ./keep.md
        $null = Build-ContainerImage $context -File Second -Tag "${name}:two"
        Read-Image "${name}:two" 'cd /c; find . -type f | sort' | Should -Not -Contain ./d/x.txt
        Read-Image "${name}:two" 'cd /c; find . -type f | sort' | Should -Contain ./a.md
    }

    It 'keeps modes, links and empty folders' {
        $context = New-Context "FROM busybox`nCOPY . /c" @{ 'run.sh' = 'x' }
        chmod 750 (Join-Path $context run.sh)
        $null = New-Item -ItemType Directory (Join-Path $context empty)
        $null = New-Item -ItemType SymbolicLink (Join-Path $context link) -Value run.sh
        mkfifo (Join-Path $context pipe)
        $name = New-TestName img
        $null = Build-ContainerImage $context -Tag $name
        Read-Image $name 'cd /c; stat -c "%a %u" run.sh; readlink link; ls -A empty | wc -l; test -p pipe && echo pipe' | Should -Be '750 0', 'run.sh', '0', 'pipe'
    }

    It 'that fails is BuildFailed with the builder''s words, and the next goes on' {
        $bad = New-Context "FROM busybox`nRUN exit 17"
        $good = New-Context 'FROM busybox'
        $built = $bad, $good | Build-ContainerImage -Network none -ErrorAction SilentlyContinue -ErrorVariable problem
        $built | Should -HaveCount 1
        Get-ErrorId $problem[0] | Should -Be BuildFailed
        $problem[0].Exception.Message | Should -Be "The command '/bin/sh -c exit 17' returned a non-zero code: 17"
        $problem[0].TargetObject | Should -Be $bad
        Build-ContainerImage (New-Context 'NOPE x') -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be BuildFailed
        $problem[0].Exception.Message | Should -Match 'unknown instruction: NOPE'
    }

    It 'of a folder or Dockerfile that is not there is an invalid request' {
        Build-ContainerImage (Join-Path $TestDrive nosuch) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
        Build-ContainerImage (New-Context 'FROM busybox') -File nosuch -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
    }

    It 'builds nothing with -WhatIf' {
        $name = New-TestName img
        Build-ContainerImage (New-Context 'FROM busybox') -Tag $name -WhatIf
        Get-ContainerImage "$name*" | Should -BeNullOrEmpty
    }

    It 'builds in the background with -AsJob' {
        $name = New-TestName img
        $job = Build-ContainerImage (New-Context "FROM busybox`nRUN echo job > /j") -Network none -Tag $name -AsJob
        ($job | Receive-Job -Wait).Name | Should -Be "${name}:latest"
        $job | Remove-Job
    }

    It 'ends the build when it is stopped' {
        $context = New-Context "FROM busybox`nRUN echo begun; sleep 600"
        $script = Start-Script 'Build-ContainerImage $context -Network none -NoCache' @{ context = $context }
        Wait-Until { @(Get-Container | Where-Object { $_.Command -match 'sleep 600' -and $_.State -eq 'Running' }).Count -gt 0 }
        Stop-Script $script | Should -BeTrue
        Wait-Until { @(Get-Container | Where-Object { $_.Command -match 'sleep 600' }).Count -eq 0 }
        Remove-Script $script
    }
}

Describe 'Clear-ContainerBuildCache' {
    BeforeEach {
        $label = New-TestName
        $context = New-Context "FROM busybox`nRUN echo $label > /x`nLABEL l=$label"
        $image = Build-ContainerImage $context -Network none
    }

    It 'removes nothing with -WhatIf, not even with -Force' {
        Clear-ContainerBuildCache -WhatIf -Force
        Get-ContainerImage -Id $image.Id | Should -Not -BeNullOrEmpty
    }

    It 'removes one piece by its id, and says what it has freed' {
        $result = Clear-ContainerBuildCache $image.Id -Force
        $result | Should -BeOfType Gantry.PowerShell.Objects.ContainerPruneResult
        $result.Type | Should -Be BuildCache
        $result.Id | Should -Be $image.Id
        $result.Size | Should -BeGreaterThan 5
        Get-ContainerImage -Id $image.Id -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'leaves what is new with -OlderThan and what there is room for with -KeepStorage' {
        Clear-ContainerBuildCache -OlderThan 1h -Force | Where-Object Id -EQ $image.Id | Should -BeNullOrEmpty
        Clear-ContainerBuildCache -KeepStorage 100GB -Force | Should -BeNullOrEmpty
        Get-ContainerImage -Id $image.Id | Should -Not -BeNullOrEmpty
        Clear-ContainerBuildCache $image.Id -Force | Should -Not -BeNullOrEmpty
    }

    It 'leaves images with names' {
        $name = New-TestName img
        Add-ContainerImageTag $image.Id $name
        Clear-ContainerBuildCache $image.Id -Force | Should -BeNullOrEmpty
        Get-ContainerImage $name | Should -Not -BeNullOrEmpty
    }
}
