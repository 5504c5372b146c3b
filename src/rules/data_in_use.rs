//! `data-in-use`: the merge puts another file in the place of a database that somebody uses.

use crate::model::{InUse, Level, ResultKind, Use};

use super::{Case, Docs, Draft, Rule, allow_command, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "data-in-use",
    default: Level::Block,
    docs: Docs {
        finds: "The merge replaces or removes a SQLite database of the working tree while a program has it open, or while what \
                stands beside it is not in it yet: a `-wal` with rows, a `-journal` to be rolled back. It is looked at before git \
                changes anything, and by `guard check` of a merge into what is checked out, at every file that begins as a \
                database, whether an entry names it or not. Where no hook ran before the files changed it is said afterwards, as far as a log beside the file tells.",
        why: "git puts another file in its place and leaves the log. Whoever opens the database next plays the log into a file \
              to which it does not belong: the database is damaged, or the rows are lost. What a program writes that has it open \
              goes into a file without a name.",
        what_to_do: "Stop the program, write the log into the file (`sqlite3 <file> 'PRAGMA wal_checkpoint(TRUNCATE)'`), and merge \
                     again. git may then find the file changed: commit it, or put it aside. Where the rows may go: `guard allow \
                     data-in-use <path> --reason '...'`, merge, and remove the log before anything opens the database; the log was \
                     saved, and `guard undo-merge` brings both back. Where it has happened already, open nothing, and take the \
                     merge back by the command that the finding names: the log is moved aside meanwhile.",
        when_wrong: "A program that only reads for a moment was seen: merge again. A process that has the database open in rollback \
                     mode and does nothing holds no lock, and is not seen.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.facts.in_use.iter().map(|used| draft(case, used)).collect()
}

fn draft(case: &Case<'_>, used: &InUse) -> Draft {
    let path = &used.path;
    let is_done = case.facts.result == ResultKind::Actual;
    let goes = case.at(path).is_some_and(|facts| facts.result.is_none());
    let what = match (is_done, goes) {
        (false, false) => format!("the merge would put another file in the place of '{path}'"),
        (false, true) => format!("the merge would remove '{path}'"),
        (true, _) => format!("the merge put another file in the place of '{path}'"),
    };
    let (how, why) = match used.how {
        Use::Locked { pid } => {
            let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            ("open", format!("{who} has it open"))
        }
        Use::Wal { .. } if is_done => ("log", format!("'{path}-wal' holds rows of the one that stood there")),
        Use::Wal { .. } => ("log", format!("'{path}-wal' holds rows that are not in it yet")),
        Use::Journal => ("journal", format!("'{path}-journal' holds a transaction that is not rolled back")),
    };
    let allow = allow_command(RULE.name, Some(path));
    let remedy = match used.how {
        // The log belongs to the file that comes back.
        Use::Wal { .. } | Use::Journal if is_done => {
            let log = [&path[..], if used.how == Use::Journal { b"-journal" } else { b"-wal" }].concat();
            let (log, kept) = (shell_quote(&log), shell_quote(&[&log[..], b".kept"].concat()));
            format!("mv -- {log} {kept} && guard undo-merge && mv -- {kept} {log}")
        }
        Use::Locked { .. } => format!("stop it and merge again, or: {allow}"),
        Use::Wal { .. } => format!("sqlite3 {} 'PRAGMA wal_checkpoint(TRUNCATE)', or: {allow}", shell_quote(path)),
        Use::Journal => format!("sqlite3 {} 'PRAGMA quick_check', or: {allow}", shell_quote(path)),
    };
    Draft::at(path, format!("{what}, and {why}")).evidence("use", how).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, Side, file};

    fn sample(result: Side<'_>, how: Use) -> Sample {
        let mut sample = Sample::merge().path("a b.db", file("1"), &[result], result);
        sample.facts.result = ResultKind::Predicted { certain: true };
        sample.facts.in_use.push(InUse { path: "a b.db".into(), how });
        sample
    }

    #[test]
    fn a_database_in_use_blocks_and_the_message_says_how() {
        let said = |result, how| {
            let finding = sample(result, how).judge().remove(0);
            assert_eq!((finding.level, finding.rule.as_str()), (Level::Block, "data-in-use"));
            (finding.message, finding.remedy)
        };
        let (message, remedy) = said(file("2"), Use::Locked { pid: Some(7) });
        assert_eq!(message, "the merge would put another file in the place of 'a b.db', and process 7 has it open");
        assert_eq!(remedy, "stop it and merge again, or: guard allow data-in-use 'a b.db' --reason '...'");
        let (message, remedy) = said(None, Use::Wal { frames: 2 });
        assert_eq!(message, "the merge would remove 'a b.db', and 'a b.db-wal' holds rows that are not in it yet");
        assert!(remedy.starts_with("sqlite3 'a b.db' 'PRAGMA wal_checkpoint(TRUNCATE)', or: guard allow "), "{remedy}");
        let (message, _) = said(file("2"), Use::Journal);
        assert!(message.ends_with("'a b.db-journal' holds a transaction that is not rolled back"), "{message}");
        assert_eq!(sample(file("2"), Use::Journal).said(), ["block data-in-use a b.db"]);
    }

    #[test]
    fn afterwards_the_log_is_that_of_the_file_that_stood_there() {
        let mut sample = sample(file("2"), Use::Wal { frames: 2 });
        sample.facts.result = ResultKind::Actual;
        let finding = sample.judge().remove(0);
        let said = "the merge put another file in the place of 'a b.db', and 'a b.db-wal' holds rows of the one that stood there";
        assert_eq!(finding.message, said);
        let command =
            "mv -- 'a b.db-wal' 'a b.db-wal.kept' && guard undo-merge && mv -- 'a b.db-wal.kept' 'a b.db-wal'";
        assert_eq!(finding.remedy, command);
    }

    #[test]
    fn databases_that_nobody_uses_are_quiet() {
        let mut sample = sample(file("2"), Use::Journal);
        sample.facts.in_use.clear();
        assert!(sample.said().is_empty());
    }
}
