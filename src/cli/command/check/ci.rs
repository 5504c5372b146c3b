//! What a forge's or server's environment says of the change that is to be judged.
//!
//! | where | told by | a merge request | a push |
//! |---|---|---|---|
//! | GitHub, Gitea, Forgejo Actions | `GITHUB_ACTIONS` | the event's base and head | the event's before and after |
//! | GitLab CI | `GITLAB_CI` | `CI_MERGE_REQUEST_*` | `CI_COMMIT_BEFORE_SHA` |
//! | Bitbucket Pipelines | `BITBUCKET_COMMIT` | `BITBUCKET_PR_DESTINATION_*` | none: it does not say where the branch was |
//! | Jenkins | `JENKINS_URL` | `CHANGE_TARGET` | `GIT_PREVIOUS_COMMIT` |

use std::ffi::OsStr;

use serde_json::Value;

use crate::cli::Format;
use crate::git::Environment;
use crate::routes::Proposal;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What is to be judged.
    pub(super) proposal: Proposal,
    /// The format that is read there.
    pub(super) format: Option<Format>,
    /// How a clone gets the commits that a shallow one lacks.
    pub(super) deepen: &'static str,
}

/// Finds base and head. `read` reads a file. The error says what is missing.
pub(super) fn find(environment: &Environment, read: &dyn Fn(&OsStr) -> Option<Vec<u8>>) -> Result<Found, String> {
    let has = |name: &str| environment.get(name).is_some();
    if has("GITHUB_ACTIONS") || has("GITEA_ACTIONS") {
        actions(environment, read)
    } else if has("GITLAB_CI") {
        gitlab(environment)
    } else if has("BITBUCKET_COMMIT") {
        bitbucket(environment)
    } else if has("JENKINS_URL") {
        jenkins(environment)
    } else {
        Err("no CI is known by its environment (GitHub, Gitea, GitLab, Bitbucket, Jenkins): give a range, 'guard check A..B'".to_owned())
    }
}

/// Returns whether an object's name is that of nothing: the branch is new.
fn is_nothing(oid: &str) -> bool {
    oid.bytes().all(|byte| byte == b'0')
}

fn text(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).and_then(OsStr::to_str).map(str::to_owned)
}

fn need(environment: &Environment, name: &str) -> Result<String, String> {
    text(environment, name).ok_or_else(|| format!("'{name}' is not set: base and head can't be told"))
}

/// Returns the branch as it was fetched. By its short name a tag of somebody's would come first.
fn of_remote(branch: &str) -> String {
    format!("refs/remotes/origin/{branch}")
}

/// A push; onto the default branch where its own branch is new.
fn pushed(before: String, after: String, branch: Option<String>, default: Option<String>) -> Result<Proposal, String> {
    if is_nothing(&after) {
        return Err("the branch was deleted, and that is not judged: give a range".to_owned());
    }
    if !is_nothing(&before) {
        return Ok(Proposal { base: before, head: after, into: branch.clone(), from: branch, pushed: true });
    }
    let default = default.ok_or("the branch is new, and what the default branch is can't be told: give a range")?;
    // A new branch changes nothing that was there: what merging it would do is what matters.
    Ok(Proposal { base: of_remote(&default), head: after, into: Some(default), from: branch, pushed: false })
}

fn actions(environment: &Environment, read: &dyn Fn(&OsStr) -> Option<Vec<u8>>) -> Result<Found, String> {
    let name = need(environment, "GITHUB_EVENT_NAME")?;
    let path = environment.get("GITHUB_EVENT_PATH").ok_or("'GITHUB_EVENT_PATH' is not set")?;
    let event = read(path).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let event = event.ok_or_else(|| format!("'{}' can't be read as JSON", path.display()))?;
    let said = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let must = |pointer: &str| said(pointer).ok_or_else(|| format!("the event '{name}' has no '{pointer}'"));
    let short = |full: String| full.strip_prefix("refs/heads/").map(str::to_owned);
    let proposal = match name.as_str() {
        "pull_request" | "pull_request_target" | "pull_request_review" => Proposal {
            base: must("/pull_request/base/sha")?,
            head: must("/pull_request/head/sha")?,
            into: said("/pull_request/base/ref"),
            from: said("/pull_request/head/ref"),
            pushed: false,
        },
        "merge_group" => Proposal {
            base: must("/merge_group/base_sha")?,
            head: must("/merge_group/head_sha")?,
            into: said("/merge_group/base_ref").and_then(short),
            from: None,
            pushed: true,
        },
        "push" => {
            let branch =
                said("/ref").and_then(short).ok_or("a tag was pushed, and tags are not judged: give a range")?;
            pushed(must("/before")?, must("/after")?, Some(branch), said("/repository/default_branch"))?
        }
        other => return Err(format!("the event '{other}' has no base and head: give a range, 'guard check A..B'")),
    };
    Ok(Found { proposal, format: Some(Format::Github), deepen: "actions/checkout with 'fetch-depth: 0'" })
}

fn gitlab(environment: &Environment) -> Result<Found, String> {
    let get = |name: &str| text(environment, name);
    let head = need(environment, "CI_COMMIT_SHA")?;
    let proposal = if let Some(target) = get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") {
        Proposal {
            // A merged results pipeline checks out a merge that GitLab made: what comes in is its source.
            base: get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA").unwrap_or_else(|| of_remote(&target)),
            head: get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").unwrap_or(head),
            into: Some(target),
            from: get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
            pushed: false,
        }
    } else {
        let branch = get("CI_COMMIT_BRANCH").ok_or("this pipeline is of no branch: give a range")?;
        pushed(need(environment, "CI_COMMIT_BEFORE_SHA")?, head, Some(branch), get("CI_DEFAULT_BRANCH"))?
    };
    Ok(Found { proposal, format: None, deepen: "the variable 'GIT_DEPTH: 0'" })
}

fn bitbucket(environment: &Environment) -> Result<Found, String> {
    let get = |name: &str| text(environment, name);
    let target = get("BITBUCKET_PR_DESTINATION_BRANCH")
        .ok_or("this pipeline is of no pull request, and Bitbucket does not say where a branch was: give a range")?;
    let proposal = Proposal {
        base: get("BITBUCKET_PR_DESTINATION_COMMIT").unwrap_or_else(|| of_remote(&target)),
        head: need(environment, "BITBUCKET_COMMIT")?,
        into: Some(target),
        from: get("BITBUCKET_BRANCH"),
        pushed: false,
    };
    Ok(Found { proposal, format: None, deepen: "'clone: depth: full'" })
}

fn jenkins(environment: &Environment) -> Result<Found, String> {
    let get = |name: &str| text(environment, name);
    let head = get("GIT_COMMIT").unwrap_or_else(|| "HEAD".to_owned());
    let proposal = if let Some(target) = get("CHANGE_TARGET") {
        Proposal { base: of_remote(&target), head, into: Some(target), from: get("CHANGE_BRANCH"), pushed: false }
    } else {
        let before = get("GIT_PREVIOUS_SUCCESSFUL_COMMIT").or_else(|| get("GIT_PREVIOUS_COMMIT"));
        let before = before.ok_or("this is the first build of its branch: give a range")?;
        pushed(before, head, get("BRANCH_NAME").or_else(|| get("GIT_BRANCH").map(without_remote)), None)?
    };
    Ok(Found { proposal, format: None, deepen: "a clone without the option 'shallow clone'" })
}

/// Returns the branch that a job was built of. A job of one branch says it as it was fetched, `origin/main`.
fn without_remote(branch: String) -> String {
    branch.strip_prefix("origin/").map(str::to_owned).unwrap_or(branch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn asked(variables: &[(&str, &str)], event: &str) -> Result<Found, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        find(&Environment { variables }, &|_| Some(event.as_bytes().to_vec()))
    }

    fn proposal(base: &str, head: &str, into: &str, from: &str, pushed: bool) -> Proposal {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Proposal { base: base.into(), head: head.into(), into: name(into), from: name(from), pushed }
    }

    #[test]
    fn pull_requests_and_pushes_of_actions_are_in_the_event() {
        let with = |name: &str, event: &str| {
            asked(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name), ("GITHUB_EVENT_PATH", "event")], event)
        };
        let pull = r#"{"pull_request":{"base":{"sha":"b1","ref":"main"},"head":{"sha":"h1","ref":"feat"}}}"#;
        let found = with("pull_request", pull).unwrap();
        assert_eq!((found.proposal, found.format), (proposal("b1", "h1", "main", "feat", false), Some(Format::Github)));
        let push = r#"{"before":"b1","after":"h1","ref":"refs/heads/main","repository":{"default_branch":"main"}}"#;
        assert_eq!(with("push", push).unwrap().proposal, proposal("b1", "h1", "main", "main", true));
        let new = push.replace("b1", ZERO).replace("heads/main", "heads/feat");
        assert_eq!(
            with("push", &new).unwrap().proposal,
            proposal("refs/remotes/origin/main", "h1", "main", "feat", false)
        );
        let group = r#"{"merge_group":{"base_sha":"b1","head_sha":"h1","base_ref":"refs/heads/main"}}"#;
        assert_eq!(with("merge_group", group).unwrap().proposal, proposal("b1", "h1", "main", "", true));
        assert!(with("schedule", "{}").unwrap_err().contains("'schedule' has no base and head"));
        assert!(with("push", "not JSON").unwrap_err().contains("can't be read as JSON"));
        assert!(with("push", &push.replace("heads/main", "tags/v1")).unwrap_err().contains("a tag was pushed"));
        assert!(with("push", &push.replace("h1", ZERO)).unwrap_err().contains("the branch was deleted"));
    }

    #[test]
    fn merge_requests_and_pushes_of_gitlab_are_in_variables() {
        let ours = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", "h1"), ("CI_DEFAULT_BRANCH", "main")];
        let with = |more: &[(&str, &str)]| asked(&[&ours, more].concat(), "").map(|found| found.proposal);
        let request =
            [("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"), ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feat")];
        assert_eq!(with(&request).unwrap(), proposal("refs/remotes/origin/main", "h1", "main", "feat", false));
        let merged = [("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "b1"), ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "s1")];
        assert_eq!(with(&[request, merged].concat()).unwrap(), proposal("b1", "s1", "main", "feat", false));
        let push = [("CI_COMMIT_BRANCH", "feat"), ("CI_COMMIT_BEFORE_SHA", "b1")];
        assert_eq!(with(&push).unwrap(), proposal("b1", "h1", "feat", "feat", true));
        let new = [("CI_COMMIT_BRANCH", "feat"), ("CI_COMMIT_BEFORE_SHA", ZERO)];
        assert_eq!(with(&new).unwrap(), proposal("refs/remotes/origin/main", "h1", "main", "feat", false));
        assert!(with(&[]).unwrap_err().contains("of no branch"));
    }

    #[test]
    fn bitbucket_and_jenkins_say_it_in_their_ways() {
        let bitbucket = [("BITBUCKET_COMMIT", "h1"), ("BITBUCKET_BRANCH", "feat")];
        assert!(asked(&bitbucket, "").unwrap_err().contains("of no pull request"));
        let request = [("BITBUCKET_PR_DESTINATION_BRANCH", "main"), ("BITBUCKET_PR_DESTINATION_COMMIT", "b1")];
        let found = asked(&[bitbucket, request].concat(), "").unwrap();
        assert_eq!(found.proposal, proposal("b1", "h1", "main", "feat", false));
        let jenkins = [("JENKINS_URL", "x"), ("GIT_COMMIT", "h1"), ("BRANCH_NAME", "PR-1")];
        let change = [("CHANGE_TARGET", "main"), ("CHANGE_BRANCH", "feat")];
        let found = asked(&[&jenkins[..], &change].concat(), "").unwrap();
        assert_eq!(found.proposal, proposal("refs/remotes/origin/main", "h1", "main", "feat", false));
        let build = asked(&[&jenkins[..], &[("GIT_PREVIOUS_COMMIT", "b1")]].concat(), "").unwrap();
        assert_eq!(build.proposal, proposal("b1", "h1", "PR-1", "PR-1", true));
        // A job of one branch has no BRANCH_NAME, and what the manifest says of main must hold there, too.
        for branch in ["main", "origin/main"] {
            let job =
                [("JENKINS_URL", "x"), ("GIT_COMMIT", "h1"), ("GIT_BRANCH", branch), ("GIT_PREVIOUS_COMMIT", "b1")];
            assert_eq!(asked(&job, "").unwrap().proposal, proposal("b1", "h1", "main", "main", true));
        }
        assert!(asked(&jenkins, "").unwrap_err().contains("the first build"));
        assert!(asked(&[], "").unwrap_err().contains("give a range"));
    }
}
