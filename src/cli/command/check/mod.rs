//! `guard check`: would this merge be refused, and why?

mod ci;

use anyhow::anyhow;

use crate::cli::{Context, Failure, Output};
use crate::git::{GitError, Repo};
use crate::model::{Content, Level, Oid, Verdict};
use crate::report::{self, Exit, Report};
use crate::routes::{self, CheckError, Checked, Subject};

/// Judge a merge without doing it, or one that exists
///
/// 'guard check feat' judges merging feat into HEAD. 'guard check --merge <commit>' judges a merge that exists,
/// 'guard check A..B' the step from A to B and every merge in it. Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard check feat
  guard check origin/main --into release/2
  guard check --merge HEAD
  guard check main..feat --json
  guard check origin/main..HEAD --format github
  guard check --ci                  in a pipeline: its environment says what is to be judged

Exit codes: 0 fine (warnings included), 1 findings that block (--strict: warnings too), 2 usage,
3 could not judge")]
pub struct Arguments {
    /// What would be merged, or one range A..B
    #[arg(value_name = "REV", required_unless_present_any = ["merge", "ci"])]
    revisions: Vec<String>,
    /// Judge merging into this instead of HEAD
    #[arg(long, value_name = "REV")]
    into: Option<String>,
    /// Judge this merge, which exists
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["revisions", "into"])]
    merge: Option<String>,
    /// Find base and head in the environment of GitHub, Gitea, GitLab, Bitbucket or Jenkins
    #[arg(long, conflicts_with_all = ["revisions", "into", "merge"])]
    ci: bool,
    /// End with 1 for warnings too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Arguments {
    /// Returns what was asked, as it is shown.
    fn asked(&self) -> String {
        let text = self.merge.clone().unwrap_or_else(|| self.revisions.join(" "));
        crate::model::escape(text.as_bytes())
    }

    fn subject(&self) -> Result<Subject, Failure> {
        if let Some(commit) = &self.merge {
            return Ok(Subject::Commit(commit.clone()));
        }
        let range = |text: &String| text.split_once("..").map(|(start, end)| (start.to_owned(), end.to_owned()));
        let or_head = |text: String| if text.is_empty() { "HEAD".to_owned() } else { text };
        match (self.revisions.as_slice(), self.revisions.first().and_then(range)) {
            ([_], Some((start, end))) if !end.starts_with('.') => Ok(Subject::Range(or_head(start), or_head(end))),
            (_, Some(_)) => Err(Failure::new(Exit::Usage, "give one range 'A..B', and nothing beside it")),
            (revisions, None) => Ok(Subject::Merge { revisions: revisions.to_vec(), into: self.into.clone() }),
        }
    }
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let found = arguments.ci.then(|| {
        let folder = &context.surroundings.folder;
        ci::find(&context.surroundings.environment, &|path| std::fs::read(folder.join(path)).ok())
            .map_err(|why| Failure::new(Exit::Usage, why))
    });
    let found = found.transpose()?;
    let usual = found.as_ref().and_then(|found| found.format).filter(|_| !context.json);
    let output = arguments.output.or(usual);
    let _ = output.format(context)?;
    let repo = context.repo_looked_at()?;
    let (asked, subject) = match &found {
        Some(found) => {
            let asked = format!("{}..{}", found.proposal.base, found.proposal.head);
            (crate::model::escape(asked.as_bytes()), Subject::Forge(found.proposal.clone()))
        }
        None => (arguments.asked(), arguments.subject()?),
    };
    let about = context.about(&repo, asked);
    let all = match routes::check(&repo, &subject) {
        Ok(all) => all,
        Err(error) => {
            let why = error.to_string();
            let error = failure(error, &repo, found.as_ref());
            // Who reads only the report must see it there, too.
            if let Some(told) = error.downcast_ref::<Failure>().filter(|told| told.exit == Exit::CouldNotJudge) {
                let said = told.hint.as_ref().map_or(why.clone(), |hint| format!("{why}; {hint}"));
                let report = Report::of_failed_check(about, &said);
                let json = || report::unchecked_json(&why, told.hint.as_deref());
                output.report(context, &report, String::new, json)?;
            }
            return Err(error);
        }
    };
    let worst = worst(&all);
    let mut shown = Vec::new();
    for checked in &all {
        // In a range, merges without findings are not worth a line.
        if all.len() > 1 && checked.commit.is_some() && checked.judged.verdict == Verdict::Pass {
            continue;
        }
        shown.push((checked, changed(&repo, checked)?));
    }
    let text = || shown.iter().map(|(one, changed)| report::checked_text(one, changed, context.verbose)).collect();
    let report = Report::of_check(about, &all);
    output.report(context, &report, text, || report::checked_json(&all, worst))?;
    Ok(match worst {
        Verdict::Block => Exit::Blocked,
        Verdict::CouldNotJudge => Exit::CouldNotJudge,
        Verdict::Warn if arguments.strict => Exit::Blocked,
        Verdict::Warn | Verdict::Pass => Exit::Fine,
    })
}

fn worst(all: &[Checked]) -> Verdict {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Warn => 1,
        Verdict::CouldNotJudge => 2,
        Verdict::Block => 3,
    };
    all.iter().map(|checked| checked.judged.verdict).max_by_key(|verdict| rank(*verdict)).unwrap_or(Verdict::Pass)
}

/// Gives an error its exit code, and the command that brings what is missing.
fn failure(error: CheckError, repo: &Repo, found: Option<&ci::Found>) -> anyhow::Error {
    let is_absent =
        matches!(error, CheckError::NoRevision(_) | CheckError::Git(GitError::Missing(_) | GitError::Shallow));
    let is_damaged = matches!(error, CheckError::Git(GitError::Damaged { .. }));
    let exit = match &error {
        CheckError::Git(
            GitError::Missing(_)
            | GitError::Damaged { .. }
            | GitError::TimedOut(_)
            | GitError::Shallow
            | GitError::Unsupported(_),
        ) => Exit::CouldNotJudge,
        // In a pipeline a commit that is not here is a clone that is too shallow.
        CheckError::NoRevision(_) if found.is_some() => Exit::CouldNotJudge,
        CheckError::NoRevision(_) => Exit::Usage,
        _ => return anyhow!(error),
    };
    let what = match (exit, found) {
        (Exit::Usage, _) => "",
        (_, Some(_)) => "could not verify: ",
        (_, None) => "could not judge: ",
    };
    let failure = Failure::new(exit, format!("{what}{error}"));
    let command = repo.completing_command().ok().filter(|_| is_absent && (found.is_some() || repo.lacks_history()));
    // What a forced push left behind is in no branch: a whole clone lacks it, too, until it is asked for by its name.
    let left_behind = match &error {
        CheckError::NoRevision(name) if !repo.lacks_history() => Oid::from_hex(name.as_bytes()),
        _ => None,
    };
    match (command, found) {
        (Some(command), Some(found)) => failure.hint(match left_behind {
            Some(oid) => format!("{command} {oid}"),
            None => format!("clone all of it: {}; or now: {command}", found.deepen),
        }),
        (Some(command), None) => failure.hint(command),
        (None, _) if is_damaged => failure.hint("git fsck"),
        (None, _) => failure,
    }
    .into()
}

/// Reads both versions of protected text files that the merge changes.
fn changed(repo: &Repo, checked: &Checked) -> anyhow::Result<Vec<report::Changed>> {
    let judged = &checked.judged;
    let mut texts = Vec::new();
    for finding in judged.findings.iter().filter(|found| found.rule == "protected-modify" && found.level >= Level::Info)
    {
        let facts = judged.facts.paths.iter().find(|facts| Some(&facts.path) == finding.path.as_ref());
        let Some((first, result)) = facts.and_then(|facts| facts.first.zip(facts.result)) else { continue };
        let read = |oid| repo.objects().content(oid, 1 << 20);
        if let (Content::Bytes(before), Content::Bytes(after)) = (read(first.oid)?, read(result.oid)?)
            && !before.contains(&0)
            && !after.contains(&0)
            && let Some(path) = finding.path.clone()
        {
            texts.push((path, before.to_vec(), after.to_vec()));
        }
    }
    Ok(texts)
}
