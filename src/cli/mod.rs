//! arguments, environment, terminal; one file a command.
