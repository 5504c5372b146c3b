//! Strings with a meaning of their own: sizes, durations, percentages, retention, pointers, addresses.

use super::node::Node;
use super::problem::{Problem, shown};
use crate::manifest::MaxLoss;
use crate::manifest::words::nearest;

const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
const SECONDS: &[(&str, u64)] = &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
const KEEP: &[&str] = &["last", "within", "daily", "weekly", "monthly"];

/// Splits `50 MiB` into its number and the rest; `None` when it does not begin with a digit or is out of range.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Reads bytes: `"50 MiB"`, `"1GiB"`, `"4096"` or `4096`.
pub(super) fn size(node: Node<'_>) -> Result<u64, Problem> {
    if node.is_number() {
        return node.number();
    }
    if !node.is_string() {
        return Err(node.expected("a size"));
    }
    let written = node.string()?;
    let bad = || {
        let hint = "write '50 MiB': a whole number and B, KiB, MiB, GiB or TiB";
        Problem::new(node.at, format!("'{}' is no size", shown(written))).hint(hint)
    };
    let (number, unit) = number_and_unit(written).ok_or_else(bad)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let factor = match (unit, SIZES.iter().find(|(name, _)| *name == unit)) {
        ("", _) if !written.ends_with(' ') => 1,
        (_, Some((_, factor))) => *factor,
        _ => return Err(bad()),
    };
    // The largest file offset: nothing on disk is larger.
    number.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(bad)
}

/// Reads a duration as seconds: `"30m"`, `"14d"`.
pub(super) fn duration(node: Node<'_>) -> Result<u64, Problem> {
    let written = node.string()?;
    seconds(written).ok_or_else(|| {
        let hint = "write '30m': a whole number above 0 and s, m, h, d or w";
        Problem::new(node.at, format!("'{}' is no duration", shown(written))).hint(hint)
    })
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let factor = SECONDS.iter().find(|(name, _)| *name == unit)?.1;
    number.checked_mul(factor).filter(|seconds| (1..=u64::from(u32::MAX) * 60).contains(seconds))
}

/// Reads how many records may go: `"10%"`, `"0.5%"` or `3`.
pub(super) fn max_loss(node: Node<'_>) -> Result<MaxLoss, Problem> {
    if node.is_number() {
        return node.number().map(MaxLoss::Records);
    }
    if !node.is_string() {
        return Err(node.expected("a percentage or a number of records"));
    }
    let written = node.string()?;
    let digits = written.strip_suffix('%').unwrap_or_default();
    let plain =
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let percent = if plain { digits.parse::<f64>().ok() } else { None };
    percent.filter(|percent| (0.0..=100.0).contains(percent)).map(MaxLoss::Percent).ok_or_else(|| {
        let hint = "write '10%', from 0% to 100%, or a number of records such as 3";
        Problem::new(node.at, format!("'{}' is no loss", shown(written))).hint(hint)
    })
}

/// Reads retention: `last=10 within=14d daily=7`.
pub(super) fn keep(node: Node<'_>) -> Result<Vec<(String, u64)>, Problem> {
    let written = node.string()?;
    let bad = |what: String| Problem::new(node.at, what);
    let mut kept: Vec<(String, u64)> = Vec::new();
    for word in written.split_ascii_whitespace() {
        let Some((name, value)) = word.split_once('=') else {
            return Err(bad(format!("'{}' has no '='", shown(word))).hint("write 'last=10 within=14d daily=7'"));
        };
        if !KEEP.contains(&name) {
            let problem = bad(format!("unknown retention '{}'", shown(name)));
            return Err(problem.did_you_mean(nearest(name, KEEP.iter().copied())));
        }
        if kept.iter().any(|(known, _)| known == name) {
            return Err(bad(format!("retention '{name}' is given twice")));
        }
        let (number, example) = if name == "within" {
            (seconds(value), "14d")
        } else {
            let whole = number_and_unit(value).filter(|(number, rest)| *number > 0 && rest.is_empty());
            (whole.map(|(number, _)| number).filter(|number| u32::try_from(*number).is_ok()), "10")
        };
        let number = number.ok_or_else(|| {
            bad(format!("'{}' is no value for '{name}'", shown(value))).hint(format!("write '{name}={example}'"))
        })?;
        kept.push((name.to_owned(), number));
    }
    if kept.is_empty() { Err(bad("retention keeps nothing".into()).hint("write 'last=10 daily=7'")) } else { Ok(kept) }
}

/// Reads a JSON pointer (RFC 6901): empty for the whole document, else `/a/b` with `~0` for `~` and `~1` for `/`.
pub(super) fn pointer(node: Node<'_>) -> Result<String, Problem> {
    let written = node.string()?;
    let bad = |why: &str| Problem::new(node.at, format!("JSON pointer '{}' {why}", shown(written)));
    if !written.is_empty() && !written.starts_with('/') {
        return Err(bad("does not begin with '/'").hint(format!("did you mean '/{}'?", shown(written))));
    }
    let escapes = written.split('~').skip(1);
    if escapes.into_iter().any(|rest| !rest.starts_with(['0', '1'])) {
        return Err(bad("has a '~' that is neither '~0' nor '~1'"));
    }
    Ok(written.to_owned())
}

/// Reads a path in the tree: relative, with `/` between its parts.
pub(super) fn tree_path(node: Node<'_>) -> Result<String, Problem> {
    let written = node.text()?;
    if written.split('/').any(|part| matches!(part, "" | "." | "..")) || written.contains('\0') {
        let problem = Problem::new(node.at, format!("'{}' is no path in a tree", shown(&written)));
        return Err(problem.hint("paths start at the top of the repository, without '/', '.' or '..'"));
    }
    Ok(written)
}

/// Reads a revision. One that git could take for an option, a range or several words is refused.
pub(super) fn revision(node: Node<'_>) -> Result<String, Problem> {
    let written = node.text()?;
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if written.starts_with(['-', '^']) || written.contains("..") || written.contains(odd) {
        let problem = Problem::new(node.at, format!("'{}' is no single revision", shown(&written)));
        return Err(problem.hint("write a branch such as 'origin/main'"));
    }
    Ok(written)
}

/// Reads a git remote's address.
///
/// The manifest comes from a repository, so nothing is accepted by which git would run a command of its choice: no
/// remote helpers (`ext::…`), nothing that looks like an option, and no relative path, since a repository can contain
/// another one whose hooks would then run.
pub(super) fn remote_url(node: Node<'_>) -> Result<String, Problem> {
    const SCHEMES: &[&str] = &["ssh", "git+ssh", "https", "http", "file"];
    let written = node.text()?;
    let bad = |why: &str| Problem::new(node.at, format!("address '{}' {why}", shown(&written)));
    if written.starts_with('-') || written.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(bad("is none that git should be given"));
    }
    if let Some((scheme, rest)) = written.split_once("://") {
        return match SCHEMES.contains(&scheme) {
            _ if scheme.contains("::") => Err(bad("would run a program")),
            true if rest.starts_with('-') || rest.is_empty() => Err(bad("has no host")),
            true => Ok(written),
            false => Err(bad("has an unknown scheme").did_you_mean(nearest(scheme, SCHEMES.iter().copied()))),
        };
    }
    if written.contains("::") {
        return Err(bad("would run a program"));
    }
    // scp's form `host:path`: a colon before the first slash.
    let host = written.split('/').next().unwrap_or_default();
    if written.starts_with('/') || (host.contains(':') && !host.starts_with(':')) {
        return Ok(written);
    }
    Err(bad("is relative").hint("write a URL or an absolute path"))
}
