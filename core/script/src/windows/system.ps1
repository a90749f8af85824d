$p = Start-Process -FilePath $x -ArgumentList $y -NoNewWindow -PassThru@INPUT@ -RedirectStandardOutput (Join-Path $d 'so') -RedirectStandardError (Join-Path $d 'se')
$null = $p.Handle
if ($p.WaitForExit(@LIMIT_MS@)) { Word 'process' $p.ExitCode }
else {
Word 'timeout' '@LIMIT_S@'
& (Join-Path $env:windir 'System32\taskkill.exe') /T /F /PID $p.Id | Out-Null
[void]$p.WaitForExit(5000)
}
