//! How likely a deviation is damage: a few points, added up. One ranking for all rules about lost work.
//!
//! Most merges that deviate from what git makes were meant so: a person settled a conflict. What tells damage from that is,
//! in this order: how unusual it is in this repository, whether lines are gone that only one side had, and what kind of file
//! it is. The weights were fitted on merges with a known repair; `docs/precision.md` has the figures.

use std::sync::LazyLock;

use crate::manifest::Patterns;
use crate::model::{Loss, Losses, TreePath, Usual};

/// From so many points on a finding warns: about one in fifty ordinary merges.
pub(super) const WARN: i32 = 2;
/// From so many points on it is listed: about one in twenty.
pub(super) const LISTED: i32 = -3;

/// A line that only one side added is gone, and no line like it stands there.
const LOST: i32 = 4;
/// A line that both sides have is gone.
const COMMON: i32 = 1;
/// So many of them are.
const COMMON_LINES: usize = 3;
const COMMON_BLOCK: i32 = 3;
/// So many lines stand there more often than on either side.
const DOUBLED: i32 = 3;
/// It deviates by so many lines.
const SIZE: usize = 3;
const SIZABLE: i32 = 1;
/// Something that one side had removed is back.
const BACK: i32 = 1;
/// In this repository more than a quarter of the merges deviate.
const ROUTINE: i32 = -4;
/// Three quarters of this repository's deviating merges deviate by more lines.
const SMALL: i32 = -4;
/// Change logs, lock files, translations, generated files.
const GENERATED: i32 = -4;
/// The file itself is gone, which has its own rules.
const GONE: i32 = -2;
/// Nothing else deviates.
const ONLY: i32 = -1;

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
    let unreplaced = signals.lost.iter().flatten().any(|line| !line.replaced);
    let usual = losses.usual.unwrap_or_default();
    [
        (unreplaced, LOST),
        (!signals.common.is_empty(), COMMON),
        (signals.common.len() >= COMMON_LINES, COMMON_BLOCK),
        (signals.size >= SIZE, SIZABLE),
        (signals.doubled.len() >= BLOCK, DOUBLED),
        (signals.back.iter().any(|lines| !lines.is_empty()), BACK),
        (is_routine(usual), ROUTINE),
        (losses.size() < usual.large, SMALL),
        (is_generated(&deviation.path), GENERATED),
        (deviation.result.is_none(), GONE),
        (losses.at.len() == 1, ONLY),
    ]
    .into_iter()
    .filter_map(|(holds, points)| holds.then_some(points))
    .sum()
}

/// Returns whether tools write a file, or everybody adds to the same place of it.
pub(super) fn is_generated(path: &TreePath) -> bool {
    GENERATED_FILES.as_ref().is_some_and(|files| files.matches(path.as_bstr()))
}

const fn is_routine(usual: Usual) -> bool {
    usual.deviating * 4 > usual.merges
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

/// Lines that stand there twice make a block from here on.
const BLOCK: usize = 3;

/// Says what a deviation is about: the strongest of its signals.
pub(super) fn about(loss: &Loss) -> About {
    let signals = &loss.signals;
    if signals.lost.iter().flatten().any(|line| !line.replaced) {
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
