//! The same program under the name by which git finds it: `git guard`.

fn main() -> std::process::ExitCode {
    recoveryguard::cli::main()
}
