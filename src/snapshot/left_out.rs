//! What was not saved, and why: one by one as long as it is little, else folder by folder.

use std::collections::BTreeMap;

use crate::model::{Saved, TreePath, Unsaved};
use crate::store::Part;

/// So many are listed one by one.
const ONE_BY_ONE: usize = 100;

/// What was left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    files: Vec<Unsaved>,
    staged: Vec<Unsaved>,
}

impl LeftOut {
    /// A file.
    pub(super) fn file(&mut self, path: &TreePath, why: &str) {
        self.files.push(Unsaved { path: path.clone(), why: why.to_owned() });
    }

    /// Whatever it is; git's state files are evidence only.
    pub(super) fn thing(&mut self, path: &TreePath, part: Part, why: &str) {
        match part {
            Part::File { .. } => self.file(path, why),
            Part::Staged(_) => self.staged(path, why),
            Part::State => {}
        }
    }

    /// A version that only the index has.
    pub(super) fn staged(&mut self, path: &TreePath, why: &str) {
        self.staged.push(Unsaved { path: path.clone(), why: why.to_owned() });
    }

    /// Adds it to what a snapshot says of itself.
    pub(super) fn add_to(self, saved: &mut Saved) {
        saved.unsaved.extend(summed_up(self.files));
        saved.unsaved_staged.extend(summed_up(self.staged));
    }
}

fn summed_up(list: Vec<Unsaved>) -> Vec<Unsaved> {
    if list.len() <= ONE_BY_ONE {
        return list;
    }
    let mut folders: BTreeMap<(TreePath, String), usize> = BTreeMap::new();
    for Unsaved { path, why } in list {
        let top = path.iter().position(|byte| *byte == b'/').map_or(&b"./"[..], |end| &path[..=end]);
        *folders.entry((top.into(), why)).or_default() += 1;
    }
    let sum = |((path, why), count)| Unsaved { path, why: format!("{why} ({count} of them)") };
    folders.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_listed_by_folder() {
        let mut left_out = LeftOut::default();
        for number in 0..150 {
            left_out.file(&format!("build/{number}").into(), "over max_total");
        }
        left_out.file(&"top".into(), "over max_total");
        left_out.staged(&"dir/one".into(), "larger than max_file");
        let mut saved = Saved::default();
        left_out.add_to(&mut saved);
        let said = |list: &[Unsaved]| list.iter().map(|file| format!("{} {}", file.path, file.why)).collect::<Vec<_>>();
        assert_eq!(said(&saved.unsaved), ["./ over max_total (1 of them)", "build/ over max_total (150 of them)"]);
        assert_eq!(said(&saved.unsaved_staged), ["dir/one larger than max_file"]);
    }
}
