BeforeDiscovery {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine
    $commands = Get-Command -Module Gantry -CommandType Cmdlet
}

BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine
    $folder = $env:GANTRY_TEST_MODULE
    $manifest = Import-PowerShellDataFile (Join-Path $folder 'Gantry.psd1')
    $assembly = (Get-Command Get-Container).ImplementingType.Assembly
}

Describe 'The module folder' {
    It 'passes Test-ModuleManifest' { Test-ModuleManifest (Join-Path $folder 'Gantry.psd1') | Should -Not -BeNullOrEmpty }

    It 'holds nothing but the module' {
        $files = Get-ChildItem $folder -Recurse -File | ForEach-Object { [IO.Path]::GetRelativePath($folder, $_.FullName) }
        $files | Where-Object { $_ -notmatch '^(Gantry\.(psd1|Format\.ps1xml|Types\.ps1xml)|Gantry\.(PowerShell|Protocol)\.dll|LICENSE|en-US/(Gantry\.PowerShell\.dll-Help\.xml|about_Gantry\w*\.help\.txt))$' } | Should -BeNullOrEmpty
    }

    It 'exports exactly the cmdlets of its assembly' {
        $declared = $assembly.GetExportedTypes().Where{ -not $_.IsAbstract }.ForEach{ $_.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false) }.ForEach{ "$($_.VerbName)-$($_.NounName)" }
        $manifest.CmdletsToExport | Sort-Object | Should -Be ($declared | Sort-Object)
    }

    It 'exports exactly the aliases of its cmdlets' {
        $declared = $assembly.GetExportedTypes().Where{ $_.IsSubclassOf([System.Management.Automation.Cmdlet]) }.ForEach{ $_.GetCustomAttributes([System.Management.Automation.AliasAttribute], $false) }.ForEach{ $_.AliasNames }
        $manifest.AliasesToExport | Sort-Object | Should -Be ($declared | Sort-Object)
    }

    It 'says what it needs: PowerShell 7.4, edition Core' {
        $manifest.PowerShellVersion | Should -Be '7.4'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
    }

    It 'has tags, a licence and release notes' {
        $manifest.PrivateData.PSData.Tags.Count | Should -BeGreaterThan 3
        $manifest.PrivateData.PSData.LicenseUri | Should -Not -BeNullOrEmpty
        $manifest.PrivateData.PSData.ReleaseNotes | Should -Not -BeNullOrEmpty
    }

    It 'has the version of its assembly' { [version]$manifest.ModuleVersion | Should -Be ($assembly.GetName().Version.ToString(3)) }

    It 'refers to no third-party assembly' {
        $assembly.GetReferencedAssemblies().Name | Where-Object { $_ -notmatch '^(System\.|Microsoft\.Win32\.|netstandard$|Gantry\.Protocol$)' } | Should -BeNullOrEmpty
    }

    It 'writes no warning when it is imported' {
        $shell = [powershell]::Create().AddScript("Import-Module '$folder/Gantry.psd1'")
        try {
            $null = $shell.Invoke()
            $shell.Streams.Warning | Should -BeNullOrEmpty
            $shell.Streams.Error | Should -BeNullOrEmpty
        }
        finally { $shell.Dispose() }
    }

    It 'has views that only use properties and types that exist' {
        [xml]$format = Get-Content -Raw (Join-Path $folder 'Gantry.Format.ps1xml')
        foreach ($view in $format.Configuration.ViewDefinitions.View) {
            $type = $view.ViewSelectedBy.TypeName -as [type]
            $type | Should -Not -BeNullOrEmpty -Because $view.ViewSelectedBy.TypeName
            foreach ($node in $view.SelectNodes('.//PropertyName')) { $type.GetProperty($node.InnerText) | Should -Not -BeNullOrEmpty -Because "$($view.Name): $($node.InnerText)" }
        }
    }

    It 'has a default display set for each type that people list' {
        foreach ($name in 'Container', 'ContainerDetail', 'ContainerImage', 'ContainerImageDetail', 'ContainerImageManifest', 'RegistrySession', 'ContainerExit', 'ContainerLogLine', 'ContainerEvent', 'EngineInfo', 'EngineSession', 'EngineCommand', 'EngineJob') {
            $data = Get-TypeData "Gantry.PowerShell.Objects.$name"
            $type = "Gantry.PowerShell.Objects.$name" -as [type]
            $data.DefaultDisplayPropertySet.ReferencedProperties | Should -Not -BeNullOrEmpty -Because $name
            foreach ($property in $data.DefaultDisplayPropertySet.ReferencedProperties) { $type.GetProperty($property) | Should -Not -BeNullOrEmpty -Because "$name.$property" }
        }
    }

    It 'never gives out records of the wire' {
        $public = $assembly.GetExportedTypes()
        $leaks = $public.ForEach{ $_.GetProperties() }.Where{ $_.PropertyType.FullName -match 'Gantry\.Protocol' }
        $leaks.ForEach{ "$($_.DeclaringType.Name).$($_.Name)" } | Should -BeNullOrEmpty
    }
}

Describe 'The cmdlet <_.Name>' -ForEach $commands {
    BeforeAll {
        $command = $_
        $type = $command.ImplementingType
        $cmdlet = $type.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false)[0]
        $help = Get-Help $command.Name -Full
    }

    It 'has an approved verb' { (Get-Verb).Verb | Should -Contain $command.Verb }

    It 'has a singular noun' { $command.Noun | Should -Not -Match '(?<!s)s$' }

    It 'says what it gives' { $type.GetCustomAttributes([System.Management.Automation.OutputTypeAttribute], $false) | Should -Not -BeNullOrEmpty }

    It 'takes -Session, unless it makes or lists sessions or only describes' {
        $none = 'Connect-ContainerEngine', 'Get-ContainerEngineSession', 'New-ContainerPortBinding', 'New-ContainerMount', 'New-ContainerHealthCheck', 'Disconnect-ContainerRegistry', 'Get-ContainerRegistry',
            'Get-ContainerContext', 'New-ContainerContext', 'Set-ContainerContext', 'Remove-ContainerContext'
        $command.Parameters.ContainsKey('Session') | Should -Be ($command.Name -notin $none)
    }

    It 'asks before it changes anything' {
        $changing = $command.Verb -in 'Add', 'Build', 'Checkpoint', 'Clear', 'ConvertTo', 'Copy', 'Disconnect', 'Export', 'Import', 'Invoke', 'Optimize', 'Remove', 'Rename', 'Request', 'Resize', 'Restart', 'Restore', 'Resume', 'Send', 'Set', 'Start', 'Stop', 'Submit', 'Suspend' -or $command.Name -eq 'New-Container'
        if ($changing) { $cmdlet.SupportsShouldProcess | Should -BeTrue }
        else { $command.Verb | Should -BeIn 'Compare', 'Connect', 'Enter', 'Find', 'Get', 'Measure', 'New', 'Receive', 'Register', 'Test', 'Wait' }
    }

    It 'asks loudly when it destroys, and takes -Force for an answer' {
        if ($command.Verb -notin 'Remove', 'Clear', 'Optimize') { return }
        $cmdlet.ConfirmImpact | Should -Be 'High'
        $command.Parameters.ContainsKey('Force') | Should -BeTrue
    }

    It 'has -PassThru when it would otherwise say nothing' {
        if ($command.Verb -notin 'Start', 'Stop', 'Restart', 'Suspend', 'Resume', 'Rename', 'Send', 'Set', 'Add' -or $command.Name -eq 'Start-ContainerProcess') { return }
        $command.Parameters.ContainsKey('PassThru') | Should -BeTrue
    }

    It 'can run as a job when its work can last' {
        if ($command.Name -notin 'Start-Container', 'Stop-Container', 'Restart-Container', 'Wait-Container', 'Invoke-ContainerImage', 'Import-ContainerImage', 'Invoke-EngineCommand', 'Wait-EngineJob', 'Request-ContainerImage', 'Submit-ContainerImage',
            'Build-ContainerImage', 'Export-ContainerImage', 'Export-Container', 'ConvertTo-ContainerImage', 'Copy-ContainerFile', 'Checkpoint-Container', 'Restore-Container', 'Invoke-ContainerCommand') { return }
        $command.Parameters.ContainsKey('AsJob') | Should -BeTrue
    }

    It 'has a synopsis' { $help.Synopsis.Trim() | Should -Match '^\S.{10,}\.$' }

    It 'has a description' { ($help.Description.Text -join ' ') | Should -Match '\S{3}' }

    It 'describes every parameter' {
        $described = @{}
        foreach ($parameter in $help.parameters.parameter) { $described[$parameter.name] = ($parameter.description.Text -join ' ').Trim() }
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        foreach ($name in $command.Parameters.Keys.Where{ $_ -notin $common }) { $described[$name] | Should -Not -BeNullOrEmpty -Because "-$name" }
    }

    It 'describes no parameter that it does not have' { $help.parameters.parameter.name | Where-Object { -not $command.Parameters.ContainsKey($_) } | Should -BeNullOrEmpty }

    It 'has two examples or more, which parse and name parameters that exist' {
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
        foreach ($example in $help.examples.example) {
            $problems = $null
            $tree = [System.Management.Automation.Language.Parser]::ParseInput($example.code, [ref]$null, [ref]$problems)
            $problems | Should -BeNullOrEmpty -Because $example.code
            foreach ($use in $tree.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $used = Get-Command $use.GetCommandName() -Module Gantry -ErrorAction Ignore
                if (-not $used) { continue }
                if ($used.CommandType -eq 'Alias') { $used = $used.ResolvedCommand }
                foreach ($parameter in $use.CommandElements.Where{ $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                    $names = @($used.Parameters.Keys) + @($used.Parameters.Values.Aliases)
                    $names | Should -Contain $parameter.ParameterName -Because $example.code
                }
            }
        }
    }

    It 'uses its own name in an example' { ($help.examples.example.code -join "`n") | Should -Match ([regex]::Escape($command.Name)) }

    It 'names only topics that exist as related' {
        foreach ($link in $help.relatedLinks.navigationLink.linkText) {
            if ($link -like 'about_*') { Test-Path (Join-Path $env:GANTRY_TEST_MODULE "en-US/$link.help.txt") | Should -BeTrue -Because $link }
            elseif ($link) { Get-Command $link -Module Gantry -ErrorAction Ignore | Should -Not -BeNullOrEmpty -Because $link }
        }
    }
}

Describe 'The topic <_>' -ForEach 'about_Gantry', 'about_Gantry_Sessions', 'about_Gantry_References', 'about_Gantry_Errors' {
    It 'can be read with Get-Help' { (Get-Help $_ | Out-String).Length | Should -BeGreaterThan 500 }
}

Describe 'The names of the predecessor' {
    It '<Alias> is <Cmdlet>' -ForEach @(
        @{ Alias = 'Run-ContainerImage'; Cmdlet = 'Invoke-ContainerImage' }
        @{ Alias = 'Kill-Container'; Cmdlet = 'Send-ContainerSignal' }
        @{ Alias = 'Tag-ContainerImage'; Cmdlet = 'Add-ContainerImageTag' }
        @{ Alias = 'Load-ContainerImage'; Cmdlet = 'Import-ContainerImage' }
        @{ Alias = 'Pull-ContainerImage'; Cmdlet = 'Request-ContainerImage' }
        @{ Alias = 'Push-ContainerImage'; Cmdlet = 'Submit-ContainerImage' }
    ) { (Get-Alias $Alias).ResolvedCommandName | Should -Be $Cmdlet }
}
