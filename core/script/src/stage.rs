//! Programs that do not fit into one command: parts, each a file of its own, joined and compared before they run.

use core_connector::Secret;
use sha2::{Digest as _, Sha256};

use crate::arguments::encode;
use crate::job::{CommandShell, Delivery, Limits, Nonce};
use crate::quote;
use crate::windows::SDDL;

pub(crate) fn deliver(nonce: Nonce, program: &str, limits: &Limits<'_>) -> Delivery {
    // Programs are ASCII: a byte is a character, of UTF-16 too.
    if program.len() <= limits.command {
        return Delivery { parts: Vec::new(), run: Secret::new(program), sweep: None };
    }
    // Parts are numbered by up to ten digits, which is more than fit into memory.
    let frame = part(nonce, usize::MAX, "", limits).len();
    let bytes = (limits.command.saturating_sub(frame) / 4 * 3).max(3);
    let parts: Vec<Secret> = program
        .as_bytes()
        .chunks(bytes)
        .enumerate()
        .map(|(at, chunk)| Secret::new(part(nonce, at, &encode(chunk), limits)))
        .collect();
    let digest = Sha256::digest(program.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let run = Secret::new(run(nonce, parts.len(), &digest, limits));
    let sweep = Some(Secret::new(sweep(nonce, limits)));
    Delivery { parts, run, sweep }
}

/// Writes one part and says so. A part that is sent twice is written twice, to the same file.
fn part(nonce: Nonce, at: usize, data: &str, limits: &Limits<'_>) -> String {
    match limits.shell {
        CommandShell::PowerShell => format!(
            "$ErrorActionPreference='Stop';{};$s=New-Object Security.AccessControl.DirectorySecurity;\
             $s.SetSecurityDescriptorSddlForm('{SDDL}');[void][IO.Directory]::CreateDirectory($d,$s);\
             [IO.File]::WriteAllBytes((Join-Path $d 'p{at}'),[Convert]::FromBase64String('{data}'));\
             'lp:'+'{nonce}'+':part:{at}:'",
            windows_folder(nonce)
        ),
        CommandShell::Sh => format!(
            "umask 077;d={};{DECODE};mkdir -p \"$d\"&&printf %s '{data}'|u>\"$d/p{at}.t\"&&\
             mv \"$d/p{at}.t\" \"$d/p{at}\"&&printf 'lp:%s:part:{at}:\\n' {nonce}",
            posix_folder(nonce, limits)
        ),
    }
}

/// Joins the parts, compares them, runs what they are, and takes them away whatever comes of it.
fn run(nonce: Nonce, parts: usize, digest: &str, limits: &Limits<'_>) -> String {
    match limits.shell {
        CommandShell::PowerShell => format!(
            "$ErrorActionPreference='Stop';{};$t=$null;try{{$m=New-Object IO.MemoryStream;\
             for($i=0;$i -lt {parts};$i++){{$b=[IO.File]::ReadAllBytes((Join-Path $d \"p$i\"));$m.Write($b,0,$b.Length)}};\
             $h=New-Object Security.Cryptography.SHA256CryptoServiceProvider;\
             if([BitConverter]::ToString($h.ComputeHash($m.ToArray())).Replace('-','') -ne '{digest}'){{throw 'digest'}};\
             $t=[Text.Encoding]::ASCII.GetString($m.ToArray());\
             for($i=0;$i -lt {parts};$i++){{[IO.File]::Delete((Join-Path $d \"p$i\"))}}\
             }}catch{{'lp:'+'{nonce}'+':unstaged:';Remove-Item -LiteralPath $d -Recurse -Force -ErrorAction SilentlyContinue}};\
             if($t){{.([ScriptBlock]::Create($t))}}",
            windows_folder(nonce)
        ),
        CommandShell::Sh => format!(
            "umask 077;d={};i=0;\
             h(){{ if command -v sha256sum>/dev/null 2>&1;then sha256sum;elif command -v shasum>/dev/null 2>&1;\
             then shasum -a 256;else openssl dgst -sha256 -r;fi|cut -c1-64;}};\
             if while [ $i -lt {parts} ];do cat \"$d/p$i\" 2>/dev/null||exit 1;i=$((i+1));done|cat>\"$d/all\" 2>/dev/null&&\
             [ \"$(h<\"$d/all\")\" = {digest} ];then sh \"$d/all\";else printf 'lp:%s:unstaged:\\n' {nonce};fi;rm -rf \"$d\"",
            posix_folder(nonce, limits)
        ),
    }
}

fn sweep(nonce: Nonce, limits: &Limits<'_>) -> String {
    match limits.shell {
        CommandShell::PowerShell => format!(
            "{};Remove-Item -LiteralPath $d -Recurse -Force -ErrorAction SilentlyContinue",
            windows_folder(nonce)
        ),
        CommandShell::Sh => format!("rm -rf {}", posix_folder(nonce, limits)),
    }
}

/// macOS and small systems have no `base64 -d`.
const DECODE: &str = "u(){ base64 -d;};[ \"$(printf eA==|base64 -d 2>/dev/null)\" = x ]||\
                      u(){ openssl base64 -d -A;}";

/// Only administrators write to `%ProgramFiles%`, so nobody else can have made the folder before.
fn windows_folder(nonce: Nonce) -> String {
    format!("$d=Join-Path $env:ProgramFiles 'Linchpin\\runs\\{nonce}'")
}

fn posix_folder(nonce: Nonce, limits: &Limits<'_>) -> String {
    let folder = quote::sh(limits.folder).unwrap_or_default();
    format!("{folder}/{nonce}")
}
