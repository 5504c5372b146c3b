//! saved bytes.
