BeforeAll {
    Import-Module (Join-Path $PSScriptRoot 'TestEngine.psm1') -Force
    Initialize-TestEngine
    if (-not ('TlsProxy' -as [type])) { Add-Type -TypeDefinition (Get-Content -Raw (Join-Path $PSScriptRoot 'TlsProxy.cs')) -IgnoreWarnings -WarningAction Ignore }

    function New-TestCertificate([string] $Subject, $Issuer, [switch] $Authority) {
        $key = [Security.Cryptography.RSA]::Create(2048)
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new("CN=$Subject", $key, [Security.Cryptography.HashAlgorithmName]::SHA256, [Security.Cryptography.RSASignaturePadding]::Pkcs1)
        $names = [Security.Cryptography.X509Certificates.SubjectAlternativeNameBuilder]::new()
        $names.AddDnsName('localhost')
        $names.AddIpAddress([Net.IPAddress]::Loopback)
        $request.CertificateExtensions.Add($names.Build())
        $request.CertificateExtensions.Add([Security.Cryptography.X509Certificates.X509BasicConstraintsExtension]::new([bool]$Authority, $false, 0, $true))
        $from = [DateTimeOffset]::Now.AddHours(-1)
        $until = [DateTimeOffset]::Now.AddHours(2)
        if (-not $Issuer) { return $request.CreateSelfSigned($from, $until) }
        $public = $request.Create($Issuer, $from.AddMinutes(1), $until.AddMinutes(-1), [byte[]](1..8 | ForEach-Object { Get-Random -Maximum 256 }))
        [Security.Cryptography.X509Certificates.RSACertificateExtensions]::CopyWithPrivateKey($public, $key)
    }

    $authority = New-TestCertificate 'Test authority' -Authority
    $server = New-TestCertificate localhost $authority
    $client = New-TestCertificate client $authority
    $stranger = New-TestCertificate stranger
    $proxy = [TlsProxy]::new(($env:GANTRY_TEST_HOST -replace '^unix://'), $server, $client.Thumbprint)
    $folder = (New-Item -ItemType Directory (Join-Path $TestDrive certs)).FullName
    $authority.ExportCertificatePem() | Set-Content "$folder/ca.pem"
    $client.ExportCertificatePem() | Set-Content "$folder/cert.pem"
    $key = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($client)
    $key.ExportPkcs8PrivateKeyPem() | Set-Content "$folder/key.pem"
    $uri = "tcp://localhost:$($proxy.Port)"
}

AfterAll {
    $proxy.Dispose()
    Clear-TestEngine
}

Describe 'A connection with TLS' {
    BeforeEach { Get-ContainerEngineSession | Disconnect-ContainerEngine }

    It 'is made with the files of a folder' {
        $session = Connect-ContainerEngine $uri -CertificatePath $folder -NoDefault
        $session.State | Should -Be Connected
        $session.Uri | Should -BeLike 'https://localhost:*'
        Get-ContainerImage busybox -Session $session | Should -HaveCount 1
    }

    It 'is made with certificate objects' {
        (Connect-ContainerEngine $uri -Certificate $client -CertificateAuthority $authority -NoDefault).State | Should -Be Connected
    }

    It 'is made as the docker CLI''s variables say' {
        try {
            $env:DOCKER_TLS_VERIFY = 1
            $env:DOCKER_CERT_PATH = $folder
            (Connect-ContainerEngine $uri -NoDefault).State | Should -Be Connected
        }
        finally { Remove-Item Env:DOCKER_TLS_VERIFY, Env:DOCKER_CERT_PATH }
    }

    It 'is refused when the server is a stranger' {
        Connect-ContainerEngine $uri -Certificate $client -CertificateAuthority $stranger -ErrorAction SilentlyContinue -ErrorVariable problem
        Get-ErrorId $problem[0] | Should -Be EngineAccessDenied
    }

    It 'is refused when the server has another name' {
        Connect-ContainerEngine "tcp://127.0.0.2:$($proxy.Port)" -CertificatePath $folder -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -BeIn PermissionDenied, ConnectionError
    }

    It 'is refused without a certificate of our own' {
        Connect-ContainerEngine $uri -CertificateAuthority $authority -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -BeIn PermissionDenied, ConnectionError
    }

    It 'believes anybody with -SkipCertificateCheck' {
        (Connect-ContainerEngine $uri -Certificate $client -SkipCertificateCheck -NoDefault).State | Should -Be Connected
    }

    It 'carries a command''s input and output, with its end of input' {
        $session = Connect-ContainerEngine $uri -CertificatePath $folder -NoDefault
        'b', 'a' | Invoke-ContainerImage busybox -Command sort -Rm -Session $session | Should -Be a, b
    }

    It 'says which file is broken' {
        Set-Content "$TestDrive/ca.pem" 'no certificate'
        Connect-ContainerEngine $uri -CertificatePath $TestDrive -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].CategoryInfo.Category | Should -BeIn InvalidArgument, PermissionDenied
    }
}
