//! The `guard` program.

fn main() -> std::process::ExitCode {
    recoveryguard::cli::main()
}
