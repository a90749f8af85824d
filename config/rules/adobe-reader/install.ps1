$setup = Start-Process $InstallerFile -ArgumentList '/sAll', '/rs', '/msi', 'EULA_ACCEPT=YES' -Wait -PassThru
# 3010: it is there, and waits for a reboot.
if ($setup.ExitCode -notin 0, 3010) { throw "the installer ended with $($setup.ExitCode)" }
