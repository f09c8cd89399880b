BeforeDiscovery { $hasRegistry = [bool](Get-Command docker-registry -CommandType Application -ErrorAction Ignore) }

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
    $env:GANTRY_CONFIG = Join-Path $TestDrive config
    $joe = [pscredential]::new('joe', (ConvertTo-SecureString secret -AsPlainText -Force))
    $wrong = [pscredential]::new('joe', (ConvertTo-SecureString wrong -AsPlainText -Force))

    # A registry of Debian's docker-registry on a free port of loopback; with -Password it asks for joe's.
    function Start-TestRegistry([switch] $Password) {
        $probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $probe.Start()
        $port = $probe.LocalEndpoint.Port
        $probe.Stop()
        $folder = Join-Path $TestDrive "registry-$port"
        $null = New-Item -ItemType Directory $folder
        $config = "version: 0.1`nlog: {level: error}`nstorage: {filesystem: {rootdirectory: $folder/data}}`nhttp: {addr: `"127.0.0.1:$port`"}`n"
        if ($Password) {
            # bcrypt of "secret"
            Set-Content "$folder/htpasswd" 'joe:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'
            $config += "auth: {htpasswd: {realm: test, path: $folder/htpasswd}}`n"
        }
        Set-Content "$folder/config.yml" $config
        $process = Start-Process docker-registry -ArgumentList serve, "$folder/config.yml" -PassThru -RedirectStandardOutput "$folder/out" -RedirectStandardError "$folder/err"
        Wait-Until { try { $client = [Net.Sockets.TcpClient]::new('127.0.0.1', $port); $client.Dispose(); $true } catch { $false } } -Because 'the registry listens'
        [pscustomobject]@{ Server = "127.0.0.1:$port"; Process = $process }
    }

    function Stop-TestRegistry($Registry) {
        if ($Registry) { $Registry.Process.Kill(); $Registry.Process.WaitForExit() }
    }

    # What the files of the store hold, as one text.
    function Get-StoredText { (Get-ChildItem $env:GANTRY_CONFIG -File | ForEach-Object { [IO.File]::ReadAllText($_.FullName) }) -join "`n" }
}

AfterAll {
    Remove-Item Env:GANTRY_CONFIG -ErrorAction Ignore
    Clear-TestEngine
}

Describe 'Images and a registry' -Skip:(-not $hasRegistry) {
    BeforeAll {
        $registry = Start-TestRegistry
        $repository = "$($registry.Server)/$(New-TestName img)"
        Add-ContainerImageTag busybox $repository one
        Add-ContainerImageTag busybox $repository two
    }

    AfterAll {
        Get-ContainerImage "$repository*" | Remove-ContainerImage -Force | Out-Null
        Stop-TestRegistry $registry
    }

    It 'pushes an image and gives its digest' {
        $pushed = Submit-ContainerImage "${repository}:one"
        $pushed | Should -BeOfType Gantry.PowerShell.Objects.ContainerImagePush
        $pushed.Repository, $pushed.Tag | Should -Be $repository, one
        $pushed.Digest | Should -Match '^sha256:[0-9a-f]{64}$'
        (Get-ContainerImage "${repository}:one").Digests | Should -Contain "$repository@$($pushed.Digest)"
    }

    It 'pushes all tags, from the pipeline, and by the alias' {
        (Submit-ContainerImage $repository -AllTags).Tag | Sort-Object | Should -Be one, two
        (Get-ContainerImage "${repository}:two" | Push-ContainerImage).Tag | Should -Be two
    }

    It 'pulls an image, with a bar for each layer' {
        $null = Submit-ContainerImage "${repository}:one"
        $id = (Get-ContainerImage "${repository}:one").Id
        $null = Remove-ContainerImage "${repository}:one" -Force
        $image = Request-ContainerImage "${repository}:one"
        $image | Should -BeOfType Gantry.PowerShell.Objects.ContainerImage
        $image.Name, $image.Id | Should -Be "${repository}:one", $id
    }

    It 'pulls by digest, all tags, and by the alias' {
        $pushed = @(Submit-ContainerImage $repository -AllTags)[0]   # Select-Object -First would end the push of the other tag
        (Pull-ContainerImage "$repository@$($pushed.Digest)").Id | Should -Be (Get-ContainerImage busybox).Id
        (Request-ContainerImage $repository -AllTags).Tag | Sort-Object | Should -Be one, two
    }

    It 'shows what the registry has' {
        $null = Submit-ContainerImage "${repository}:one"
        $manifest = Get-ContainerImageManifest "${repository}:one"
        $manifest | Should -BeOfType Gantry.PowerShell.Objects.ContainerImageManifest
        $manifest.Digest | Should -Match '^sha256:'
        $manifest.Platforms | Should -Match '^linux/'
    }

    It 'finds images in its catalogue' {
        $null = Submit-ContainerImage "${repository}:one"
        $found = Find-ContainerImage ($repository -split '/')[1] -Server $registry.Server
        $found | Should -BeOfType Gantry.PowerShell.Objects.ContainerImageSearchResult
        $found.Name | Should -Be $repository
        Find-ContainerImage (New-TestName nope) -Server $registry.Server | Should -BeNullOrEmpty
    }

    It 'New-Container pulls what is missing, and never with -PullPolicy Never' {
        $null = Submit-ContainerImage "${repository}:two"
        $null = Remove-ContainerImage "${repository}:two" -Force
        New-Container "${repository}:two" -Name (New-TestName) -PullPolicy Never -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        (New-Container "${repository}:two" -Name (New-TestName) -Command true).Image | Should -Be "${repository}:two"
    }

    It 'runs as a job' {
        $null = Submit-ContainerImage "${repository}:one"
        $job = Request-ContainerImage "${repository}:one" -AsJob
        ($job | Wait-Job -Timeout 60 | Receive-Job).Name | Should -Be "${repository}:one"
        $job | Remove-Job
    }

    It 'what the registry does not have is ImageNotFound' {
        Request-ContainerImage "${repository}:nope" -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        $problem[0].Exception.Message | Should -Match 'manifest unknown'
        Submit-ContainerImage "${repository}:nope" -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
        Get-ContainerImageManifest "${repository}:nope" -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
    }

    It 'a tag and -AllTags do not go together, nor a digest and a push' {
        Request-ContainerImage "${repository}:one" -AllTags -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
        Submit-ContainerImage "$repository@sha256:$('0' * 64)" -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
    }

    It 'pulls and pushes nothing with -WhatIf' {
        $name = "$($registry.Server)/$(New-TestName img)"
        Add-ContainerImageTag busybox $name
        Submit-ContainerImage $name -WhatIf
        { Get-ContainerImageManifest $name -ErrorAction Stop } | Should -Throw
        $null = Remove-ContainerImage $name -Force
        Request-ContainerImage $name -WhatIf
        Get-ContainerImage "$name*" | Should -BeNullOrEmpty
    }
}

Describe 'Get-ContainerImageDetail' {
    It 'gives what the image holds' {
        $detail = Get-ContainerImageDetail busybox
        $detail | Should -BeOfType Gantry.PowerShell.Objects.ContainerImageDetail
        $detail.Id | Should -Be (Get-ContainerImage busybox).Id
        $detail.Tags | Should -Contain busybox:latest
        $detail.OperatingSystem | Should -Be linux
        $detail.Layers.Count | Should -BeGreaterThan 0
        $detail.ShortId.Length | Should -Be 12
    }

    It 'takes objects, and patterns' {
        (Get-ContainerImage busybox | Get-ContainerImageDetail).Id | Should -Be (Get-ContainerImage busybox).Id
        Get-ContainerImageDetail "$(New-TestName nope)*" | Should -BeNullOrEmpty
    }

    It 'of one that is not there is ImageNotFound' {
        Get-ContainerImageDetail (New-TestName nope) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
    }
}

Describe 'Get-ContainerImageHistory' {
    It 'gives the steps, newest first, with their sizes' {
        $steps = @(Get-ContainerImageHistory busybox)
        $steps[0] | Should -BeOfType Gantry.PowerShell.Objects.ContainerImageHistory
        $steps[0].Image | Should -Be busybox
        ($steps | Measure-Object Size -Sum).Sum | Should -BeGreaterThan 100000
    }

    It 'of one that is not there is ImageNotFound' {
        Get-ContainerImageHistory (New-TestName nope) -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ImageNotFound
    }
}

Describe 'Find-ContainerImage' {
    BeforeAll {
        $fake = New-FakeEngine
        $fake.Set('GET /images/search', 200, 'application/json', '[{"name":"few","star_count":1,"description":"d"},{"name":"most","star_count":9,"is_official":true}]')
        $session = Connect-ContainerEngine $fake.Uri -NoDefault
    }

    AfterAll { $session | Disconnect-ContainerEngine; $fake.Dispose() }

    It 'asks for what the parameters say' {
        $found = Find-ContainerImage web -Official -MinimumStars 3 -Limit 7 -Session $session
        $found.Name | Should -Be few, most
        $found[1].IsOfficial | Should -BeTrue
        $asked = [uri]::UnescapeDataString(@($fake.Requests)[-1])
        $asked | Should -Match 'term=web&limit=7'
        $asked | Should -Match '"is-official":\["true"\]'
        $asked | Should -Match '"stars":\["3"\]'
    }

    It 'refuses a limit that no registry takes' { { Find-ContainerImage web -Limit 101 -Session $session } | Should -Throw -ErrorId 'ParameterArgumentValidationError*' }
}

Describe 'Logins for registries' -Skip:(-not $hasRegistry) {
    BeforeAll {
        $registry = Start-TestRegistry -Password
        $name = "$($registry.Server)/$(New-TestName img)"
        Add-ContainerImageTag busybox $name
    }

    AfterAll {
        Get-ContainerImage "$name*" | Remove-ContainerImage -Force | Out-Null
        Stop-TestRegistry $registry
    }

    AfterEach {
        Get-ContainerRegistry | Disconnect-ContainerRegistry -ErrorAction Ignore
        Remove-Item Function:\Set-Secret, Function:\Get-Secret, Function:\Remove-Secret -ErrorAction Ignore
    }

    It 'are checked, and used by what comes later' {
        Submit-ContainerImage $name -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Be 'no basic auth credentials'
        $login = Connect-ContainerRegistry $registry.Server $joe
        $login | Should -BeOfType Gantry.PowerShell.Objects.RegistrySession
        $login.Server, $login.UserName, $login.Vault | Should -Be $registry.Server, joe, ''
        Submit-ContainerImage $name | Should -HaveCount 1
        (Request-ContainerImage $name).Name | Should -Be "${name}:latest"
        (Get-ContainerImageManifest $name).Digest | Should -Match '^sha256:'
        (Find-ContainerImage img -Server $registry.Server).Name | Should -Contain $name
        $null = Remove-ContainerImage $name -Force
        (New-Container $name -Name (New-TestName) -Command true).Image | Should -Be $name
        Disconnect-ContainerRegistry $registry.Server
        Request-ContainerImage $name -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Match 'no basic auth credentials'
    }

    It 'can be given for once' {
        Submit-ContainerImage $name -Credential $joe | Should -HaveCount 1
        Request-ContainerImage $name -Credential $wrong -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be Unauthorized
        $problem[0].CategoryInfo.Category | Should -Be AuthenticationError
        Get-ContainerRegistry | Should -BeNullOrEmpty
    }

    It 'that are wrong are refused and not stored' {
        Connect-ContainerRegistry $registry.Server $wrong -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be Unauthorized
        Get-ContainerRegistry | Should -BeNullOrEmpty
    }

    It 'are stored encrypted, for their owner alone, and in no other form' {
        $null = Connect-ContainerRegistry "http://$($registry.Server)/v2/" $joe
        (Get-ContainerRegistry).Server | Should -Be $registry.Server
        $text = Get-StoredText
        $text | Should -Not -Match 'secret'
        $text | Should -Not -Match ([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('secret')).TrimEnd('='))
        $text | Should -Not -Match ([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('joe:secret')).TrimEnd('='))
        foreach ($file in Get-ChildItem $env:GANTRY_CONFIG -File) { $file.UnixMode | Should -Be '-rw-------' -Because $file.Name }
        (Get-Item $env:GANTRY_CONFIG).UnixMode | Should -Be 'drwx------'
    }

    It 'cannot be read with another key, nor under another name' {
        $null = Connect-ContainerRegistry $registry.Server $joe
        $path = Join-Path $env:GANTRY_CONFIG registries.json
        $stored = Get-Content -Raw $path
        Set-Content $path $stored.Replace($registry.Server, '127.0.0.1:9') -NoNewline
        Get-ContainerRegistry -ErrorAction SilentlyContinue -ErrorVariable problem | Should -BeNullOrEmpty
        Get-ErrorId $problem[0] | Should -Be InvalidRequest
        Set-Content $path $stored -NoNewline
        $key = Join-Path $env:GANTRY_CONFIG registries.key
        $old = [IO.File]::ReadAllBytes($key)
        [IO.File]::WriteAllBytes($key, [byte[]]::new(32))
        Request-ContainerImage $name -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Match 'connect with it again'
        [IO.File]::WriteAllBytes($key, $old)
        (Get-ContainerRegistry).UserName | Should -Be joe
    }

    It 'are kept in a vault when one is named' {
        $global:GantryTestVault = @{}
        function global:Set-Secret($Name, $Vault, $Secret) { $global:GantryTestVault["$Vault/$Name"] = $Secret }
        function global:Get-Secret($Name, $Vault) { $global:GantryTestVault["$Vault/$Name"] }
        function global:Remove-Secret($Name, $Vault) { $global:GantryTestVault.Remove("$Vault/$Name") }
        try {
            (Connect-ContainerRegistry $registry.Server $joe -Vault mine).Vault | Should -Be mine
            $global:GantryTestVault.Keys | Should -Be "mine/Gantry:$($registry.Server)"
            Get-StoredText | Should -Not -Match 'secret'
            (Get-ContainerRegistry).UserName | Should -Be joe
            Submit-ContainerImage $name | Should -HaveCount 1
            Disconnect-ContainerRegistry $registry.Server
            $global:GantryTestVault.Count | Should -Be 0
        }
        finally { Remove-Variable GantryTestVault -Scope Global }
    }

    It 'need the module for a vault' {
        if (Get-Command Set-Secret -ErrorAction Ignore) { Set-ItResult -Skipped -Because 'SecretManagement is installed' }
        Connect-ContainerRegistry $registry.Server $joe -Vault mine -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Match 'SecretManagement'
    }

    It 'are completed by their servers' {
        $null = Connect-ContainerRegistry $registry.Server $joe
        (TabExpansion2 'Disconnect-ContainerRegistry ' ).CompletionMatches.CompletionText | Should -Contain $registry.Server
        (TabExpansion2 'Request-ContainerImage x -Platform linux/ar').CompletionMatches.CompletionText | Should -Contain linux/arm64
    }

    It 'that nobody has stored are RegistryNotFound, patterns nothing' {
        Get-ContainerRegistry nowhere.test -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be RegistryNotFound
        Disconnect-ContainerRegistry nowhere.test -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be RegistryNotFound
        Get-ContainerRegistry 'nowhere*' -ErrorAction Stop | Should -BeNullOrEmpty
        Disconnect-ContainerRegistry 'nowhere*' -ErrorAction Stop
    }

    It 'are not forgotten with -WhatIf' {
        $null = Connect-ContainerRegistry $registry.Server $joe
        Disconnect-ContainerRegistry $registry.Server -WhatIf
        (Get-ContainerRegistry).Server | Should -Be $registry.Server
    }
}
