//! Which incidents can happen to a file, by what the manifest says of it.

use bstr::BStr;

use super::scenario::Kind;
use crate::manifest::{self, Deny, Format, Manifest};
use crate::model::Level;

/// Returns the kinds that a path may be of. What only its bytes can tell, whoever asks has to look at.
pub fn kinds_of(manifest: &Manifest, path: &BStr, is_tracked: bool) -> Vec<Kind> {
    let denies =
        |deny: Deny| manifest.protecting(path).any(|entry| entry.deny.contains(&deny) && entry.level == Level::Block);
    let data = manifest.data_rule(path);
    let is = |wanted: Format| data.is_some_and(|(_, format)| format == wanted);
    let is_saved = data.is_some_and(|(rule, _)| rule.backup);
    let may_lose_some = data.is_some_and(|(rule, _)| rule.max_loss.is_some());
    let is_manifest = path == manifest::FILE;
    let kinds = [
        (Kind::Json, is_tracked && is(Format::Json)),
        (Kind::Records, is_tracked && is(Format::Json) && may_lose_some),
        (Kind::Database, is(Format::Sqlite) && (is_tracked || is_saved)),
        (Kind::TrackedDatabase, is_tracked && is(Format::Sqlite)),
        (Kind::Ignored, !is_tracked && is_saved && !is(Format::Sqlite)),
        (Kind::Script, is_tracked && denies(Deny::Delete) && !is_manifest),
        (Kind::Config, is_tracked && denies(Deny::Modify) && !is_manifest),
        (
            Kind::Text,
            is_tracked && data.is_none() && !path.starts_with(b".") && manifest.protecting(path).next().is_none(),
        ),
    ];
    kinds.into_iter().filter(|(_, fits)| *fits).map(|(kind, _)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_the_manifest() {
        let text = "version = 1\n[[protect]]\npaths = [\"*.sh\"]\n[[protect]]\npaths = [\"conf\"]\ndeny = [\"modify\"]\n\
                    [[data]]\npaths = [\"*.json\"]\nrecords = \"\"\nkey = \"id\"\nmax_loss = \"5%\"\nbackup = true\n[[data]]\npaths = [\"*.db\"]\n";
        let manifest = manifest::parse(text.as_bytes()).unwrap();
        let kinds = |path: &str, is_tracked| kinds_of(&manifest, path.into(), is_tracked);
        assert_eq!(kinds("a.json", true), [Kind::Json, Kind::Records]);
        assert_eq!(kinds("a.json", false), [Kind::Ignored]);
        assert_eq!(kinds("a.db", true), [Kind::Database, Kind::TrackedDatabase]);
        assert_eq!(kinds("a.db", false), []);
        assert_eq!((kinds("x.sh", true), kinds("conf", true)), (vec![Kind::Script], vec![Kind::Config]));
        assert_eq!((kinds("src/a.rs", true), kinds(".git-blame", true)), (vec![Kind::Text], vec![]));
    }
}
