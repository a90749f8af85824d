# The hub writes the secrets into standard input, which this process has from the one that started it.
try {
foreach ($l in [Console]::In.ReadToEnd().Split("`n")) { $p = $l.Trim().Split(' '); if ($p.Length -eq 2) { $LP_arguments[(LP_Text $p[0])] = LP_Text $p[1] } }
$l = $null
foreach ($w in @(@WANTED@)) { if (-not $LP_arguments.ContainsKey((LP_Text $w))) { throw "the hub gave none for $(LP_Text $w)" } }
} catch { LP_Write 'k' "secrets $_"; exit 1 }
