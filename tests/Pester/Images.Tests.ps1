BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine

    # The files of busybox, taken out of the engine by a container that writes them.
    function New-RootFileSystem([string] $Path) { New-TestTar $Path @{ 'etc/hello' = "hello $(Get-Random)`n"; 'etc/os-release' = "ID=test`n" } }
}

AfterAll { Clear-TestEngine }

Describe 'Get-ContainerImage' {
    BeforeAll {
        $repository = New-TestName img
        Add-ContainerImageTag busybox $repository one
        Add-ContainerImageTag busybox $repository two
    }

    It 'gives typed objects' {
        $image = Get-ContainerImage busybox
        $image | Should -BeOfType Gantry.PowerShell.Objects.ContainerImage
        $image.Id | Should -Match '^sha256:[0-9a-f]{64}$'
        $image.Size | Should -BeGreaterThan 100000
        $image.CreatedAt | Should -BeOfType DateTimeOffset
        $image.Session | Should -Not -BeNullOrEmpty
    }

    It 'takes a name without a tag for latest' { (Get-ContainerImage busybox).Name | Should -Be busybox:latest }

    It 'takes a repository without latest for all its tags' { (Get-ContainerImage $repository).Tag | Sort-Object | Should -Be one, two }

    It 'takes a name with its tag, its registry, and patterns' {
        (Get-ContainerImage "${repository}:one").Tag | Should -Be one
        (Get-ContainerImage docker.io/library/busybox:latest).Name | Should -Be busybox:latest
        (Get-ContainerImage "$repository*").Count | Should -Be 2
        (Get-ContainerImage "${repository}:t*").Tag | Should -Be two
    }

    It 'takes ids and their beginnings' {
        $image = Get-ContainerImage busybox
        (Get-ContainerImage $image.Id).Id | Select-Object -Unique | Should -Be $image.Id
        (Get-ContainerImage -Id $image.ShortId).Id | Select-Object -Unique | Should -Be $image.Id
        (Get-ContainerImage $image.ShortId).Id | Select-Object -Unique | Should -Be $image.Id
    }

    It 'takes names from the pipeline' { ('busybox', "${repository}:one" | Get-ContainerImage).Name | Should -Be busybox:latest, "${repository}:one" }

    It 'lists everything' { (Get-ContainerImage).Name | Should -Contain busybox:latest }

    It 'a name that nothing has is one error, a pattern none' {
        Get-ContainerImage "$repository-nope", busybox -ErrorAction SilentlyContinue -ErrorVariable problem | Should -HaveCount 1
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        $problem[0].TargetObject | Should -Be "$repository-nope"
        Get-ContainerImage "$repository-nope*" -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'shows repository, tag, id, age and size' { Get-ContainerImage busybox | Out-String -Width 120 | Should -Match 'busybox\s+latest\s+[0-9a-f]{12}\s+.* ago\s+[0-9.]+MB' }
}

Describe 'Add-ContainerImageTag' {
    It 'gives the image under its new name with -PassThru' {
        $name = New-TestName img
        $image = Add-ContainerImageTag busybox $name v1 -PassThru
        $image.Name | Should -Be "${name}:v1"
        $image.Id | Should -Be (Get-ContainerImage busybox).Id
    }

    It 'says nothing otherwise' { Get-ContainerImage busybox | Add-ContainerImageTag -Repository (New-TestName img) | Should -BeNullOrEmpty }

    It 'takes the tag behind the repository' { (Tag-ContainerImage busybox "$(New-TestName img):v2" -PassThru).Tag | Should -Be v2 }

    It 'of an image that is not there is ImageNotFound' {
        Add-ContainerImageTag (New-TestName nope) (New-TestName img) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
    }

    It 'with a name that is none is an invalid request' {
        Add-ContainerImageTag busybox 'UPPER CASE' -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
    }

    It 'tags nothing with -WhatIf' {
        $name = New-TestName img
        Add-ContainerImageTag busybox $name -WhatIf
        Get-ContainerImage "${name}*" | Should -BeNullOrEmpty
    }
}

Describe 'Remove-ContainerImage' {
    It 'takes a name away and says so' {
        $name = New-TestName img
        Add-ContainerImageTag busybox $name
        $removed = Get-ContainerImage $name | Remove-ContainerImage -Confirm:$false
        $removed.Target | Should -Be "${name}:latest"
        $removed.IsDeleted | Should -BeFalse
        Get-ContainerImage "$name*" | Should -BeNullOrEmpty
    }

    It 'deletes the data with the last name' {
        $tar = Join-Path $TestDrive root.tar
        New-RootFileSystem $tar
        $image = Import-ContainerImage $tar -Repository (New-TestName img)
        $removed = $image | Remove-ContainerImage -Force
        $removed.Where{ $_.IsDeleted }.Target | Should -Contain $image.Id
    }

    It 'is refused while a container uses it' {
        $tar = Join-Path $TestDrive used.tar
        New-RootFileSystem $tar
        $image = Import-ContainerImage $tar -Repository (New-TestName img)
        $null = New-Container $image -Name (New-TestName) -Command x
        $image | Remove-ContainerImage -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageConflict
        $problem[0].CategoryInfo.Category | Should -Be InvalidOperation
    }

    It 'of one that is not there is ImageNotFound, of a pattern nothing' {
        Remove-ContainerImage (New-TestName nope) -Force -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        Remove-ContainerImage "$(New-TestName nope)*" -Force -ErrorAction Stop
    }

    It 'removes nothing with -WhatIf, not even with -Force' {
        $name = New-TestName img
        Add-ContainerImageTag busybox $name
        Remove-ContainerImage $name -Force -WhatIf
        Get-ContainerImage $name | Should -Not -BeNullOrEmpty
    }

    It 'never removes what is in use with -Unused' {
        $name = New-TestName img
        Add-ContainerImageTag busybox $name
        $null = New-Container $name -Name (New-TestName) -Command x
        $what = Start-Script 'Remove-ContainerImage -Unused -All -WhatIf' @{}
        $null = $what.Running.AsyncWaitHandle.WaitOne(20000)
        Remove-Script $what
        Get-ContainerImage $name | Should -Not -BeNullOrEmpty
    }
}

Describe 'Import-ContainerImage' {
    BeforeAll {
        $tar = Join-Path $TestDrive 'root [1].tar'
        New-RootFileSystem $tar
    }

    It 'makes an image of a root file system' {
        $name = New-TestName img
        $image = Import-ContainerImage -LiteralPath $tar -Repository $name -Tag v1 -Message hello -Change 'ENV A=b', 'CMD ["/x"]'
        $image.Name | Should -Be "${name}:v1"
        $detail = New-Container $image -Name (New-TestName) | Get-ContainerDetail
        $detail.Environment['A'] | Should -Be b
        $detail.Command | Should -Be /x
    }

    It 'makes one without a name with -RootFileSystem' {
        $image = Import-ContainerImage -LiteralPath $tar -RootFileSystem
        try { $image.IsDangling | Should -BeTrue }
        finally { $image | Remove-ContainerImage -Force | Out-Null }
    }

    It 'takes files from the pipeline' {
        $name = New-TestName img
        $plain = Join-Path $TestDrive plain.tar
        New-RootFileSystem $plain
        (Get-Item -LiteralPath $plain | Import-ContainerImage -Repository $name).Name | Should -Be "${name}:latest"
    }

    It 'reads compressed archives' {
        $gz = Join-Path $TestDrive root.tar.gz
        $out = [IO.Compression.GZipStream]::new([IO.File]::Create($gz), [IO.Compression.CompressionMode]::Compress)
        $in = [IO.File]::OpenRead($tar)
        $in.CopyTo($out); $in.Dispose(); $out.Dispose()
        Import-ContainerImage $gz -Repository (New-TestName img) | Should -HaveCount 1
    }

    It 'loads archives of docker save' {
        $name = New-TestName img
        Add-ContainerImageTag busybox $name
        $archive = Join-Path $TestDrive saved.tar
        Save-TestImage $name $archive
        $null = Remove-ContainerImage $name -Force
        $image = Load-ContainerImage $archive
        $image.Name | Should -Be "${name}:latest"
        $image.Id | Should -Be (Get-ContainerImage busybox).Id
    }

    It 'runs as a job' {
        $job = Import-ContainerImage -LiteralPath $tar -Repository (New-TestName img) -AsJob
        ($job | Wait-Job -Timeout 60 | Receive-Job) | Should -BeOfType Gantry.PowerShell.Objects.ContainerImage
        $job | Remove-Job
    }

    It 'a file that is not there is an error of its own' {
        Import-ContainerImage (Join-Path $TestDrive nope.tar) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ArchiveNotFound
        $problem[0].CategoryInfo.Category | Should -Be ObjectNotFound
    }

    It 'garbage is the engine''s error' {
        $garbage = Join-Path $TestDrive garbage.tar
        [IO.File]::WriteAllBytes($garbage, [byte[]]::new(5000))
        [IO.File]::WriteAllText("$garbage.txt", 'this is no tar archive' * 1000)
        Import-ContainerImage "$garbage.txt" -Repository (New-TestName img) -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem.Count | Should -Be 1
        $problem[0].TargetObject | Should -Be "$garbage.txt"
    }

    It 'imports nothing with -WhatIf' {
        $name = New-TestName img
        Import-ContainerImage -LiteralPath $tar -Repository $name -WhatIf
        Get-ContainerImage "$name*" | Should -BeNullOrEmpty
    }
}
