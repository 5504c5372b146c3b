//! the only place that talks to git.
