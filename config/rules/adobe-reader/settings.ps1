param([string] $method, [string] $update_mode = 'automatic')

$policy = 'HKLM:\SOFTWARE\Policies\Adobe\Acrobat Reader\DC\FeatureLockDown'
$wanted = @{
    bUpdater     = [int]($update_mode -ne 'off')
    bIsSCReducedModeEnforcedEx = 1
}

switch ($method) {
    'get' { Get-ItemProperty $policy -ErrorAction SilentlyContinue | Select-Object $wanted.Keys }
    'test' {
        $there = Get-ItemProperty $policy -ErrorAction SilentlyContinue
        -not ($wanted.GetEnumerator() | Where-Object { $there.($_.Key) -ne $_.Value })
    }
    'set' {
        New-Item $policy -Force | Out-Null
        $wanted.GetEnumerator() | ForEach-Object {
            Set-ItemProperty $policy -Name $_.Key -Value $_.Value -Type DWord
        }
    }
}
