//! Variables, conditions, loops and calls.

use super::text::{branches, split_word};
use super::{Batch, Cmd, Jump};
use crate::machine::{Over, paths};

/// Turns of one loop.
const TURNS: i64 = 10_000;

impl Cmd<'_> {
    /// The line with `%NAME%` replaced; what is not known is blank in a batch file and stays as it is in a window.
    pub(super) fn expanded(&self, line: &str) -> String {
        let in_file = self.batch.is_some();
        let mut out = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if out.len() > 1 << 16 {
                return out;
            }
            if in_file && let Some(next) = after.strip_prefix('%') {
                out.push('%');
                rest = next;
                continue;
            }
            if in_file && let Some((value, next)) = self.argument(after) {
                out.push_str(&value);
                rest = next;
                continue;
            }
            let Some((name, next)) = after.split_once('%') else {
                out.push('%');
                rest = after;
                continue;
            };
            match self.with_modifier(name) {
                Some(value) => out.push_str(&value),
                None if in_file => {}
                None => {
                    out.push('%');
                    rest = after;
                    continue;
                }
            }
            rest = next;
        }
        out.push_str(rest);
        out
    }

    /// `!NAME!`.
    pub(super) fn delayed_expansion(&self, command: &str) -> String {
        let mut out = String::new();
        let mut rest = command;
        while let Some((before, after)) = rest.split_once('!') {
            out.push_str(before);
            let Some((name, next)) = after.split_once('!') else {
                rest = after;
                continue;
            };
            out.push_str(&self.with_modifier(name).unwrap_or_default());
            rest = next;
        }
        out.push_str(rest);
        out
    }

    /// `%1`, `%~1`, `%~dp0`, `%*`, behind the percent sign.
    fn argument<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let batch = self.batch.as_ref()?;
        if let Some(rest) = text.strip_prefix('*') {
            return Some((Vec::from(batch.args.clone()).join(" "), rest));
        }
        let (flags, rest) = match text.strip_prefix('~') {
            Some(rest) => {
                let end = rest.find(|c: char| c.is_ascii_digit())?;
                let flags = &rest[..end];
                if !flags.chars().all(|c| "dpnxf".contains(c)) {
                    return None;
                }
                (Some(flags), &rest[end..])
            }
            None => (None, text),
        };
        let digit = rest.chars().next()?.to_digit(10)?;
        let whole = match usize::try_from(digit).ok()? {
            0 => batch.path.clone(),
            number => batch.args.get(number - 1).cloned().unwrap_or_default(),
        };
        let value = match flags {
            None => whole,
            Some(flags) => parts_of(whole.trim_matches('"'), flags),
        };
        Some((value, &rest[1..]))
    }

    /// `NAME`, `NAME:~from,length`, `NAME:this=that`.
    fn with_modifier(&self, name: &str) -> Option<String> {
        let Some((name, modifier)) = name.split_once(':').filter(|(name, _)| !name.is_empty())
        else {
            return self.variable(name);
        };
        let value = self.variable(name)?;
        if let Some(range) = modifier.strip_prefix('~') {
            let mut numbers = range.split(',').map(|part| part.trim().parse::<i64>().ok());
            let size = i64::try_from(value.chars().count()).ok()?;
            let from = numbers.next().flatten()?;
            let from = if from < 0 { (size + from).max(0) } else { from.min(size) };
            let length = numbers.next().flatten().unwrap_or(size);
            let to = if length < 0 { size + length } else { (from + length).min(size) };
            let from = usize::try_from(from).ok()?;
            let count = usize::try_from(to).ok()?.saturating_sub(from);
            return Some(value.chars().skip(from).take(count).collect());
        }
        let (this, that) = modifier.split_once('=')?;
        if this.is_empty() { Some(value) } else { Some(value.replace(this, that)) }
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match name.to_lowercase().as_str() {
            "errorlevel" => Some(self.level.to_string()),
            "cd" => Some(r"C:\Windows\System32".to_owned()),
            "date" => Some(self.sim.now().format("%a %m/%d/%Y").to_string()),
            "time" => Some(self.sim.now().format("%H:%M:%S.%2f").to_string()),
            "random" => Some((self.sim.elapsed() * 7_919 % 32_768).to_string()),
            lower => self.sim.environment(lower),
        }
    }

    /// `set NAME=value`, `set "NAME=value"`, `set /a NAME=1+2`.
    pub(super) fn assigned(&mut self, rest: &str) -> Result<(), Over> {
        let lower = rest.to_lowercase();
        let number = lower.starts_with("/a");
        let text = if number { rest[2..].trim() } else { rest.trim_start() };
        let text = match text.strip_prefix('"') {
            Some(inside) => inside.rsplit_once('"').map_or(inside, |(inside, _)| inside),
            None => text,
        };
        let Some((name, value)) = text.split_once('=') else { return Ok(()) };
        if value.len() >= 1 << 13 {
            return Ok(());
        }
        let (name, value) = if number {
            let name = name.trim_end_matches(['+', '-', '*', '/']);
            let by = text[name.len()..].chars().next().filter(|c| *c != '=');
            let before = by.map(|by| {
                format!("{}{by}", self.variable(name.trim()).unwrap_or_else(|| "0".to_owned()))
            });
            let sum = format!("{}{value}", before.unwrap_or_default());
            (name, self.sum(&sum).to_string())
        } else {
            (name, value.to_owned())
        };
        self.sim.env.insert(name.trim().to_lowercase(), value);
        Ok(())
    }

    /// Whole numbers and names, one after the other.
    fn sum(&self, text: &str) -> i64 {
        let (mut total, mut operator, mut word) = (0_i64, '+', String::new());
        for letter in text.chars().chain(['+']) {
            if letter.is_alphanumeric()
                || letter == '_'
                || (letter == '-' && word.is_empty() && total == 0 && operator == '+')
            {
                word.push(letter);
                continue;
            }
            if letter.is_whitespace() || !"+-*/%".contains(letter) {
                continue;
            }
            let number = word.parse().ok().or_else(|| self.variable(&word)?.trim().parse().ok());
            let number: i64 = number.unwrap_or(0);
            total = match operator {
                '-' => total.saturating_sub(number),
                '*' => total.saturating_mul(number),
                '/' => total.checked_div(number).unwrap_or(0),
                '%' => total.checked_rem(number).unwrap_or(0),
                _ => total.saturating_add(number),
            };
            word.clear();
            operator = letter;
        }
        total
    }

    /// `if [/i] [not] exist path | defined name | errorlevel n | a==b | a EQU b  command [else command]`.
    pub(super) fn conditional(&mut self, rest: &str, depth: usize) -> Result<(), Over> {
        let (mut rest, mut wanted, mut case) = (rest, true, true);
        loop {
            let (word, after) = split_word(rest);
            match word.to_lowercase().as_str() {
                "/i" => case = false,
                "not" => wanted = !wanted,
                _ => break,
            }
            rest = after;
        }
        let (word, after) = split_word(rest);
        let (holds, then) = match word.to_lowercase().as_str() {
            "exist" => {
                let (path, then) = split_word(after);
                (self.exists(path.trim_matches('"')), then)
            }
            "defined" => {
                let (name, then) = split_word(after);
                (self.variable(name).is_some(), then)
            }
            "errorlevel" => {
                let (number, then) = split_word(after);
                (self.level >= number.parse().unwrap_or(0), then)
            }
            _ => match self.compared(rest, case) {
                Some(judged) => judged,
                None => return self.fails("The syntax of the command is incorrect.", 255),
            },
        };
        let (yes, no) = branches(then);
        let chosen = if holds == wanted { yes } else { no };
        if chosen.is_empty() { Ok(()) } else { self.line(&chosen, depth + 1) }
    }

    fn exists(&self, path: &str) -> bool {
        let leaf = paths::leaf(path);
        if leaf.contains(['*', '?']) {
            let children = self.sim.state.children(paths::parent(path));
            return children.iter().any(|child| paths::matches(leaf, paths::leaf(child)));
        }
        self.sim.file(path).is_some()
    }

    fn compared<'t>(&self, rest: &'t str, case: bool) -> Option<(bool, &'t str)> {
        let (left, after) = split_word(rest);
        let (word, behind) = split_word(after);
        let operator = word.to_lowercase();
        if ["equ", "neq", "lss", "leq", "gtr", "geq"].contains(&operator.as_str()) {
            let (right, then) = split_word(behind);
            let numbers = left.parse::<i64>().ok().zip(right.parse::<i64>().ok());
            let order = match numbers {
                Some((one, other)) => one.cmp(&other),
                None if case => left.cmp(right),
                None => left.to_lowercase().cmp(&right.to_lowercase()),
            };
            let holds = match operator.as_str() {
                "equ" => order.is_eq(),
                "neq" => order.is_ne(),
                "lss" => order.is_lt(),
                "leq" => order.is_le(),
                "gtr" => order.is_gt(),
                _ => order.is_ge(),
            };
            return Some((holds, then));
        }
        let (left, after) = rest.split_once("==")?;
        let (right, then) = split_word(after.trim_start());
        let (left, right) = (left.trim().trim_matches('"'), right.trim_matches('"'));
        Some((left == right || (!case && left.eq_ignore_ascii_case(right)), then))
    }

    /// `for %x in (a b) do`, `for /l %x in (1,1,5) do`, `for /f "tokens=2 delims=," %x in ('command') do`.
    pub(super) fn repeated(&mut self, rest: &str, depth: usize) -> Result<(), Over> {
        let wrong = "The syntax of the command is incorrect.";
        let (word, after) = split_word(rest);
        let mode = word.to_lowercase();
        let rest = if mode.starts_with('/') { after } else { rest };
        let (options, rest) = match rest.trim_start().strip_prefix('"').filter(|_| mode == "/f") {
            Some(inside) => inside.split_once('"').unwrap_or((inside, "")),
            None => ("", rest),
        };
        let (name, after) = split_word(rest);
        let lower = after.to_lowercase();
        let (Some(open), Some(close)) = (after.find('('), lower.find(") do")) else {
            return self.fails(wrong, 255);
        };
        let Some(letter) = name.trim_start_matches('%').chars().next().filter(|_| open < close)
        else {
            return self.fails(wrong, 255);
        };
        let set = after[open + 1..close].to_owned();
        let body = after[close + ") do".len()..].trim().to_owned();
        for (turn, values) in self.turns(&mode, options, &set)?.into_iter().enumerate() {
            self.sim.step()?;
            if self.jump.is_some() || i64::try_from(turn).unwrap_or(TURNS) >= TURNS {
                break;
            }
            let mut line = body.clone();
            for (value, name) in values.iter().zip((letter..).take(26)) {
                line = line.replace(&format!("%~{name}"), value.trim_matches('"'));
                line = line.replace(&format!("%{name}"), value);
            }
            self.line(&line, depth + 1)?;
        }
        Ok(())
    }

    /// What a loop's letters stand for in each turn.
    fn turns(&mut self, mode: &str, options: &str, set: &str) -> Result<Vec<Vec<String>>, Over> {
        if mode == "/l" {
            let numbers: Vec<i64> =
                set.split([',', ' ']).filter_map(|n| n.trim().parse().ok()).collect();
            let [from, by, to] = numbers.as_slice() else { return Ok(Vec::new()) };
            let mut turns = Vec::new();
            let mut at = *from;
            while (*by > 0 && at <= *to || *by < 0 && at >= *to) && (turns.len() as i64) < TURNS {
                turns.push(vec![at.to_string()]);
                at = at.saturating_add(*by);
            }
            return Ok(turns);
        }
        if mode != "/f" {
            let words = crate::powershell::words(&set.replace(',', " "));
            return Ok(words.into_iter().map(|word| vec![word]).collect());
        }
        let lines = match set.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            Some(command) => {
                let command = command.replace("^|", "|").replace("^>", ">").replace("^&", "&");
                let ended = super::run(self.sim, &command, false);
                ended.said.iter().filter(|said| !said.error).map(|said| said.text.clone()).collect()
            }
            None => match set.trim().strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(text) => vec![text.to_owned()],
                None => {
                    let content = self.sim.file(set.trim());
                    let text = content.map(|content| crate::powershell::text_of(&content));
                    text.unwrap_or_default().lines().map(str::to_owned).collect()
                }
            },
        };
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        Ok(lines.iter().map(|line| tokens(line, options)).collect())
    }

    /// `call :label args`, `call file args`, `call command`.
    pub(super) fn called(&mut self, rest: &str, depth: usize) -> Result<(), Over> {
        let (word, args) = split_word(rest);
        let Some(label) = word.strip_prefix(':') else {
            // It is looked through for variables once more.
            let again = self.expanded(rest);
            return self.command(&again, depth + 1);
        };
        let Some(from) = self.label(label) else {
            let text = format!("The system cannot find the batch label specified - {label}");
            return self.fails(&text, 1);
        };
        if depth >= super::DEEPEST {
            return Err(self.sim.hang());
        }
        let before = self.batch.clone();
        if let Some(batch) = &mut self.batch {
            let args = crate::powershell::words(args).into();
            *batch = Batch { args, ..batch.clone() };
        }
        let done = self.goes_on(from, 0);
        self.batch = before;
        if self.jump == Some(Jump::Batch) {
            self.jump = None;
        }
        done
    }
}

/// Parts of a path: drive, folder, name, ending.
fn parts_of(path: &str, flags: &str) -> String {
    if flags.is_empty() || flags.contains('f') {
        return path.to_owned();
    }
    let (folder, leaf) = (paths::parent(path), paths::leaf(path));
    let (drive, folder) =
        folder.split_once(':').map_or(("", folder), |(drive, rest)| (drive, rest));
    let (stem, end) = leaf.rsplit_once('.').unwrap_or((leaf, ""));
    let mut out = String::new();
    if flags.contains('d') && !drive.is_empty() {
        out.push_str(drive);
        out.push(':');
    }
    if flags.contains('p') {
        out.push_str(folder);
        out.push('\\');
    }
    if flags.contains('n') {
        out.push_str(stem);
    }
    if flags.contains('x') && !end.is_empty() {
        out.push('.');
        out.push_str(end);
    }
    out
}

/// The tokens of a line that a loop asks for: the first one where it does not say.
fn tokens(line: &str, options: &str) -> Vec<String> {
    let lower = options.to_lowercase();
    let delimiters: Vec<char> = match lower.find("delims=") {
        Some(at) => options[at + "delims=".len()..]
            .split(" tokens=")
            .next()
            .unwrap_or_default()
            .chars()
            .collect(),
        None => vec![' ', '\t'],
    };
    let wanted = lower.find("tokens=").map(|at| {
        options[at + "tokens=".len()..].split_whitespace().next().unwrap_or_default().to_owned()
    });
    let parts: Vec<&str> = if delimiters.is_empty() {
        vec![line]
    } else {
        line.split(delimiters.as_slice()).filter(|part| !part.is_empty()).collect()
    };
    let mut values = Vec::new();
    for one in wanted.as_deref().unwrap_or("1").split(',') {
        if one == "*" {
            values.push(line.trim_start_matches(delimiters.as_slice()).to_owned());
            continue;
        }
        let (from, to) = one.split_once('-').unwrap_or((one, one));
        let rest = from.strip_suffix('*');
        let from: usize = rest.unwrap_or(from).parse().unwrap_or(1);
        let to: usize = to.trim_end_matches('*').parse().unwrap_or(from);
        for number in from..=to.min(from + 26) {
            values.push(parts.get(number.wrapping_sub(1)).copied().unwrap_or_default().to_owned());
        }
        if rest.is_some() {
            values.push(parts.get(to..).unwrap_or_default().join(" "));
        }
    }
    values
}
