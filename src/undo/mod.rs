//! journal and facts to a plan, and its application.
