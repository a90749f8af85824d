# Reboots in a while, so that this answer is out before, and prints when it was started last.
$b = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
Write-Output "boot=$b"
& shutdown.exe /r /t 20 /c "Maintenance: this computer restarts."
exit $LASTEXITCODE
