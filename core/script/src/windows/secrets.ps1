# The token opens the secrets once; a redirect is no answer of the hub.
try {
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072
$LP_r = [string](Invoke-RestMethod -Method Post -UseBasicParsing -MaximumRedirection 0 -Uri (LP_Text '@URL@') -Headers @{ Authorization = 'Bearer ' + (LP_Text '@TOKEN@') })
foreach ($l in $LP_r.Split("`n")) { $p = $l.Trim().Split(' '); if ($p.Length -eq 2) { $LP_arguments[(LP_Text $p[0])] = LP_Text $p[1] } }
$LP_r = $null
foreach ($w in @(@WANTED@)) { if (-not $LP_arguments.ContainsKey((LP_Text $w))) { throw "the hub gave none for $(LP_Text $w)" } }
} catch { LP_Write 'k' "secrets $_"; exit 1 }
