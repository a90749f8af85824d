param([string] $account_key, [string] $tags)

$arguments = @("/ACCT_KEY=`"$account_key`"", "/ORG_KEY=`"$TenantName`"", '/S')
if ($tags) { $arguments += "/TAGS=`"$tags`"" }
$setup = Start-Process $InstallerFile -ArgumentList $arguments -Wait -PassThru
if ($setup.ExitCode -ne 0) { throw "the installer ended with $($setup.ExitCode)" }
