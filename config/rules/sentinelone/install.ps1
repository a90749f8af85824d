param([string] $site_token)

$arguments = '/i', "`"$InstallerFile`"", '/qn', '/norestart', "SITE_TOKEN=$site_token"
$setup = Start-Process msiexec.exe -ArgumentList $arguments -Wait -PassThru
if ($setup.ExitCode -notin 0, 3010) { throw "the installer ended with $($setup.ExitCode)" }
