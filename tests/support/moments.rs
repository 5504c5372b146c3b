//! Moments at which a program is killed.

use std::process::Child;
use std::time::Duration;

use super::Random;

/// Draws moments out of the time that a program takes. How long that is, is learned: how busy a machine is changes.
#[derive(Debug)]
pub struct Moments(Duration);

impl Moments {
    /// Begins with how long the program took when nobody killed it.
    pub fn of(takes: Duration) -> Self {
        Self(takes)
    }

    /// Kills a program that has just been started; returns when, and whether that was before its end.
    pub fn kill(&mut self, mut child: Child, random: &mut Random) -> (Duration, bool) {
        let moment = self.0.mul_f64(f64::from(u32::try_from(random.below(1000)).unwrap()) / 1000.0);
        std::thread::sleep(moment);
        child.kill().unwrap();
        let is_killed = child.wait().unwrap().code().is_none();
        // In the long run seven of ten come before its end, and late ones are among them.
        self.0 = self.0.mul_f64(if is_killed { 1.1 } else { 0.8 });
        (moment, is_killed)
    }
}
