# Whose desktop it is: the owner of a shell, whoever sits at the machine before others.
$v = (Get-CimInstance Win32_ComputerSystem).UserName
$w = $null
foreach ($z in (Get-CimInstance Win32_Process -Filter "Name='explorer.exe'" | Sort-Object SessionId)) {
$o = Invoke-CimMethod -InputObject $z -MethodName GetOwner
if ($o.ReturnValue -ne 0 -or -not $o.User) { continue }
$q = $o.Domain + '\' + $o.User
$r = (New-Object Security.Principal.NTAccount $q).Translate([Security.Principal.SecurityIdentifier])
# The machine's own accounts are nobody.
if ($r.Value -like 'S-1-5-18' -or $r.Value -like 'S-1-5-19' -or $r.Value -like 'S-1-5-20') { continue }
if (-not $w -or $q -eq $v) { $w = $q; $sid = $r }
}
if (-not $w) { Word 'nobody' '' }
else {
# May read the script and fill the files that are there, and make, rename or remove none.
foreach ($f in '', '@FILE@', 'i.ps1', 'n', 'o', 'e', 'v', 'k') {
$j = if ($f) { Join-Path $d $f } else { $d }
$l = if ('o', 'e', 'v', 'k' -contains $f) { 'Read, Write' } else { 'ReadAndExecute' }
$a = Get-Acl -LiteralPath $j
$a.AddAccessRule((New-Object Security.AccessControl.FileSystemAccessRule($sid, $l, 'Allow')))
Set-Acl -LiteralPath $j -AclObject $a
}
# A task that runs by the token of who is logged on: no password, no more rights than theirs.
$k = 'Linchpin @NONCE@'
$x = $x.Replace('\sysnative\', '\System32\')
$s = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Seconds @LIMIT_S@)
$i = New-ScheduledTaskPrincipal -UserId $w -LogonType Interactive -RunLevel Limited
[void](Register-ScheduledTask -TaskName $k -Action (New-ScheduledTaskAction -Execute $x -Argument $y) -Principal $i -Settings $s -Force)
try {
Start-ScheduledTask -TaskName $k
$e = [Diagnostics.Stopwatch]::StartNew()
$q = 0
while ((New-Object IO.FileInfo (Join-Path $d 'k')).Length -eq 0 -and $e.Elapsed.TotalSeconds -lt @LIMIT_S@ -and $q -lt 10) {
Start-Sleep -Milliseconds 500
# Ten looks without its running: it ended, or never began.
if ((Get-ScheduledTask -TaskName $k).State -eq 'Running') { $q = 0 } else { $q++ }
}
if ((New-Object IO.FileInfo (Join-Path $d 'k')).Length -eq 0) {
if ($q -lt 10) { Word 'timeout' '@LIMIT_S@'; Stop-ScheduledTask -TaskName $k }
else { Word 'process' ((Get-ScheduledTaskInfo -TaskName $k).LastTaskResult) }
}
} finally { Unregister-ScheduledTask -TaskName $k -Confirm:$false }
}
