# The body is a file, so that its `exit` ends it and not this. Errors stay in their own stream: redirected,
# Windows PowerShell makes errors of what programs write to standard error.
foreach ($LP_w in $LP_names) { Set-Variable -Name (LP_Text $LP_w) -Value $LP_arguments[(LP_Text $LP_w)] }
$LP_kind = 'none'
$LP_have = $false
$LP_last = $null
$LP_code = 0
$LP_o = New-Object IO.StreamWriter((Join-Path $LP_d 'o'), $false, $LP_u)
# What waits in the writer is lost when this is ended by force.
$LP_o.AutoFlush = $true
$global:LASTEXITCODE = 0
$Error.Clear()
try {
$LP_f = Join-Path $LP_d 'b.ps1'
$LP_c = Get-Command -Name $LP_f -CommandType ExternalScript
$LP_s = @{ }
foreach ($LP_w in $LP_names) { $LP_k = LP_Text $LP_w; if ($LP_c.Parameters.ContainsKey($LP_k)) { $LP_s[$LP_k] = $LP_arguments[$LP_k] } }
$ErrorActionPreference = 'Continue'
& $LP_f @LP_s 3>&1 4>&1 5>&1 6>&1 | ForEach-Object {
if ($_ -is [Management.Automation.WarningRecord]) { $LP_o.WriteLine("WARNING: $_") }
elseif ($_ -is [Management.Automation.InformationalRecord] -or $_ -is [Management.Automation.InformationRecord]) { $LP_o.WriteLine([string]$_) }
else {
$LP_have = $true
$LP_last = $_
if ($_ -is [string]) { $LP_o.WriteLine($_) }
elseif ($null -ne $_) { $LP_o.WriteLine(($_ | Out-String -Width 200).Trim()) }
}
}
$LP_code = [int]$LASTEXITCODE
if (-not $LP_have) { }
elseif ($null -eq $LP_last) { $LP_kind = 'null' }
elseif ($LP_last -is [bool]) { $LP_kind = 'boolean'; LP_Write 'v' ($LP_last.ToString().ToLowerInvariant()) }
elseif ($LP_last -is [string]) { $LP_kind = 'text'; LP_Write 'v' $LP_last }
elseif ($LP_last -isnot [enum] -and [int][Type]::GetTypeCode($LP_last.GetType()) -ge 5 -and [int][Type]::GetTypeCode($LP_last.GetType()) -le 15) {
$LP_kind = 'number'; LP_Write 'v' ([Convert]::ToString($LP_last, [Globalization.CultureInfo]::InvariantCulture))
}
else { $LP_j = ConvertTo-Json -InputObject $LP_last -Depth 8 -Compress; $LP_kind = 'json'; LP_Write 'v' $LP_j }
} catch { $LP_kind = 'none'; if ($LP_code -eq 0) { $LP_code = 1 } } finally { $LP_o.Dispose() }
$LP_t = New-Object Text.StringBuilder
for ($LP_i = $Error.Count - 1; $LP_i -ge 0; $LP_i--) { [void]$LP_t.AppendLine(("$($Error[$LP_i])`n$($Error[$LP_i].InvocationInfo.PositionMessage)").Trim()) }
LP_Write 'e' $LP_t.ToString()
LP_Write 'k' "exit $LP_code`nkind $LP_kind"
exit $LP_code
