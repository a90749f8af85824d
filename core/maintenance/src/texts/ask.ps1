# Asks whoever sits there whether a reboot suits; who does not answer in five minutes says nothing.
$s = New-Object -ComObject WScript.Shell
$a = $s.Popup('This computer must be restarted to finish its maintenance. Does it suit now?', 300, 'Maintenance', 4 + 32 + 4096)
if ($a -eq 6) { 'yes' } elseif ($a -eq 7) { 'no' } else { 'nothing' }
