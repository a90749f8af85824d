# Takes away what is asked for, in the way that it says itself, without a word to anybody.
# $how, $with: how to compare, and with what; $found: the version that was found, or nothing.
function Quietly([string]$file, [string]$list) {
    $p = Start-Process -FilePath $file -ArgumentList $list -Wait -PassThru -WindowStyle Hidden
    return $p.ExitCode
}
$code = 0
$hits = 0
$codes = @(Codes $how $with)
foreach ($r in $rows) {
    if (-not (Hit $r $how $with $codes)) { continue }
    if ($found -and $r.DisplayVersion -and ([string]$r.DisplayVersion) -ne $found) { continue }
    $hits++
    if ($r.QuietUninstallString) {
        $c = Quietly 'cmd.exe' ('/d /s /c "' + $r.QuietUninstallString + '"')
    } elseif ($r.PSChildName -match '^\{[0-9A-Fa-f-]{36}\}$') {
        $c = Quietly 'msiexec.exe' ('/x ' + $r.PSChildName + ' /qn /norestart')
    } else {
        Write-Error "$($r.DisplayName) says no way to take it away that asks nobody: give its software an uninstall script"
        $c = 1
    }
    Write-Output "$($r.DisplayName) $($r.DisplayVersion): $c"
    if ($c -ne 0 -and $c -ne 1605 -and ($code -eq 0 -or $code -eq 3010)) { $code = $c }
}
if ($hits -eq 0) { Write-Output 'nothing of it is there' }
exit $code
