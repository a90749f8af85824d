//! Paths of files, and of keys of the registry: one spelling of each.

/// Folders that every Windows has, as [`key`] writes them.
pub(crate) const FOLDERS: &[&str] = &[
    "c:",
    r"c:\windows",
    r"c:\windows\temp",
    r"c:\windows\system32",
    r"c:\program files",
    r"c:\program files (x86)",
    r"c:\programdata",
    r"c:\users",
    r"c:\users\public",
];
/// The same, as Windows spells them.
pub(crate) const FOLDERS_AS_SPELT: &[&str] = &[
    r"C:\Windows",
    r"C:\Windows\Temp",
    r"C:\Windows\System32",
    r"C:\Program Files",
    r"C:\Program Files (x86)",
    r"C:\ProgramData",
    r"C:\Users",
    r"C:\Users\Public",
];
/// Programs that every Windows has.
pub(crate) const PROGRAMS: &[&str] = &[
    r"c:\windows\system32\msiexec.exe",
    r"c:\windows\system32\cmd.exe",
    r"c:\windows\system32\shutdown.exe",
    r"c:\windows\system32\taskkill.exe",
    r"c:\windows\system32\whoami.exe",
    r"c:\windows\system32\hostname.exe",
    r"c:\windows\system32\reg.exe",
    r"c:\windows\explorer.exe",
    r"c:\windows\system32\windowspowershell\v1.0\powershell.exe",
];

/// A path without regard to case, kind of slash and slashes at its end.
pub(crate) fn key(path: &str) -> String {
    let path = path.trim().trim_matches('"').replace('/', "\\").to_lowercase();
    let path = path.strip_prefix("filesystem::").unwrap_or(&path);
    path.trim_end_matches('\\').to_owned()
}

/// The path of a key of the registry from its hive on, if it is one: `HKLM:\SOFTWARE\...`,
/// `Registry::HKEY_LOCAL_MACHINE\SOFTWARE\...`.
pub(crate) fn registry(path: &str) -> Option<String> {
    const HIVES: &[(&str, &str)] = &[
        ("hklm:", "HKLM"),
        ("hkcu:", "HKCU"),
        ("hku:", "HKU"),
        ("hkey_local_machine", "HKLM"),
        ("hkey_current_user", "HKCU"),
        ("hkey_users", "HKU"),
        ("hklm", "HKLM"),
        ("hkcu", "HKCU"),
    ];
    let path = path.trim().replace('/', "\\");
    let lower = path.to_ascii_lowercase();
    let at = lower.find("registry::").map_or(0, |at| at + "registry::".len());
    let (lower, path) = (lower.get(at..)?, path.get(at..)?);
    for (start, hive) in HIVES {
        if let Some(rest) = lower.strip_prefix(start) {
            if !rest.is_empty() && !rest.starts_with('\\') {
                continue;
            }
            let rest = path.get(start.len()..)?.trim_matches('\\');
            return Some(if rest.is_empty() {
                (*hive).to_owned()
            } else {
                format!("{hive}\\{rest}")
            });
        }
    }
    None
}

/// The last part of a path.
pub(crate) fn leaf(path: &str) -> &str {
    path.trim_end_matches(['\\', '/']).rsplit(['\\', '/']).next().unwrap_or(path)
}

/// Everything before the last part.
pub(crate) fn parent(path: &str) -> &str {
    let path = path.trim_end_matches(['\\', '/']);
    path.rfind(['\\', '/']).map_or("", |at| &path[..at])
}

/// Whether a text matches a pattern of `*`, `?` and `[abc]`, without regard to case.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class(&pattern[p..], text[t]),
            Some('`') if pattern.get(p + 1) == Some(&text[t]) => Some(2),
            Some(letter) if *letter == text[t] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// The length of a class that the letter is in.
fn class(pattern: &[char], letter: char) -> Option<usize> {
    let end = pattern.iter().position(|c| *c == ']')?;
    let inside = &pattern[1..end];
    let ranged = inside.windows(3).any(|w| w[1] == '-' && w[0] <= letter && letter <= w[2]);
    (ranged || inside.contains(&letter)).then_some(end + 1)
}
