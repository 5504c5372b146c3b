//! How likely a deviation is damage: a few points, added up. One ranking for all rules about lost work.
//!
//! Most merges that deviate from what git makes were meant so: a person settled a conflict. What tells damage from that is,
//! in this order: how unusual it is in this repository, whether lines are gone that only one side had, and what kind of file
//! it is. That a line much like the lost one stands there tells little: who takes the wrong side of a conflict leaves just
//! that. The weights were fitted on merges with a known repair; `docs/precision.md` has the figures.

use std::sync::LazyLock;

use crate::manifest::Patterns;
use crate::model::{Loss, Losses, Lost, TreePath, Usual};

/// From so many points on a finding warns: about one in fifty ordinary merges.
pub(super) const WARN: i32 = 3;
/// From so many points on it is listed: about one in twenty.
pub(super) const LISTED: i32 = 0;

/// A line that only one side added is gone.
const LOST: i32 = 4;
/// So many lines make a block.
const BLOCK: usize = 3;
/// A line that both sides have is gone.
const COMMON: i32 = 1;
/// A block of them is.
const COMMON_BLOCK: i32 = 3;
/// A block stands there more often than on either side.
const DOUBLED: i32 = 4;
/// Something that one side had removed is back.
const BACK: i32 = 1;
/// A block that neither side has was written while merging.
const OWN: i32 = 1;
/// In this repository more than a quarter of the merges deviate.
const ROUTINE: i32 = -4;
/// Three quarters of this repository's deviating merges deviate by more lines.
const SMALL: i32 = -4;
/// At this path they deviate time and again.
const OFTEN: i32 = -3;
/// Change logs, lock files, translations, generated files.
const GENERATED: i32 = -4;
/// The file itself is gone, which has its own rules.
const GONE: i32 = -2;
/// Each lost line has one like it, and nothing else deviates or the file is the first parent's: of two versions of the same
/// lines one was chosen. Or nothing is known yet of how conflicts are settled here.
const CHOSEN: i32 = -2;
/// Nothing else deviates.
const ONLY: i32 = -1;
/// So many paths deviate.
const PATHS: usize = 3;
const SEVERAL: i32 = 1;

/// Files in which lost lines matter less, because tools write them or everybody adds to the same place.
const TOOLS: &[&str] = &[
    "changelog*",
    "CHANGELOG*",
    "ChangeLog*",
    "changes*",
    "CHANGES*",
    "Changes*",
    "HISTORY*",
    "history*",
    "NEWS*",
    "RelNotes*",
    "release-notes*",
    "UPGRADE*",
    "*.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "go.sum",
    "*.po",
    "*.pot",
    "*.mo",
    "*.xlf",
    "*.xliff",
    "locale/",
    "locales/",
    "lang/",
    "language/",
    "languages/",
    "translation/",
    "translations/",
    "i18n/",
    "l10n/",
    "*.min.js",
    "*.min.css",
    "dist/",
    "build/",
    "generated/",
    "vendor/",
    "node_modules/",
];

static GENERATED_FILES: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::new(TOOLS).ok());

/// Returns the points of one deviation.
pub(super) fn points(loss: &Loss, losses: &Losses) -> i32 {
    let Loss { deviation, signals } = loss;
    let nothing_known = Usual::default();
    let usual = losses.usual.as_ref().unwrap_or(&nothing_known);
    let paths = losses.at.iter().filter(|loss| !loss.deviation.is_as_git_left_it()).take(PATHS).count();
    let is_gone = deviation.result.is_none();
    let is_first = deviation.side_taken() == Some(0) && !is_gone;
    // Where nothing is known of how conflicts are settled here, a line that stands there in another form is no sign.
    let is_young = usual.merges == 0;
    [
        (lost(loss).next().is_some(), LOST),
        (!signals.common.is_empty(), COMMON),
        (signals.common.len() >= BLOCK, COMMON_BLOCK),
        (signals.doubled.len() >= BLOCK, DOUBLED),
        (signals.back.iter().any(|lines| !lines.is_empty()), BACK),
        (signals.own >= BLOCK, OWN),
        (usual.deviating * 4 > usual.merges, ROUTINE),
        (losses.size() < usual.large, SMALL),
        (usual.often.contains(&deviation.path), OFTEN),
        (is_generated(&deviation.path), GENERATED),
        (is_gone, GONE),
        (are_replaced(loss) && (paths == 1 || is_first || is_young), CHOSEN),
        (paths == 1, ONLY),
        (paths >= PATHS, SEVERAL),
    ]
    .into_iter()
    .filter_map(|(holds, points)| holds.then_some(points))
    .sum()
}

/// Returns the lines that only one side added and that are gone.
fn lost(loss: &Loss) -> impl Iterator<Item = &Lost> {
    loss.signals.lost.iter().flatten()
}

/// Returns whether lines are gone, and each has a line much like it.
fn are_replaced(loss: &Loss) -> bool {
    lost(loss).next().is_some() && lost(loss).all(|line| line.replaced)
}

/// Returns whether tools write a file, or everybody adds to the same place of it.
pub(super) fn is_generated(path: &TreePath) -> bool {
    GENERATED_FILES.as_ref().is_some_and(|files| files.matches(path.as_bstr()))
}

/// Which rule speaks of a deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Work of one side.
    Change,
    /// Lines of both sides.
    Common,
    /// Lines that stand there too often.
    Doubled,
    /// Something that was removed.
    Resurrected,
}

/// Says what a deviation is about: the strongest of its signals.
pub(super) fn about(loss: &Loss) -> About {
    let signals = &loss.signals;
    if lost(loss).any(|line| !line.replaced) {
        About::Change
    } else if !signals.common.is_empty() {
        About::Common
    } else if signals.doubled.len() >= BLOCK {
        About::Doubled
    } else if signals.back.iter().any(|lines| !lines.is_empty()) {
        About::Resurrected
    } else {
        About::Change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::Sample;

    /// Returns the points at the first of so many paths that deviate alike.
    fn points_of(paths: usize, usual: Usual, change: impl Fn(&mut Loss)) -> i32 {
        let mut losses = (0..paths).fold(Sample::merge(), |sample, _| sample.loss("src/a", |_| ())).facts.losses;
        losses.at.iter_mut().for_each(change);
        losses.usual = Some(usual);
        points(&losses.at[0], &losses)
    }

    fn known() -> Usual {
        Usual { merges: 300, deviating: 9, large: 0, often: Vec::new() }
    }

    fn in_two(change: impl Fn(&mut Loss)) -> i32 {
        points_of(2, known(), change)
    }

    fn lose(loss: &mut Loss, replaced: bool) {
        loss.signals.lost[1] = Sample::lines(&["their work"], replaced);
    }

    #[test]
    fn each_signal_has_its_points() {
        let line = || Sample::lines(&["line"], false).remove(0);
        assert_eq!(in_two(|_| ()), 0);
        assert_eq!(in_two(|loss| lose(loss, false)), LOST);
        assert_eq!(in_two(|loss| loss.signals.common = vec![line(); 2]), COMMON);
        assert_eq!(in_two(|loss| loss.signals.common = vec![line(); 3]), COMMON + COMMON_BLOCK);
        assert_eq!(in_two(|loss| loss.signals.doubled = vec![line(); 2]), 0);
        assert_eq!(in_two(|loss| loss.signals.doubled = vec![line(); 3]), DOUBLED);
        assert_eq!(in_two(|loss| loss.signals.back[1] = vec![line()]), BACK);
        assert_eq!(in_two(|loss| loss.signals.own = 2), 0);
        assert_eq!(in_two(|loss| loss.signals.own = 3), OWN);
        assert_eq!(in_two(|loss| loss.deviation.result = None), GONE);
        assert_eq!(in_two(|loss| loss.deviation.path = "lib/yarn.lock".into()), GENERATED);
    }

    #[test]
    fn what_is_usual_here_takes_points() {
        let usual = |merges, deviating, large| Usual { merges, deviating, large, often: Vec::new() };
        let of = |usual| points_of(2, usual, |_| ());
        assert_eq!((of(usual(300, 75, 0)), of(usual(300, 76, 0))), (0, ROUTINE));
        // Both paths deviate by 10 lines.
        assert_eq!((of(usual(300, 9, 20)), of(usual(300, 9, 21))), (0, SMALL));
        let often = |path: &str| Usual { often: vec![path.into()], ..usual(300, 9, 0) };
        assert_eq!((of(often("src/a")), of(often("src"))), (OFTEN, 0));
    }

    #[test]
    fn more_paths_tell_more_and_those_that_git_leaves_so_tell_nothing() {
        let of = |paths| points_of(paths, Usual::default(), |_| ());
        assert_eq!([1, 2, 3, 4].map(of), [ONLY, 0, SEVERAL, SEVERAL]);
        let mut losses = Sample::merge().loss("a", |_| ()).loss("b", |_| ()).facts.losses;
        losses.at[1].deviation.automatic = crate::model::Automatic::Clash(losses.at[1].deviation.result);
        assert_eq!(points(&losses.at[0], &losses), ONLY);
    }

    #[test]
    fn one_of_two_versions_was_chosen_where_each_line_has_one_like_it() {
        let firsts = |loss: &mut Loss| loss.deviation.result = loss.deviation.parents[0];
        let of = |paths, replaced| points_of(paths, known(), |loss| lose(loss, replaced));
        assert_eq!((of(1, true), of(1, false), of(2, true)), (LOST + ONLY + CHOSEN, LOST + ONLY, LOST));
        let young = points_of(2, Usual::default(), |loss| lose(loss, true));
        assert_eq!(young, LOST + CHOSEN);
        let kept = |replaced| {
            in_two(|loss| {
                lose(loss, replaced);
                firsts(loss);
            })
        };
        assert_eq!((kept(true), kept(false)), (LOST + CHOSEN, LOST));
        let theirs = in_two(|loss| {
            lose(loss, true);
            loss.deviation.result = loss.deviation.parents[1];
        });
        assert_eq!(theirs, LOST);
        assert_eq!(in_two(firsts), 0);
    }
}
