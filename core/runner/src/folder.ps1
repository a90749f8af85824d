# Makes a folder for the system and administrators alone, or for who runs this where that is no administrator, and says
# whether anybody else gets at it. One that is there already may be somebody else's: anybody makes folders in
# %ProgramData%. Names of accounts differ between languages, so SIDs are compared. No double quotes: this goes by a
# command line.
$ErrorActionPreference = 'Stop';
try {
    $p = @PATH@;
    $i = [Security.Principal.WindowsIdentity]::GetCurrent();
    $a = (New-Object Security.Principal.WindowsPrincipal $i).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator);
    $w = @('S-1-5-18', 'S-1-5-32-544');
    $d = 'D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)';
    if ($a) { $d = 'O:BA' + $d } else { $u = $i.User.Value; $w += $u; $d = 'O:' + $u + $d + '(A;OICI;FA;;;' + $u + ')' };
    if (-not [IO.Directory]::Exists($p)) {
        $s = New-Object Security.AccessControl.DirectorySecurity;
        $s.SetSecurityDescriptorSddlForm($d);
        [void][IO.Directory]::CreateDirectory($p, $s)
    };
    if (([int][IO.File]::GetAttributes($p) -band 1024) -ne 0) { 'link'; exit };
    $t = [Security.Principal.SecurityIdentifier];
    $s = [IO.Directory]::GetAccessControl($p);
    $l = @($s.GetOwner($t).Value);
    foreach ($r in $s.GetAccessRules($true, $true, $t)) { if ($r.AccessControlType -eq 'Allow') { $l += $r.IdentityReference.Value } };
    $x = @($l | Where-Object { $w -notcontains $_ } | Select-Object -Unique);
    if ($x.Count -gt 0) { 'others ' + ($x -join ' ') } else { 'private' }
} catch { 'failed ' + $_ }
