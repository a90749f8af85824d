# What is installed, for all users, and whether it is what is asked for.
function Pack([string]$g) {
    $n = $g -replace '[^0-9A-Fa-f]', ''
    if ($n.Length -ne 32) { return '' }
    $o = ''
    $at = 0
    foreach ($l in 8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2) {
        for ($i = $at + $l - 1; $i -ge $at; $i--) { $o += $n.Substring($i, 1) }
        $at += $l
    }
    return $o.ToUpperInvariant()
}
function Codes([string]$how, [string]$with) {
    if ($how -eq 'product') { return $with.Split(' ') }
    if ($how -ne 'upgrade') { return @() }
    $key = 'HKLM:\SOFTWARE\Classes\Installer\UpgradeCodes\' + (Pack $with)
    if (Test-Path -LiteralPath $key) { return (Get-Item -LiteralPath $key).Property }
    return @()
}
function Hit($r, [string]$how, [string]$with, $codes) {
    $n = [string]$r.DisplayName
    if ($how -eq 'contains') { return $n.ToLowerInvariant().Contains($with.ToLowerInvariant()) }
    if ($how -eq 'exact') { return $n -eq $with }
    if ($how -eq 'regex') { return $n -match $with }
    if ($how -eq 'product') { return $codes -contains $r.PSChildName }
    if ($how -eq 'upgrade') { return $codes -contains (Pack $r.PSChildName) }
    return $false
}
$rows = @()
foreach ($k in 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall', 'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall') {
    if (-not (Test-Path -LiteralPath $k)) { continue }
    foreach ($r in @(Get-ItemProperty -Path "$k\*" -ErrorAction SilentlyContinue)) { if ($r.DisplayName) { $rows += $r } }
}
