BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Import-Module (Join-Path $PSScriptRoot 'FakeEngine.psm1')
    Initialize-TestEngine
}

AfterAll { Clear-TestEngine }

Describe 'A failed call' {
    BeforeAll {
        $fake = New-FakeEngine
        $session = Connect-ContainerEngine $fake.Uri -NoDefault
        $id = 'a' * 64
        $fake.Set("GET /containers/x/json", 200, 'application/json', "{`"Id`":`"$id`",`"Name`":`"/x`"}")
    }

    AfterAll { $fake.Dispose() }

    It 'with <Status> is <Id>, <Category>' -ForEach @(
        @{ Status = 400; Id = 'InvalidRequest'; Category = 'InvalidArgument' }
        @{ Status = 401; Id = 'Unauthorized'; Category = 'AuthenticationError' }
        @{ Status = 403; Id = 'ContainerOperationForbidden'; Category = 'PermissionDenied' }
        @{ Status = 404; Id = 'ContainerNotFound'; Category = 'ObjectNotFound' }
        @{ Status = 409; Id = 'ContainerConflict'; Category = 'InvalidOperation' }
        @{ Status = 500; Id = 'EngineFault'; Category = 'InvalidResult' }
        @{ Status = 501; Id = 'NotSupportedByEngine'; Category = 'NotImplemented' }
        @{ Status = 503; Id = 'EngineUnavailable'; Category = 'ResourceUnavailable' }
    ) {
        $fake.Set("POST /containers/$('a' * 64)/kill", $Status, 'application/json', '{"message":"the engine''s own words"}')
        Send-ContainerSignal x -Session $session -ErrorAction SilentlyContinue -ErrorVariable problem
        @($problem).Count | Should -Be 1
        Get-ErrorId $problem[0] | Should -Be $Id
        $problem[0].CategoryInfo.Category | Should -Be $Category
        $problem[0].Exception.Message | Should -Be "the engine's own words"
        $problem[0].TargetObject | Should -Be x
        $problem[0].Exception.StatusCode | Should -Be $Status
    }

    It 'because of a name that is taken is ContainerNameAlreadyExists, ResourceExists' {
        $fake.Set('POST /containers/create?name=taken', 409, 'application/json', '{"message":"Conflict. The container name \"/taken\" is already in use by container \"1\"."}')
        New-Container busybox -Name taken -Session $session -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be ContainerNameAlreadyExists
        $problem[0].CategoryInfo.Category | Should -Be ResourceExists
    }

    It 'with a plain text gives that text' {
        $fake.Set("POST /containers/$id/kill", 400, 'text/plain', "client version 1.12 is too old`n")
        Send-ContainerSignal x -Session $session -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -Be 'client version 1.12 is too old'
    }

    It 'that breaks off is EngineConnectionLost, ConnectionError' {
        $fake.SetBroken('GET /containers/json?all=1', '[{"Id":"')
        { Get-Container -Session $session -ErrorAction Stop } | Should -Throw -ErrorId 'EngineConnectionLost,*'
    }

    It 'that is no JSON is InvalidEngineResponse, InvalidData' {
        $fake.Set('GET /containers/json?all=1', 200, 'application/json', '<html>')
        try { Get-Container -Session $session -ErrorAction Stop } catch { $problem = $_ }
        Get-ErrorId $problem | Should -Be InvalidEngineResponse
        $problem.CategoryInfo.Category | Should -Be InvalidData
    }

    It 'recommends what to do' {
        Get-Container ((New-TestName) + 'nope') -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].ErrorDetails.RecommendedAction | Should -Match 'Get-Container'
    }

    It 'shows its requests with -Debug' {
        $fake.Set('GET /images/json', 200, 'application/json', '[]')
        $DebugPreference = 'SilentlyContinue'
        $debug = Get-ContainerImage -Session $session -Debug 5>&1
        $debug | Should -Match 'GET .*/images/json.* 200'
    }
}

Describe 'The rest of a pipeline' {
    It 'goes on after a name that nothing has' {
        $name = New-TestName
        $null = New-Container busybox -Name $name -Command true
        $details = "$name-nope", $name | Get-ContainerDetail -ErrorAction SilentlyContinue -ErrorVariable problem
        $details.Name | Should -Be $name
        @($problem).Count | Should -Be 1
        Get-ErrorId $problem[0] | Should -Be ContainerNotFound
        $problem[0].CategoryInfo.Category | Should -Be ObjectNotFound
        $problem[0].TargetObject | Should -Be "$name-nope"
    }

    It 'is silent about a pattern that matches nothing' { Get-ContainerDetail "$(New-TestName)-nope*" -ErrorAction Stop | Should -BeNullOrEmpty }

    It 'ends at the first error with -ErrorAction Stop' {
        { 'nope1', 'nope2' | Get-ContainerDetail -ErrorAction Stop } | Should -Throw -ErrorId 'ContainerNotFound,Gantry.PowerShell.Cmdlets.GetContainerDetailCommand'
    }

    It 'treats odd names as names: <_>' -ForEach '..', '.', 'a/b', 'a b', 'a?b=c#d', '%2e%2e' {
        Get-ContainerDetail ([System.Management.Automation.WildcardPattern]::Escape($_)) -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -BeIn ObjectNotFound, InvalidArgument, NotImplemented
    }

    It 'refuses an empty name before any engine is asked' { { Get-ContainerDetail '' } | Should -Throw -ErrorId '*Argument*,*' }
}
