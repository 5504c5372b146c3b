//! What a database lost between versions, in words and numbers.
//!
//! Pure: it compares what was counted. git can't merge databases, so a merge that finds one changed on both sides takes
//! one side's file whole, and the other's rows are gone without a conflict in any row. Three questions, asked of each
//! table:
//!
//! 1. Is there less than all sides together left? What one parent dropped may be gone.
//! 2. Is one side's gain gone: rows, columns, tables that the base lacks and one parent has?
//! 3. Do numbers go back, or is a column that had many values now full of one?
//!
//! # Limitations
//!
//! Rows are counted and not compared: where a side only changed rows, or added as many as another dropped, its loss is
//! not seen. Without a base nothing can be said of sides.

use crate::model::count;
use std::collections::BTreeSet;

use crate::validate::examined::{Contents, Table};

/// What kind of loss it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossKind {
    /// The schema is none that a parent has.
    Schema {
        /// By new tables or columns only, as far as they tell.
        grew: bool,
    },
    /// A table or column is gone.
    Gone,
    /// A table has no row left.
    Emptied,
    /// Rows are gone that no parent dropped.
    Dropped,
    /// What one parent brought is not there.
    Side {
        /// Which: 0 is the first parent.
        parent: usize,
    },
    /// A row number or an `AUTOINCREMENT` number is lower than before.
    WentBack,
    /// Most rows of a column have one value, and before they had many.
    Uniform,
}

/// One loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseLoss {
    /// Its kind.
    pub kind: LossKind,
    /// The table; `None` for the schema as a whole.
    pub table: Option<String>,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// What is lost, with numbers; holds names of the file, so it is escaped before it is shown.
    pub what: String,
    /// So many rows are gone, where that is what is counted.
    pub rows: u64,
    /// Of so many.
    pub of: u64,
}

/// A column in which so many percent have one value is uniform, when before at most so many had.
const UNIFORM: u8 = 90;
const MIXED: u8 = 50;

/// Compares a version with the versions it was made of.
///
/// `parents` are the first parent and the others, with what they are called; an ordinary commit has one. `bases` are the
/// merge bases; none, or one that could not be read, makes less be said. Contents without a schema are of files that were
/// not read whole, and with one among the parents or as the result nothing is said.
pub fn compare_databases(bases: &[&Contents], parents: &[(&str, &Contents)], result: &Contents) -> Vec<DatabaseLoss> {
    let (names, parents): (Vec<&str>, Vec<&Contents>) = parents.iter().copied().unzip();
    if parents.is_empty() || parents.iter().chain([&result]).any(|contents| contents.schema.is_none()) {
        return Vec::new();
    }
    let bases: Vec<_> = bases.iter().copied().filter(|base| base.schema.is_some()).collect();
    let versions = Versions { bases: &bases, names: &names, parents: &parents, result, losses: Vec::new() };
    versions.compare()
}

struct Versions<'a> {
    bases: &'a [&'a Contents],
    names: &'a [&'a str],
    parents: &'a [&'a Contents],
    result: &'a Contents,
    losses: Vec<DatabaseLoss>,
}

/// One table, in all versions; a version without it has `None`.
struct Tables<'a> {
    name: &'a str,
    bases: Vec<Option<&'a Table>>,
    parents: Vec<Option<&'a Table>>,
}

impl<'a> Versions<'a> {
    fn compare(mut self) -> Vec<DatabaseLoss> {
        let all = self.bases.iter().chain(self.parents).flat_map(|contents| contents.tables.keys());
        let names: BTreeSet<&'a str> = all.map(String::as_str).collect();
        for name in names {
            let of = |versions: &[&'a Contents]| versions.iter().map(|contents| contents.tables.get(name)).collect();
            let tables = Tables { name, bases: of(self.bases), parents: of(self.parents) };
            match self.result.tables.get(name) {
                Some(now) => self.table(&tables, now),
                None => self.gone(&tables),
            }
        }
        self.schema();
        self.losses
    }

    /// Adds a loss of a table: so many rows of so many.
    fn add(&mut self, kind: LossKind, table: &str, (rows, of): (u64, u64), what: String) {
        self.losses.push(DatabaseLoss { kind, table: Some(table.to_owned()), column: None, what, rows, of });
    }

    /// Adds a loss of a column.
    fn add_column(&mut self, kind: LossKind, table: &str, column: &str, what: String) {
        let (table, column) = (Some(table.to_owned()), Some(column.to_owned()));
        self.losses.push(DatabaseLoss { kind, table, column, what, rows: 0, of: 0 });
    }

    fn gone(&mut self, tables: &Tables<'_>) {
        let rows = tables.parents.iter().flatten().map(|table| table.rows).max().unwrap_or(0);
        let had = |table: Option<&Table>| table.is_some();
        let what = format!("the table '{}' is gone, with {}", tables.name, count(rows, "row"));
        if let Some((kind, what)) = self.missing(tables, had, what) {
            self.add(kind, tables.name, (rows, rows), what);
        }
    }

    fn table(&mut self, tables: &Tables<'_>, now: &Table) {
        let columns: BTreeSet<_> = tables.parents.iter().flatten().flat_map(|table| &table.columns).collect();
        for column in columns.into_iter().filter(|column| !now.columns.contains(column)) {
            let had = |table: Option<&Table>| table.is_some_and(|table| table.columns.contains(column));
            let what = format!("the column '{column}' of '{}' is gone", tables.name);
            if let Some((kind, what)) = self.missing(tables, had, what) {
                self.add_column(kind, tables.name, column, what);
            }
        }
        if !self.emptied(tables, now) && !self.side(tables, now) {
            let has_fewer = self.dropped(tables, now);
            self.went_back(tables, now, has_fewer);
        }
        self.uniform(tables, now);
    }

    /// Something that is not there: lost when all parents had it, or one brought it; fine when one dropped it.
    fn missing(
        &self,
        tables: &Tables<'_>,
        had: impl Fn(Option<&Table>) -> bool,
        what: String,
    ) -> Option<(LossKind, String)> {
        if tables.parents.iter().copied().all(&had) {
            return Some((LossKind::Gone, what));
        }
        let is_new = !tables.bases.is_empty() && !tables.bases.iter().copied().any(&had);
        let parent = tables.parents.iter().copied().position(&had).filter(|_| is_new)?;
        Some((LossKind::Side { parent }, format!("{what}; {} brought it", self.names[parent])))
    }

    fn emptied(&mut self, tables: &Tables<'_>, now: &Table) -> bool {
        let least = tables.parents.iter().flatten().map(|table| table.rows).min().unwrap_or(0);
        if now.rows > 0 || least == 0 {
            return false;
        }
        let what = format!("the table '{}' is empty, it had {}", tables.name, count(least, "row"));
        self.add(LossKind::Emptied, tables.name, (least, least), what);
        true
    }

    /// What one parent brought and the result has not.
    ///
    /// Said only where it is plain: by all its numbers the result's table is the base's or another parent's.
    fn side(&mut self, tables: &Tables<'_>, now: &Table) -> bool {
        let [base, ..] = tables.bases[..] else { return false };
        let before = base.map_or(0, |table| table.rows);
        let is_now = |table: Option<&Table>| table.is_some_and(|table| same(table, now));
        let mut lost = false;
        if tables.parents.len() < 2 || !is_now(base) && !tables.parents.iter().copied().any(is_now) {
            return lost;
        }
        for (parent, table) in tables.parents.iter().enumerate() {
            let Some(table) = table.filter(|table| !same(table, now)) else { continue };
            let gain = table.rows.saturating_sub(before);
            if gain == 0 {
                continue;
            }
            let mut what =
                format!("'{}' lacks {} that {} brought", tables.name, count(gain, "row"), self.names[parent]);
            if let (Some(last), Some(now)) = (table.last_row, now.last_row)
                && last > now
            {
                what.push_str(&format!(": its last row is {last}, here it is {now}"));
            }
            self.add(LossKind::Side { parent }, tables.name, (gain, table.rows), what);
            lost = true;
        }
        lost
    }

    /// Rows that are fewer than all sides together left: the base, what one side brought at least, without what each
    /// dropped. Both may have brought the same.
    fn dropped(&mut self, tables: &Tables<'_>, now: &Table) -> bool {
        let rows = || tables.parents.iter().flatten().map(|table| table.rows);
        let left = |base: u64| {
            let gain = rows().map(|rows| rows.saturating_sub(base)).max().unwrap_or(0);
            let dropped: u64 = rows().map(|rows| base.saturating_sub(rows)).sum();
            (base + gain).saturating_sub(dropped)
        };
        let is_merge = self.parents.len() > 1;
        // Of several bases the one that lets the most go.
        let by_bases = tables.bases.iter().map(|base| left(base.map_or(0, |table| table.rows))).min();
        let expected = by_bases.filter(|_| is_merge).or_else(|| rows().min()).unwrap_or(0);
        let lost = expected.saturating_sub(now.rows);
        if lost == 0 {
            return false;
        }
        let than = if is_merge { "the sides left" } else { "before" };
        let what = format!("the table '{}' has {}, {lost} fewer than {than}", tables.name, count(now.rows, "row"));
        self.add(LossKind::Dropped, tables.name, (lost, expected), what);
        true
    }

    /// Numbers that only grow as long as nothing old comes back. The last row's number also falls when the last rows
    /// are deleted, so it says nothing where there are fewer, and has to be lower than in every parent; what
    /// `AUTOINCREMENT` gave out never falls by itself.
    fn went_back(&mut self, tables: &Tables<'_>, now: &Table, has_fewer: bool) {
        let sequence = tables.parents.iter().flatten().filter_map(|table| table.sequence).max();
        if let Some(before) = sequence.filter(|before| *before > now.sequence.unwrap_or(0)) {
            let now = now.sequence.unwrap_or(0);
            let what =
                format!("'{}' counts on from {now}, it was at {before}: numbers will be given out twice", tables.name);
            return self.add(LossKind::WentBack, tables.name, (0, 0), what);
        }
        let last = tables.parents.iter().flatten().map(|table| table.last_row).min().flatten();
        if let (Some(before), Some(now), false) = (last, now.last_row, has_fewer)
            && now < before
        {
            let what = format!("the last row of '{}' is {now}, it was {before}", tables.name);
            self.add(LossKind::WentBack, tables.name, (0, 0), what);
        }
    }

    /// A column that was set to one value. A table that more than doubled may have it from its new rows alone.
    fn uniform(&mut self, tables: &Tables<'_>, now: &Table) {
        for (column, share) in now.uniform.iter().filter(|(_, share)| **share >= UNIFORM) {
            let before: Option<Vec<u8>> = tables
                .parents
                .iter()
                .map(|table| table.filter(|table| now.rows <= table.rows * 2)?.uniform.get(column).copied())
                .collect();
            if let Some(most) = before.and_then(|before| before.into_iter().max()).filter(|most| *most <= MIXED) {
                let what = format!(
                    "{share} % of the rows of '{}' have one value in '{column}', before it was {most} %",
                    tables.name
                );
                self.add_column(LossKind::Uniform, tables.name, column, what);
            }
        }
    }

    /// The schema as a whole, where nothing of it that is gone was said already.
    fn schema(&mut self) {
        if self.parents.iter().any(|parent| parent.schema == self.result.schema) {
            return;
        }
        let mut news = Vec::new();
        for (name, table) in &self.result.tables {
            let before: Vec<_> = self.parents.iter().filter_map(|parent| parent.tables.get(name)).collect();
            if before.is_empty() {
                news.push(format!("the table '{name}' is new"));
                continue;
            }
            let is_new = |column: &&String| !before.iter().any(|table| table.columns.contains(column));
            news.extend(
                table.columns.iter().filter(is_new).map(|column| format!("the column '{name}.{column}' is new")),
            );
        }
        let is_said = self.losses.iter().any(|loss| loss.kind == LossKind::Gone);
        let grew = !news.is_empty();
        if news.is_empty() && !is_said {
            news.push("a type, constraint, index, view or trigger, or their combination".to_owned());
        }
        if !news.is_empty() {
            let how = if self.parents.len() > 1 { "is no parent's" } else { "changed" };
            let what = format!("the schema {how}: {}", news.join(", "));
            let kind = LossKind::Schema { grew };
            self.losses.push(DatabaseLoss { kind, table: None, column: None, what, rows: 0, of: 0 });
        }
    }
}

/// Returns whether two versions of a table are the same, by all that was counted.
fn same(one: &Table, other: &Table) -> bool {
    (one.rows, one.last_row, one.sequence) == (other.rows, other.last_row, other.sequence)
}

#[cfg(test)]
mod tests;
