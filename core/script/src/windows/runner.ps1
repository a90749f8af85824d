# Runs the body in a process of its own and leaves what came of it in the folder beside itself:
# o (output), e (errors), v (last value), and k (how it ended) last of all.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$LP_d = $PSScriptRoot
$LP_u = New-Object Text.UTF8Encoding $false
# Without a console there is nothing to set.
try { [Console]::OutputEncoding = $LP_u } catch { }
$OutputEncoding = $LP_u
function LP_Write($f, [string]$t) { [IO.File]::WriteAllText((Join-Path $LP_d $f), $t, $LP_u) }
function LP_Text([string]$b) { $LP_u.GetString([Convert]::FromBase64String($b)) }
function LP_Value($k, $b) {
switch -CaseSensitive ($k) {
't' { LP_Text $b }
'n' {
$t = LP_Text $b
if ($t -match '^-?\d{1,9}$') { [int]$t }
elseif ($t -match '^-?\d{1,18}$') { [long]$t }
else { [double]::Parse($t, [Globalization.CultureInfo]::InvariantCulture) }
}
'b' { (LP_Text $b) -eq 'true' }
'k' { LP_Table $b }
'l' {
$a = @()
foreach ($l in (LP_Text $b).Split("`n")) { if ($l) { $p = $l.Split(' '); $a += , (LP_Value $p[1] $p[2]) } }
, $a
}
default { $null }
}
}
function LP_Table([string]$b) {
$h = New-Object Collections.Hashtable ([StringComparer]::Ordinal)
foreach ($l in (LP_Text $b).Split("`n")) { if ($l) { $p = $l.Split(' '); $h[(LP_Text $p[0])] = LP_Value $p[1] $p[2] } }
$h
}
$LP_arguments = LP_Table '@ARGUMENTS@'
@SECRETS@
$LP_names = @(@NAMES@)
@MAIN@
