# Runs a text and says in a file how that ended, also where nobody waits for it. ASCII only, as nothing marks its encoding.
param([string]$LP_text, [string]$LP_exit, [string]$LP_lock)
# Open as long as this process lives, and in no other: a runner that starts meanwhile sees by it that the run goes on.
$LP_held = [IO.File]::Open($LP_lock, 'OpenOrCreate', 'ReadWrite', 'None')
$LP_utf8 = New-Object Text.UTF8Encoding $false
# Without a console there is nothing to set.
try { [Console]::OutputEncoding = $LP_utf8 } catch { }
$OutputEncoding = $LP_utf8
$global:LASTEXITCODE = 0
$LP_code = 1
# No `catch` here: with one, an error that ends a statement would end the whole text.
try {
    & $LP_text
    $LP_code = [int]$global:LASTEXITCODE
} finally {
    [IO.File]::WriteAllText("$LP_exit.part", "$LP_code", $LP_utf8)
    [IO.File]::Move("$LP_exit.part", $LP_exit)
}
exit $LP_code
