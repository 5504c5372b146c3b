//! pure: bytes to a verdict on data files.
