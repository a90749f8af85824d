# Fetches a file into a folder that administrators alone write to, and prints where it lies.
# $url, $sha256 (or nothing), $file, $id.
$ErrorActionPreference = 'Stop'
$d = Join-Path $env:ProgramFiles ('Linchpin\packages\' + $id)
if (-not (Test-Path -LiteralPath $d)) { $null = New-Item -ItemType Directory -Path $d -Force }
$f = Join-Path $d $file
function Fits([string]$p) { return $sha256 -and (Test-Path -LiteralPath $p) -and (Get-FileHash -LiteralPath $p -Algorithm SHA256).Hash -eq $sha256 }
if (-not (Fits $f)) {
    $t = $f + '.part'
    try { [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12 } catch { }
    (New-Object Net.WebClient).DownloadFile($url, $t)
    if ($sha256 -and -not (Fits $t)) {
        $h = (Get-FileHash -LiteralPath $t -Algorithm SHA256).Hash
        Remove-Item -LiteralPath $t -Force
        throw "what was fetched has the digest $h, and not $sha256"
    }
    Move-Item -LiteralPath $t -Destination $f -Force
}
Write-Output $f
