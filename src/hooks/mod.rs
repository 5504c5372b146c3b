//! git's calling conventions: hook calls in, [`Event`]s out; installing, removing and proving the hooks.

mod called;
mod caller;
mod coverage;
mod decode;
mod detour;
mod include;
mod inspect;
mod install;
#[cfg(test)]
mod install_faults;
mod manager;
mod place;
mod plan;
mod probe;
mod purge;
mod push_options;
mod removal;
mod shim;
mod standing;
mod state;
mod uninstall;

pub use called::Called;
pub use caller::Caller;
pub use coverage::{Coverage, GATE_SINCE, Guarded, Route, unfit};
pub use decode::{Event, decode};
pub use inspect::{HookState, Survey, survey};
pub(crate) use install::LOCK;
pub use install::{InstallError, apply_install};
pub use manager::Manager;
pub use place::{is_server, other_owner, was_moved};
pub use plan::{Action, Earlier, HookStep, InstallPlan, plan_install};
pub use probe::{Probe, probe};
pub(crate) use purge::{CONCLUDED, JUDGED};
pub use push_options::{PushOptions, push_options};
pub use removal::{Leaving, Removal, RemovalStep};
pub use shim::{Script, Setting, is_ours, render};
pub use uninstall::{MISSED, Purge, UninstallPlan, apply_uninstall, plan_uninstall};
