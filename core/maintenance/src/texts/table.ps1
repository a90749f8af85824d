# One line for each installed program that is asked for: its number, its version, its name, parted by tabs.
# $wanted: a line each, how to compare, a tab, with what.
$i = -1
foreach ($line in $wanted.Split("`n")) {
    $i++
    $p = $line.Split("`t")
    if ($p.Length -lt 2) { continue }
    $codes = @(Codes $p[0] $p[1])
    foreach ($r in $rows) { if (Hit $r $p[0] $p[1] $codes) { Write-Output "$i`t$($r.DisplayVersion)`t$($r.DisplayName)" } }
}
