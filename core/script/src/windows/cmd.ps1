# Values go by the environment: nothing is quoted for cmd.exe.
foreach ($LP_w in $LP_names) { [Environment]::SetEnvironmentVariable('LP_' + (LP_Text $LP_w), [string]$LP_arguments[(LP_Text $LP_w)]) }
$LP_p = Start-Process -FilePath $env:ComSpec -ArgumentList ('/d /s /c ""' + (Join-Path $LP_d 'b.cmd') + '""') -NoNewWindow -PassThru -RedirectStandardInput (Join-Path $LP_d 'n') -RedirectStandardOutput (Join-Path $LP_d 'o') -RedirectStandardError (Join-Path $LP_d 'e')
# Asked for now, or there is no exit code later.
$null = $LP_p.Handle
$LP_p.WaitForExit()
LP_Write 'k' "exit $($LP_p.ExitCode)`nkind line"
exit $LP_p.ExitCode
