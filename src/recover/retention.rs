//! Which backups stay: `[backup] keep`. Pure.
//!
//! Each file, and each database, is looked at by itself, because a backup that is bad for one file may hold the last good version of another:
//!
//! ```text
//! backups ──> for each path or database: those with a good version of it, newest first
//!               last=N      the newest N
//!               within=T    those at most T older than the newest
//!               daily=N     the newest of each of the N newest days that have one; weekly, monthly the same
//!             and always the newest good one
//!         ──> a backup stays when it stays for any of its paths
//! ```
//!
//! A version that nobody could judge, or that is bad, counts for nothing as long as there is a good one; where there is none,
//! all versions of the path count. Times are compared with each other, never with the clock: a clock that is wrong deletes
//! nothing. Where it may be wrong, or was when a backup was made, nothing goes at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Backup, BackupId, Standing, Timestamp, TreePath};

/// More than this between two backups, or between the newest and now, is taken for a clock that was set wrong.
const LONGEST_GAP: u64 = 400 * DAY;

/// A backup may be so much newer than now: clocks of machines differ.
const SKEW: u64 = 60 * 60 * 1000;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// What stays and what goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retained {
    /// Backups, newest first, each with why it stays; `None`: it goes.
    Sorted(Vec<(BackupId, Option<Why>)>),
    /// The clock can't be trusted, so nothing goes.
    Clock(Doubt),
}

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It holds the newest good version of a path.
    LastGood,
    /// A rule of `keep` names it.
    Rule,
}

/// Why the clock can't be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// A backup is from later than now.
    Future(BackupId),
    /// So many days lie between this backup and the next newer one, or now.
    Gap(BackupId, u64),
}

/// Sorts backups, which come newest first. `clock_is_right`: somebody has looked.
pub fn sort(backups: &[Backup], keep: &[(String, u64)], now: Timestamp, clock_is_right: bool) -> Retained {
    if let Some(doubt) = doubt(backups, now).filter(|_| !clock_is_right) {
        return Retained::Clock(doubt);
    }
    let mut stay: BTreeMap<usize, Why> = BTreeMap::new();
    for versions in versions(backups).into_values() {
        let times: Vec<Timestamp> = versions.iter().map(|at| backups[*at].at).collect();
        for (number, why) in of_one_path(&times, keep) {
            let why = stay.get(&versions[number]).map_or(why, |known| why.min(*known));
            stay.insert(versions[number], why);
        }
    }
    Retained::Sorted(
        backups.iter().enumerate().map(|(at, backup)| (backup.id.clone(), stay.get(&at).copied())).collect(),
    )
}

fn doubt(backups: &[Backup], now: Timestamp) -> Option<Doubt> {
    if let Some(newest) = backups.first().filter(|newest| newest.at.0 > now.0.saturating_add(SKEW)) {
        return Some(Doubt::Future(newest.id.clone()));
    }
    let later = std::iter::once(now).chain(backups.iter().map(|backup| backup.at));
    backups.iter().zip(later).find_map(|(backup, later)| {
        let gap = later.0.saturating_sub(backup.at.0);
        (gap > LONGEST_GAP).then(|| Doubt::Gap(backup.id.clone(), gap / DAY))
    })
}

/// What has versions.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kept<'b> {
    File(&'b TreePath),
    /// What stood there before a restore is no version of the good ones, and the only copy of what going back lost.
    Database(&'b str, Standing),
}

/// Returns for each path and each database the backups whose version of it counts, newest first.
fn versions(backups: &[Backup]) -> BTreeMap<Kept<'_>, Vec<usize>> {
    let mut versions: BTreeMap<Kept<'_>, [Vec<usize>; 2]> = BTreeMap::new();
    for (at, backup) in backups.iter().enumerate() {
        let files = backup.files.iter().map(|file| (Kept::File(&file.path), file.standing));
        let databases = backup.databases.iter().map(|one| (Kept::Database(&one.name, one.standing), one.standing));
        for (what, standing) in files.chain(databases) {
            let [good, all] = versions.entry(what).or_default();
            all.push(at);
            good.extend((standing == Standing::Good).then_some(at));
        }
    }
    versions.into_iter().map(|(what, [good, all])| (what, if good.is_empty() { all } else { good })).collect()
}

/// Returns which of a path's versions stay, by number; their times come newest first.
fn of_one_path(times: &[Timestamp], keep: &[(String, u64)]) -> Vec<(usize, Why)> {
    let mut stay: Vec<(usize, Why)> = (!times.is_empty()).then_some((0, Why::LastGood)).into_iter().collect();
    let Some(newest) = times.first() else { return stay };
    for (name, number) in keep {
        let number = *number;
        let most = usize::try_from(number).unwrap_or(usize::MAX);
        let numbers: Vec<usize> = match name.as_str() {
            "last" => (0..times.len().min(most)).collect(),
            "within" => {
                let oldest = newest.0.saturating_sub(number.saturating_mul(1000));
                (0..times.len()).filter(|at| times[*at].0 >= oldest).collect()
            }
            "daily" => newest_of_each(times, most, |at| at.0 / DAY),
            // 1970 began on a Thursday; weeks begin on Mondays.
            "weekly" => newest_of_each(times, most, |at| (at.0 / DAY + 3) / 7),
            "monthly" => newest_of_each(times, most, |at| {
                let (year, month, ..) = at.civil();
                year * 12 + month
            }),
            _ => (0..times.len()).collect(),
        };
        stay.extend(numbers.into_iter().map(|at| (at, Why::Rule)));
    }
    stay
}

fn newest_of_each(times: &[Timestamp], most: usize, period: impl Fn(Timestamp) -> u64) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let newest = (0..times.len()).filter(|at| seen.insert(period(times[*at])));
    newest.take(most).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{BackedUp, Contents, Mode, Oid};

    const NOW: Timestamp = Timestamp(1_795_387_531_000);

    fn backup(days_ago: u64, files: &[(&str, Standing)]) -> Backup {
        let file = |(path, standing): &(&str, Standing)| BackedUp {
            path: (*path).into(),
            mode: Mode::File,
            bits: Some(0o644),
            blob: Oid::null(crate::model::HashKind::Sha1),
            size: 0,
            tracked: true,
            ignored: false,
            secret: false,
            standing: *standing,
            why: None,
            contents: Contents::default(),
        };
        let at = Timestamp(NOW.0 - days_ago * DAY);
        Backup {
            worktree: None,
            branch: None,
            id: BackupId(days_ago.to_string()),
            at,
            files: files.iter().map(file).collect(),
            unsaved: vec![],
            databases: vec![],
            unsaved_databases: vec![],
        }
    }

    fn good(days_ago: &[u64]) -> Vec<Backup> {
        days_ago.iter().map(|days| backup(*days, &[("a", Standing::Good)])).collect()
    }

    fn rules(text: &str) -> Vec<(String, u64)> {
        crate::manifest::parse(format!("version = 1\n[backup]\nkeep = '{text}'").as_bytes()).unwrap().backup.keep
    }

    fn stays(backups: &[Backup], keep: &str) -> Vec<String> {
        match sort(backups, &rules(keep), NOW, false) {
            Retained::Sorted(sorted) => {
                sorted.into_iter().filter(|(_, why)| why.is_some()).map(|(id, _)| id.0).collect()
            }
            Retained::Clock(doubt) => panic!("{doubt:?}"),
        }
    }

    #[test]
    fn each_rule_keeps_what_it_says() {
        let backups = good(&[0, 1, 2, 9, 10, 40, 41, 80]);
        assert_eq!(stays(&backups, "last=2"), ["0", "1"]);
        assert_eq!(stays(&backups, "within=2d"), ["0", "1", "2"]);
        assert_eq!(stays(&backups, "daily=4"), ["0", "1", "2", "9"]);
        // 2026-11-22 is a Sunday, so its week began six days before.
        assert_eq!(stays(&backups, "weekly=3"), ["0", "9", "40"]);
        assert_eq!(stays(&backups, "monthly=2"), ["0", "40"]);
        assert_eq!(stays(&backups, "last=1 monthly=9"), ["0", "40", "80"]);
        let twice = [backup(3, &[("a", Standing::Good)]), backup(3, &[("a", Standing::Good)])];
        assert!(matches!(sort(&twice, &rules("daily=7"), NOW, false), Retained::Sorted(sorted)
            if sorted[0].1 == Some(Why::LastGood) && sorted[1].1.is_none()));
    }

    /// D11: versions that are bad or that nobody could judge neither count nor push a good one out.
    #[test]
    fn only_good_versions_count_and_the_last_of_each_path_never_goes() {
        let (ok, bad, unknown) = (Standing::Good, Standing::Bad, Standing::Unknown);
        let backups = [
            backup(0, &[("a", bad), ("b", ok)]),
            backup(1, &[("a", unknown), ("b", ok)]),
            backup(2, &[("a", ok), ("b", ok)]),
            backup(3, &[("a", ok), ("gone", ok)]),
            backup(4, &[("a", ok), ("never", bad)]),
            backup(5, &[("never", bad)]),
        ];
        assert_eq!(stays(&backups, "last=1"), ["0", "2", "3", "4"]);
        assert_eq!(stays(&backups, "last=2"), ["0", "1", "2", "3", "4", "5"]);
    }

    /// A dump made before a restore neither counts as good nor goes because a good one is newer.
    #[test]
    fn databases_are_kept_like_files_and_what_stood_there_before_a_restore_by_itself() {
        let with = |days_ago: u64, standing: Standing| {
            let name = |name: &str| crate::model::SavedDatabase {
                name: name.to_owned(),
                blob: Oid::null(crate::model::HashKind::Sha1),
                size: 0,
                content: String::new(),
                secret: false,
                standing,
                why: None,
                facts: crate::model::DatabaseFacts::default(),
            };
            Backup { databases: vec![name("orders")], ..backup(days_ago, &[("orders", Standing::Good)]) }
        };
        let (ok, unknown) = (Standing::Good, Standing::Unknown);
        let backups = [0, 1, 2, 3, 4, 5].map(|day| with(day, if day % 3 == 1 { unknown } else { ok }));
        let without_files = backups.map(|backup| Backup { files: vec![], ..backup });
        assert_eq!(stays(&without_files, "last=1"), ["0", "1"]);
        assert_eq!(stays(&without_files, "last=2"), ["0", "1", "2", "4"]);
    }

    /// D11: a clock that is ten years off deletes nothing, neither now nor later.
    #[test]
    fn a_wrong_clock_deletes_nothing() {
        let ten_years = 3650 * DAY;
        let backups = good(&[0, 1, 2, 3]);
        let sort_at = |backups: &[Backup], now: u64| sort(backups, &rules("last=1"), Timestamp(now), false);
        assert_eq!(sort_at(&backups, NOW.0 + ten_years), Retained::Clock(Doubt::Gap(BackupId("0".into()), 3650)));
        assert_eq!(sort_at(&backups, NOW.0 - ten_years), Retained::Clock(Doubt::Future(BackupId("0".into()))));
        assert!(matches!(sort_at(&backups, NOW.0), Retained::Sorted(_)));
        // Backups were made while it was wrong.
        for (off, now) in [(NOW.0 + ten_years, NOW.0), (NOW.0 + ten_years, NOW.0 + ten_years + DAY)] {
            let mut backups = backups.clone();
            backups.insert(0, Backup { at: Timestamp(off), ..backups[0].clone() });
            backups.insert(0, Backup { at: Timestamp(off + DAY), ..backups[0].clone() });
            assert!(matches!(sort_at(&backups, now), Retained::Clock(_)), "{off} {now}");
            assert!(matches!(sort(&backups, &rules("last=1"), Timestamp(now), true), Retained::Sorted(_)));
        }
        let mut backups = backups;
        backups.push(Backup { at: Timestamp(NOW.0 - ten_years), ..backups[0].clone() });
        assert!(matches!(sort_at(&backups, NOW.0), Retained::Clock(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the rules say: the newest good version of each path stays, and later times of now change nothing.
        #[test]
        fn the_last_good_version_of_each_path_stays(
            days in proptest::collection::vec((0_u64..30, proptest::collection::vec(0_u8..4, 3)), 1..12),
            last in 1_u64..4,
        ) {
            let mut ago = 0;
            let mut backups = Vec::new();
            for (step, standings) in days {
                ago += step;
                let of = |(path, kind): (&'static str, &u8)| match kind {
                    0 => Some((path, Standing::Good)),
                    1 => Some((path, Standing::Bad)),
                    2 => Some((path, Standing::Unknown)),
                    _ => None,
                };
                let files: Vec<_> = ["a", "b", "c"].into_iter().zip(&standings).filter_map(of).collect();
                backups.push(backup(ago, &files));
            }
            let keep = [("last".to_owned(), last)];
            let Retained::Sorted(sorted) = sort(&backups, &keep, NOW, false) else { panic!() };
            let later = sort(&backups, &keep, Timestamp(NOW.0 + 300 * DAY), false);
            prop_assert_eq!(&Retained::Sorted(sorted.clone()), &later);
            for path in ["a", "b", "c"] {
                let newest = backups.iter().position(|backup| {
                    backup.file(&path.into()).is_some_and(|file| file.standing == Standing::Good)
                });
                if let Some(at) = newest {
                    prop_assert_eq!(sorted[at].1, Some(Why::LastGood));
                }
            }
        }
    }
}
