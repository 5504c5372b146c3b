//! the only place that writes files.
use std::path::Path;
#[derive(Debug, thiserror::Error)]
#[error("x")]
/// x
pub struct DiskError;
/// x
pub fn ensure_folder(p: &Path, _mode: u32) -> Result<(), DiskError> {
    #[expect(clippy::disallowed_methods)]
    std::fs::create_dir_all(p).map_err(|_| DiskError)
}
/// x
pub fn remove_folder_all_inside(_root: &Path, p: &Path) -> Result<(), DiskError> {
    #[expect(clippy::disallowed_methods)]
    std::fs::remove_dir_all(p).map_err(|_| DiskError)
}
