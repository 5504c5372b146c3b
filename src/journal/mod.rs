//! what was done: append, read, recover.
