//! the only place that writes files.
