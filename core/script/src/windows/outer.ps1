# Makes the folder, has the runner run in the right context, and prints the frame. ASCII only.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$n = '@NONCE@'
$d = Join-Path $env:ProgramFiles 'Linchpin\runs\@NONCE@'
$u = New-Object Text.UTF8Encoding $false
$m = New-Object IO.MemoryStream
function Say($t) { [Console]::Out.WriteLine('lp:' + $n + ':' + $t) }
function Field($k, [byte[]]$b) {
if ($null -eq $b) { $b = New-Object byte[] 0 }
$h = [Text.Encoding]::ASCII.GetBytes("$k $($b.Length)`n")
$m.Write($h, 0, $h.Length); $m.Write($b, 0, $b.Length); $m.WriteByte(10)
}
function Word($k, [string]$t) { Field $k $u.GetBytes($t) }
function Put($f, [string]$b) { [IO.File]::WriteAllBytes((Join-Path $d $f), [Convert]::FromBase64String($b)) }
function Capped($k, $f, [long]$h, [long]$t) {
$p = Join-Path $d $f
if (-not (Test-Path -LiteralPath $p)) { return }
if (([IO.File]::GetAttributes($p) -band 1024) -ne 0) { throw "$f is a link" }
$s = New-Object IO.FileStream($p, 'Open', 'Read', 'ReadWrite')
try {
$c = $s.Length
if ($c -le $h + $t) { $h = $c; $t = 0 }
$r = New-Object IO.BinaryReader($s)
Field "$k.head" $r.ReadBytes([int]$h)
if ($t -gt 0) {
[void]$s.Seek($c - $t, 'Begin')
Field "$k.tail" $r.ReadBytes([int]$t)
}
# Also where no end is wanted: a value that was cut is none.
if ($c -gt $h) { Word "$k.left" ($c - $h - $t) }
} finally { $s.Dispose() }
}
$g = 'folder'
Say 'begin'
try {
$a = New-Object Security.AccessControl.DirectorySecurity
$a.SetSecurityDescriptorSddlForm('@SDDL@')
[void][IO.Directory]::CreateDirectory($d, $a)
Put '@FILE@' '@BODY@'
[IO.File]::WriteAllText((Join-Path $d 'i.ps1'), @'
@RUNNER@
'@, $u)
foreach ($f in 'n', 'o', 'e', 'v', 'k') { [IO.File]::WriteAllBytes((Join-Path $d $f), (New-Object byte[] 0)) }
$g = 'start'
# A 32-bit agent starts the machine's own PowerShell nevertheless.
$x = Join-Path $env:windir 'sysnative\WindowsPowerShell\v1.0\powershell.exe'
if (-not (Test-Path -LiteralPath $x)) { $x = Join-Path $env:windir 'System32\WindowsPowerShell\v1.0\powershell.exe' }
$y = '-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -File "' + (Join-Path $d 'i.ps1') + '"'
@START@
$g = 'answer'
Capped 'out' 'o' @HEAD@ @TAIL@
Capped 'err' 'e' @ERROR_HEAD@ @ERROR_TAIL@
Capped 'raw' 'so' @ERROR_HEAD@ @ERROR_TAIL@
Capped 'stderr' 'se' @ERROR_HEAD@ @ERROR_TAIL@
Capped 'value' 'v' @VALUE@ 0
Capped 'status' 'k' 4096 0
} catch { Word 'failed' "$g $_" }
finally { try { Remove-Item -LiteralPath $d -Recurse -Force } catch { Word 'remains' "$d" } }
$b = $m.ToArray()
$t = [Convert]::ToBase64String($b)
$c = 0
for ($i = 0; $i -lt $t.Length; $i += 48) { Say ('' + $c + ':' + $t.Substring($i, [Math]::Min(48, $t.Length - $i)) + ':'); $c++ }
$h = [BitConverter]::ToString((New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($b)).Replace('-', '').ToLowerInvariant()
Say ('end:' + $c + ':' + $h)
