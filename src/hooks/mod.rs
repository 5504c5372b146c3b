//! git's calling conventions: hook calls in, [`Event`]s out; installing, removing and proving the hooks.

mod caller;
mod coverage;
mod decode;
mod inspect;
mod install;
#[cfg(test)]
mod install_faults;
mod place;
mod plan;
mod probe;
mod purge;
mod shim;
mod standing;
mod state;

pub use caller::Caller;
pub use coverage::{Coverage, GATE_SINCE, Guarded, Route};
pub use decode::{Event, decode};
pub use inspect::{HookState, inspect};
pub(crate) use install::LOCK;
pub use install::{InstallError, apply_install, apply_uninstall};
pub use plan::{
    Action, HookStep, InstallPlan, MISSED, Purge, Removal, RemovalStep, UninstallPlan, plan_install, plan_uninstall,
};
pub use probe::{Probe, probe};
pub(crate) use purge::{CONCLUDED, JUDGED};
pub use shim::{is_ours, render};
