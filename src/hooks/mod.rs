//! git's calling conventions; install, uninstall, doctor.
