# Whether what is there can start.
$exe = Join-Path $env:ProgramFiles 'Adobe\Acrobat DC\Acrobat\Acrobat.exe'
Test-Path $exe
