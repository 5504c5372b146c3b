//! stub
use crate::model::*;
use std::path::{Path, PathBuf};
pub struct Store;
pub struct ToSave {
    pub path: TreePath,
    pub mode: Mode,
    pub place: PathBuf,
    pub tracked: bool,
}
pub struct Limits {
    pub max_file: u64,
    pub max_total: u64,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct StoreError;
impl Store {
    pub fn open_or_create(_: &Path) -> Result<Self, StoreError> {
        Ok(Store)
    }
    pub fn save(&self, _: &OperationId, _: Timestamp, _: Vec<ToSave>, _: Limits) -> Result<Saved, StoreError> {
        Ok(Saved::default())
    }
}
