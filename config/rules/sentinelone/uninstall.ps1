# The agent guards itself: it leaves where its console allowed that before.
$uninstaller = Get-ChildItem "$env:ProgramFiles\SentinelOne\Sentinel Agent *\uninstall.exe" |
    Select-Object -First 1
if (-not $uninstaller) { throw 'there is no uninstaller' }
$left = Start-Process $uninstaller.FullName -ArgumentList '/norestart', '/q' -Wait -PassThru
if ($left.ExitCode -notin 0, 3010) { throw "the uninstaller ended with $($left.ExitCode)" }
