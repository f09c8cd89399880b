BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine
    $container = Start-TestContainer
}

AfterAll { Clear-TestEngine }

Describe 'Copy-ContainerFile' {
    BeforeEach {
        $here = Join-Path $TestDrive (Get-Random)
        $null = New-Item -ItemType Directory "$here/from/sub", "$here/to" -Force
        'one' | Set-Content "$here/from/a.txt" -NoNewline
        'two' | Set-Content "$here/from/sub/b.txt" -NoNewline
    }

    It 'copies a file into a directory of a container, and out again' {
        Copy-ContainerFile "$here/from/a.txt" /tmp -ToContainer $container | Should -BeNullOrEmpty
        Invoke-ContainerCommand $container cat /tmp/a.txt | Should -Be one
        $file = Copy-ContainerFile /tmp/a.txt "$here/to" -FromContainer $container
        $file | Should -BeOfType System.IO.FileInfo
        $file.FullName | Should -Be "$here/to/a.txt"
        Get-Content $file -Raw | Should -Be one
    }

    It 'gives a file another name' {
        Copy-ContainerFile "$here/from/a.txt" /tmp/renamed -ToContainer $container.Name
        (Copy-ContainerFile /tmp/renamed "$here/to/back" -FromContainer $container.Name).FullName | Should -Be "$here/to/back"
    }

    It 'copies directories with -Recurse, and refuses them without' {
        Copy-ContainerFile "$here/from" /tmp/tree -ToContainer $container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be DirectoryWithoutRecurse
        Copy-ContainerFile "$here/from" /tmp/tree -ToContainer $container -Recurse
        Copy-ContainerFile /tmp/tree "$here/to" -FromContainer $container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be DirectoryWithoutRecurse
        (Copy-ContainerFile /tmp/tree "$here/to" -FromContainer $container -Recurse).Name | Should -Be a.txt, b.txt
        Get-Content "$here/to/tree/sub/b.txt" -Raw | Should -Be two
    }

    It 'takes files and containers from the pipeline' {
        Get-ChildItem "$here/from/*.txt", "$here/from/sub/*.txt" | Copy-ContainerFile -ToContainer $container -Destination /tmp
        Invoke-ContainerCommand $container cat /tmp/a.txt /tmp/b.txt | Should -Be onetwo
        (Get-Container $container.Name | Copy-ContainerFile -Path /tmp/a.txt -Destination "$here/to").Name | Should -Be a.txt
    }

    It 'works with a container that does not run' {
        $still = New-Container busybox -Name (New-TestName) -Command true
        Copy-ContainerFile "$here/from/a.txt" /etc -ToContainer $still
        Get-Content (Copy-ContainerFile /etc/a.txt "$here/to" -FromContainer $still) -Raw | Should -Be one
    }

    It 'keeps modes, and leaves set-user bits behind' -Skip:$IsWindows {
        Invoke-ContainerCommand $container sh -- -c 'echo x > /tmp/suid; chmod 4751 /tmp/suid'
        $file = Copy-ContainerFile /tmp/suid "$here/to" -FromContainer $container
        [int]$file.UnixFileMode | Should -Be 0x1e9
    }

    It 'writes nothing through a link that a container sends' {
        Invoke-ContainerCommand $container sh -- -c "rm -rf /tmp/evil; mkdir /tmp/evil; ln -s $here/to /tmp/evil/link"
        Copy-ContainerFile /tmp/evil "$here/out" -FromContainer $container -Recurse
        (Get-Item "$here/out/link").LinkTarget | Should -Be "$here/to"
        Get-ChildItem "$here/to" | Should -BeNullOrEmpty
    }

    It 'says what is not there' {
        Copy-ContainerFile /no/such "$here/to" -FromContainer $container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerPathNotFound
        Copy-ContainerFile "$here/nothing" /tmp -ToContainer $container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be FileNotFound
        Copy-ContainerFile "$here/from/a.txt" /no/such/ -ToContainer $container -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerPathNotFound
        Copy-ContainerFile "$here/from/a.txt" / -ToContainer (New-TestName nope) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerNotFound
    }

    It 'changes nothing with -WhatIf' {
        Copy-ContainerFile "$here/from/a.txt" /tmp/whatif -ToContainer $container -WhatIf
        Test-ContainerPath $container /tmp/whatif | Should -BeFalse
    }

    It 'runs as a job' {
        Copy-ContainerFile "$here/from/a.txt" /tmp/job -ToContainer $container -AsJob | Receive-Job -Wait -AutoRemoveJob
        Test-ContainerPath $container /tmp/job | Should -BeTrue
    }
}

Describe 'Test-ContainerPath' {
    It 'tells what is there' {
        Test-ContainerPath $container /etc/passwd, /nowhere, /etc | Should -Be $true, $false, $true
        Test-ContainerPath $container /etc/passwd, /etc, /nowhere -PathType Container | Should -Be $false, $true, $false
        Test-ContainerPath $container /etc/passwd, /etc, /nowhere -PathType Leaf | Should -Be $true, $false, $false
    }

    It 'follows a link' {
        Invoke-ContainerCommand $container sh -- -c 'ln -sf /etc /tmp/dirlink; ln -sf /nowhere /tmp/deadlink'
        Test-ContainerPath $container /tmp/dirlink -PathType Container | Should -BeTrue
        Test-ContainerPath $container /tmp/deadlink | Should -BeFalse
    }

    It 'of a container that is not there is an error' {
        Test-ContainerPath (New-TestName nope) / -ErrorAction SilentlyContinue -ErrorVariable problem | Should -BeNullOrEmpty
        Get-ErrorId $problem[0] | Should -Be ContainerNotFound
    }
}

Describe 'Compare-Container' {
    BeforeAll {
        $changed = Start-TestContainer
        Invoke-ContainerCommand $changed sh -- -c 'echo x > /added; echo y >> /etc/passwd; rm /etc/group'
    }

    It 'lists what has changed' {
        $changes = Compare-Container $changed
        $changes[0] | Should -BeOfType Gantry.PowerShell.Objects.ContainerChange
        ($changes | Where-Object Path -eq /added).Kind | Should -Be Added
        ($changes | Where-Object Path -eq /etc/passwd).Kind | Should -Be Modified
        ($changes | Where-Object Path -eq /etc/group).Kind | Should -Be Deleted
    }

    It 'takes kinds, and containers from the pipeline' { ($changed | Diff-Container -Kind Deleted).Path | Should -Be /etc/group }

    It 'of an unchanged container is nothing' { Compare-Container (New-Container busybox -Name (New-TestName) -Command true) | Should -BeNullOrEmpty }
}

Describe 'Export-Container and ConvertTo-ContainerImage' {
    BeforeAll {
        $source = New-Container busybox -Name (New-TestName) -Command true
        'content' | Set-Content "$TestDrive/f" -NoNewline
        Copy-ContainerFile "$TestDrive/f" /f -ToContainer $source
    }

    It 'exports into a file, which makes an image again' {
        $file = Export-Container $source "$TestDrive/e.tar"
        $file | Should -BeOfType System.IO.FileInfo
        $name = New-TestName img
        $image = $file | Import-ContainerImage -Repository $name
        $image.Repository | Should -Be $name
        $copy = New-Container $name -Name (New-TestName) -Command true
        Test-ContainerPath $copy /f | Should -BeTrue
    }

    It 'replaces a file only with -Force, and names one in a directory after the container' {
        'x' | Set-Content "$TestDrive/taken.tar"
        Export-Container $source "$TestDrive/taken.tar" -ErrorAction SilentlyContinue -ErrorVariable problem | Should -BeNullOrEmpty
        Get-ErrorId $problem[0] | Should -Be FileExists
        (Export-Container $source "$TestDrive/taken.tar" -Force).Length | Should -BeGreaterThan 100000
        ($source | Export-Container -Path $TestDrive).Name | Should -Be "$($source.Name).tar"
    }

    It 'makes an image with name, author and message' {
        $name = New-TestName img
        $image = ConvertTo-ContainerImage $source "${name}:v1" -Message why -Author me -Change 'CMD ["cat", "/f"]'
        $image.Name | Should -Be "${name}:v1"
        Invoke-ContainerImage $image | Should -Be content
        (Commit-Container $source $name v2 -WhatIf) | Should -BeNullOrEmpty
        Get-ContainerImage "${name}:v2*" | Should -BeNullOrEmpty
    }

    It 'makes an image without a name' {
        $image = $source | ConvertTo-ContainerImage
        $image.IsDangling | Should -BeTrue
        $image | Remove-ContainerImage -Force | Should -Not -BeNullOrEmpty
    }
}

Describe 'Export-ContainerImage' {
    It 'writes images that come in again' {
        $one, $two = (New-TestName img), (New-TestName img)
        Add-ContainerImageTag busybox $one
        Add-ContainerImageTag busybox $two
        $file = Get-ContainerImage $one, $two | Save-ContainerImage -Path "$TestDrive/i.tar"
        $file | Should -HaveCount 1
        Remove-ContainerImage $one, $two -Force | Out-Null
        ($file | Import-ContainerImage).Repository | Sort-Object | Should -Be ($one, $two | Sort-Object)
    }

    It 'of an image that is not there leaves no file' {
        Export-ContainerImage (New-TestName nope) "$TestDrive/none.tar" -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        Get-ChildItem "$TestDrive/none*" | Should -BeNullOrEmpty
    }
}

Describe 'Get-ContainerDiskUsage' {
    It 'gives a row for each kind' { (Get-ContainerDiskUsage).Type | Should -Be Image, Container, Volume, BuildCache }

    It 'counts images and containers' {
        $usage = Get-ContainerDiskUsage Image, Container
        $usage.Type | Should -Be Image, Container
        $usage[0].Size | Should -BeGreaterThan 100000
        ($usage[1].Items | Where-Object Name -eq $container.Name).IsActive | Should -BeTrue
        $usage | Out-String | Should -Match 'Image\s+\d+\s+\d+\s+[0-9.]+[kM]B'
    }
}

Describe 'Optimize-ContainerEngine' {
    BeforeAll {
        $label = New-TestName label
        $done = New-Container busybox -Name (New-TestName) -Label @{ test = $label } -Command true
    }

    It 'tells object by object what would go' {
        Optimize-ContainerEngine Container -Label "test=$label" -WhatIf | Should -BeNullOrEmpty
        Get-Container $done.Name | Should -Not -BeNullOrEmpty
    }

    It 'removes what has the label, and says so' {
        $result = Prune-ContainerEngine Container, Image -Label @{ test = $label } -Force
        $result | Should -BeOfType Gantry.PowerShell.Objects.ContainerPruneResult
        $result.Name | Should -Be $done.Name
        $result.Type | Should -Be Container
        Get-Container "$($done.Name)*" | Should -BeNullOrEmpty
        Get-Container $container.Name | Should -Not -BeNullOrEmpty
    }

    It 'leaves what is too young' {
        $young = New-Container busybox -Name (New-TestName) -Label @{ test = $label } -Command true
        Optimize-ContainerEngine Container -Label @{ test = $label } -OlderThan 1h -Force | Should -BeNullOrEmpty
        $young | Remove-Container -Force
    }
}
