//! From version to version, newest first, until one is good.

use super::candidates::Candidate;
use super::loss::{Loss, loss, over};
use crate::manifest::MaxLoss;
use crate::model::{Mode, Standing};
use crate::validate::Examined;

/// What is said of a version on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Good,
    /// It is bad: the first fault, with its place.
    Bad(String),
    /// A limit was hit: it is passed over as if it were bad.
    Unknown(String),
    /// It can be read, and has lost more than it may against the next older one that is good.
    Shrunk(Loss),
    /// Its bytes can't be read.
    Unreadable(String),
    /// There is none: the file had been removed.
    Removed,
    /// A symbolic link stood there: what it leads to is no version of the file.
    Link,
}

/// A version that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub candidate: Candidate,
    /// What is said of it.
    pub verdict: Verdict,
    /// What was found in it.
    pub examined: Examined,
}

/// The way from the newest version to a good one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// What was passed over, newest first.
    pub passed: Vec<Step>,
    /// The newest good one.
    pub good: Option<Step>,
    /// A newer one that was saved on another branch, and so not looked at.
    pub newer_elsewhere: Option<Candidate>,
}

impl Walk {
    /// Returns what going back to the good version loses, against the newest version of which the records could be counted.
    pub fn loss(&self) -> Option<(&Step, Loss)> {
        let good = self.good.as_ref()?;
        self.passed.iter().find_map(|step| Some((step, loss(&step.examined.contents, &good.examined.contents)?)))
    }
}

/// Walks through versions, newest first. `look` examines one, or says why it can't be read; it is asked for no more than are
/// needed. With `most` a version that has lost more against the next older good one is passed over.
pub fn walk(
    candidates: impl IntoIterator<Item = Candidate>,
    most: Option<MaxLoss>,
    mut look: impl FnMut(&Candidate) -> Result<Examined, String>,
) -> Walk {
    let mut walk = Walk::default();
    let mut candidates = candidates.into_iter();
    for candidate in candidates.by_ref() {
        let (verdict, examined) = match candidate.file.as_ref().map(|file| file.mode) {
            None => (Verdict::Removed, Examined::default()),
            Some(Mode::Link) => (Verdict::Link, Examined::default()),
            Some(_) => match look(&candidate) {
                Err(why) => (Verdict::Unreadable(why), Examined::default()),
                Ok(examined) => (verdict(&examined), examined),
            },
        };
        let step = Step { candidate, verdict, examined };
        let Some(good) = &mut walk.good else {
            if step.verdict == Verdict::Good {
                let settles = settles(&step.examined, most);
                walk.good = Some(step);
                if settles {
                    break;
                }
            } else {
                walk.passed.push(step);
            }
            continue;
        };
        // Is what seems good perhaps what an older version was before half of it went?
        if step.verdict != Verdict::Good {
            continue;
        }
        let lost = loss(&step.examined.contents, &good.examined.contents);
        match lost.zip(most).filter(|(lost, most)| over(lost, *most)) {
            Some((lost, _)) => {
                good.verdict = Verdict::Shrunk(lost);
                walk.passed.push(std::mem::replace(good, step));
            }
            None => break,
        }
    }
    if let Some(good) = &walk.good {
        let is_newer = |candidate: &Candidate| candidate.elsewhere.is_some() && candidate.at > good.candidate.at;
        walk.newer_elsewhere = candidates.find(is_newer);
    }
    walk
}

/// Returns whether a version is good whatever older ones hold.
pub fn settles(examined: &Examined, most: Option<MaxLoss>) -> bool {
    let is_counted = examined.contents.records.is_some() || !examined.contents.tables.is_empty();
    examined.standing() == Standing::Good && (most.is_none() || !is_counted)
}

fn verdict(examined: &Examined) -> Verdict {
    match examined.standing() {
        Standing::Good => Verdict::Good,
        Standing::Unknown => Verdict::Unknown(examined.unknown.first().cloned().unwrap_or_default()),
        Standing::Bad => {
            let more = examined.faults.count.saturating_sub(1);
            let first = examined.faults.first.first().map(ToString::to_string).unwrap_or_default();
            Verdict::Bad(if more > 0 { format!("{first}, and {more} more") } else { first })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Contents, Source, Timestamp, WorkFile};
    use crate::recover::Origin;
    use crate::validate::Place;

    /// Versions by what is said of them: a number of records, `-1` bad, `-2` removed, `-3` unreadable, `-4` a link.
    fn walked(versions: &[i64], most: Option<MaxLoss>) -> (Vec<String>, Option<u64>, usize) {
        let file = |bytes: &i64| {
            (*bytes != -2).then(|| WorkFile {
                mode: if *bytes == -4 { Mode::Link } else { Mode::File },
                bits: None,
                source: Source::Bytes(bytes.to_string().as_str().into()),
            })
        };
        let candidate =
            |version| Candidate { at: Timestamp(0), origin: Origin::Now, file: file(version), elsewhere: None };
        let mut looked = 0;
        let walk = walk(versions.iter().map(candidate), most, |candidate| {
            looked += 1;
            let Some(WorkFile { source: Source::Bytes(bytes), .. }) = &candidate.file else { panic!() };
            let version: i64 = bytes.to_string().parse().unwrap();
            let mut examined = Examined::default();
            match version {
                -3 => return Err("damaged".to_owned()),
                -1 => examined.faults.add(Place::Line { line: 1, column: 2 }, "a fault"),
                records => examined.contents = Contents { records: u64::try_from(records).ok(), ..Contents::default() },
            }
            examined.contents.names.nameless = examined.contents.records.unwrap_or(0);
            Ok(examined)
        });
        let said = |step: &Step| match &step.verdict {
            Verdict::Shrunk(loss) => format!("lost {} of {}", loss.gone, loss.of),
            Verdict::Bad(what) => what.clone(),
            other => format!("{other:?}"),
        };
        let records = walk.good.as_ref().map(|step| step.examined.contents.records.unwrap());
        (walk.passed.iter().map(said).collect(), records, looked)
    }

    // D10
    #[test]
    fn the_newest_good_version_is_taken_and_nothing_older_looked_at() {
        assert_eq!(walked(&[5, 6, 7], None), (vec![], Some(5), 1));
        let (passed, good, looked) = walked(&[-1, -2, -4, -3, 4, 9], None);
        assert_eq!(passed, ["line 1, column 2: a fault", "Removed", "Link", "Unreadable(\"damaged\")"]);
        assert_eq!((good, looked), (Some(4), 3));
        assert_eq!(walked(&[-1, -2], None).1, None);
    }

    // D2
    #[test]
    fn a_version_that_lost_more_than_it_may_is_passed_over() {
        let tenth = Some(MaxLoss::Percent(10.0));
        assert_eq!(walked(&[5, 10, 10], tenth), (vec!["lost 5 of 10".to_owned()], Some(10), 3));
        assert_eq!(walked(&[5, -1, 10], tenth).1, Some(10));
        assert_eq!(walked(&[95, 100], tenth), (vec![], Some(95), 2));
        // Grown, or nothing older to compare with.
        assert_eq!(walked(&[10, 5], tenth).1, Some(10));
        assert_eq!(walked(&[5], tenth).1, Some(5));
        assert_eq!(walked(&[5, 10], None).1, Some(5));
    }
}
