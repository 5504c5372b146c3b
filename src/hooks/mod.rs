//! git's calling conventions: hook calls in, [`Event`]s out; installing, removing and proving the hooks.

mod caller;
mod decode;
mod probe;

pub use caller::Caller;
pub use decode::{Event, decode};
pub use probe::{Probe, probe};
