# What a machine says of itself, a name and a value in each line: what is not there leaves an empty value, and no line
# takes another's place. No double quotes: this goes by a command line.
try { [Console]::OutputEncoding = New-Object Text.UTF8Encoding $false } catch { };
$p = Get-CimInstance Win32_ComputerSystemProduct;
$o = Get-CimInstance Win32_OperatingSystem;
$k = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography';
'host=' + [Environment]::MachineName;
'machine_id=' + $k.MachineGuid;
'uuid=' + $p.UUID;
'serial=' + $p.IdentifyingNumber;
'manufacturer=' + $p.Vendor;
'model=' + $p.Name;
'os=' + $o.Caption;
'os_version=' + $o.Version;
if ($p -and $o) { 'whole=1' }
