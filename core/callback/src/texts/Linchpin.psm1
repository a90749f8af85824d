# What a script that runs in the hub may ask the hub for. It stands on LINCHPIN_URL and LINCHPIN_TOKEN, which the hub
# gives to each run; docs/metascripts.md describes the interface below it.

function Send-LinchpinCall {
    # Calls the hub, and gives what it answers; throws what it says where it refuses.
    param(
        [string]$Method,
        [string]$Path,
        $Document
    )
    if (-not $env:LINCHPIN_URL) {
        throw 'LINCHPIN_URL is not set: only scripts of the contexts metascript and cloud can call the hub.'
    }
    $call = @{
        Uri             = "$($env:LINCHPIN_URL)/$Path"
        Method          = $Method
        Headers         = @{ Authorization = "Bearer $($env:LINCHPIN_TOKEN)"; Accept = 'application/json' }
        UseBasicParsing = $true
        ErrorAction     = 'Stop'
    }
    if ($null -ne $Document) {
        $call['ContentType'] = 'application/json; charset=utf-8'
        $call['Body'] = ConvertTo-Json -InputObject $Document -Depth 20 -Compress
    }
    if ($PSVersionTable.PSVersion.Major -ge 6) {
        # The hub is on this machine: no proxy is asked, and what it refuses is read.
        $call['NoProxy'] = $true
        $call['SkipHttpErrorCheck'] = $true
    }
    foreach ($try in 1..30) {
        $answer = Invoke-WebRequest @call
        if ([int]$answer.StatusCode -ne 429) { break }
        Start-Sleep -Seconds 1
    }
    if ([int]$answer.StatusCode -ge 400) {
        $why = $answer.Content
        try { $why = (ConvertFrom-Json -InputObject $why).error } catch { $why = "$why" }
        throw "The hub says no ($([int]$answer.StatusCode)): $why"
    }
    if ($answer.Content) { ConvertFrom-Json -InputObject $answer.Content }
}

function Invoke-LinchpinComputer {
    <#
    .SYNOPSIS
    Has the computer of this session run a script, and gives its last value.
    .DESCRIPTION
    The script is sent once, written down in the session, and found again after a crash. What detects, tests or gets may
    only invoke with -ReadOnly, which promises that the script changes nothing. One runs at a time. A script that does not
    end with 0 throws, unless -PassThru asks for the whole answer: outcome, message, exit, value, output, errors.
    .EXAMPLE
    Invoke-LinchpinComputer -ReadOnly { (Get-Service -Name Spooler).Status -eq 'Running' }
    .EXAMPLE
    Invoke-LinchpinComputer { Set-Content -Path $path -Value 'on' } -Arguments @{ path = 'C:\flag.txt' }
    #>
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        $Script,
        [hashtable]$Arguments,
        [string[]]$Secret,
        [switch]$ReadOnly,
        [ValidateSet('powershell', 'cmd', 'sh')]
        [string]$Language = 'powershell',
        [ValidateSet('system', 'user')]
        [string]$Context = 'system',
        [int]$TimeLimit,
        [switch]$PassThru
    )
    $document = @{
        script     = "$Script"
        language   = $Language
        context    = $Context
        reads_only = [bool]$ReadOnly
    }
    if ($Arguments) { $document['arguments'] = $Arguments }
    if ($Secret) { $document['secrets'] = @($Secret) }
    if ($TimeLimit -gt 0) { $document['time_limit'] = $TimeLimit }
    $answer = Send-LinchpinCall -Method 'Post' -Path 'invoke' -Document $document
    if ($PassThru) { return $answer }
    if ($answer.outcome -ne 'finished') { throw "The computer did not run it: $($answer.message)" }
    if ($answer.exit -ne 0) { throw "It ended with $($answer.exit) on the computer: $($answer.errors)" }
    $answer.value
}

function Get-LinchpinFact {
    <#
    .SYNOPSIS
    Gives what the hub knows of the subject of this session: all of it, or what is under a name.
    .EXAMPLE
    Get-LinchpinFact -Name computer/name
    #>
    param(
        [Parameter(Position = 0)]
        [string]$Name
    )
    $path = 'facts'
    if ($Name) { $path = "facts/$($Name.Trim('/'))" }
    Send-LinchpinCall -Method 'Get' -Path $path
}

function Write-LinchpinReport {
    <#
    .SYNOPSIS
    Tells how it goes (-Line), which whoever watches the session sees at once, or what came of it as data (-Result).
    .EXAMPLE
    Write-LinchpinReport -Line '3 of 10 mailboxes'
    .EXAMPLE
    Write-LinchpinReport -Result @{ mailboxes = 10 }
    #>
    param(
        [Parameter(Position = 0)]
        [string]$Line,
        $Result
    )
    $document = @{}
    if ($Line) { $document['line'] = $Line }
    if ($null -ne $Result) { $document['result'] = $Result }
    $null = Send-LinchpinCall -Method 'Post' -Path 'report' -Document $document
}

function Get-LinchpinToken {
    <#
    .SYNOPSIS
    Gives an access token for a resource of the tenant of this session, where its definition asks for it by `needs`.
    .EXAMPLE
    $token = Get-LinchpinToken -Resource graph
    #>
    param(
        [Parameter(Position = 0)]
        [string]$Resource = 'graph',
        [string]$Client
    )
    $path = "token?resource=$([uri]::EscapeDataString($Resource))"
    if ($Client) { $path = "$path&client=$([uri]::EscapeDataString($Client))" }
    (Send-LinchpinCall -Method 'Get' -Path $path).access_token
}

Export-ModuleMember -Function Invoke-LinchpinComputer, Get-LinchpinFact, Write-LinchpinReport, Get-LinchpinToken
