//! asks git and the files, answers Facts.
