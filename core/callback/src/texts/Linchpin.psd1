@{
    RootModule        = 'Linchpin.psm1'
    ModuleVersion     = '1.0.0'
    GUID              = '6f0d7a0e-5c7c-4f5e-9a1d-2f7b0c6f1d35'
    Description       = 'What a script that runs in the hub may ask the hub for.'
    PowerShellVersion = '7.0'
    FunctionsToExport = @('Invoke-LinchpinComputer', 'Get-LinchpinFact', 'Write-LinchpinReport', 'Get-LinchpinToken')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
