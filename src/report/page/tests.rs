//! The page is well-formed, asks for nothing, keeps texts from the repository shut, and is bounded.

use std::collections::BTreeSet;

use super::{FULL, LISTED, page};
use crate::model::{Finding, Level, Oid, Timestamp, Verdict};
use crate::report::reported::{About, Report};
use crate::routes::Audited;

/// What would be markup, in a text and in an attribute.
const EVIL: &str = "\"><script>x</script><img src=x onerror='y'></style></title>&amp;";
/// The elements of a page; nothing else may stand there.
const ELEMENTS: &str = "html head meta title style body a header p span b bdi code h1 h2 h3 ul ol li dl dt dd div nav main section \
                        article details summary pre time small i footer !doctype";
const VOID: [&str; 2] = ["meta", "!doctype"];
const ATTRIBUTES: &str = "lang charset http-equiv content name class id href style title datetime role aria-label aria-hidden \
                          data-tip html";

fn finding(level: Level, text: &str, path: Option<&str>) -> Finding {
    let evidence = ["line_1", "side", "lost_author", "lost_commit", "something_new", "reason", "owners", "points"];
    Finding {
        rule: if path.is_some() { "lost-change" } else { "side-discarded" }.into(),
        level,
        path: path.map(Into::into),
        message: format!("a line is missing from '{}': {text}", path.unwrap_or_default()),
        evidence: evidence.map(|name| (name.to_owned(), text.to_owned())).into(),
        remedy: format!("git diff {text}"),
        fingerprint: "0".into(),
        excuse: None,
    }
}

fn merge(number: usize, text: &str, findings: Vec<Finding>) -> Audited {
    let mut name = [0; 20];
    name[..8].copy_from_slice(&number.to_be_bytes());
    Audited {
        commit: Oid::from_bytes(&name).unwrap(),
        time: 1_500_000_000 + 20_000 * number as u64,
        author: text.into(),
        subject: text.into(),
        deviates: true,
        verdict: Verdict::of(&findings),
        findings,
        failure: None,
    }
}

fn unjudged(number: usize, why: &str) -> Audited {
    Audited { verdict: Verdict::CouldNotJudge, failure: Some(why.into()), ..merge(number, "", Vec::new()) }
}

fn of(all: &[Audited], text: &str) -> String {
    let about = About { repository: text.into(), range: text.into(), at: Timestamp(1_700_000_000_000) };
    page(&Report::of_audit(about, all, false))
}

/// Reads the page as a strict reader would: elements are known and closed in order, attributes are known and quoted, ids are
/// given once, links lead to them. Returns the text between the elements.
fn read(page: &str) -> String {
    let (mut open, mut ids, mut links, mut text) = (Vec::new(), BTreeSet::new(), Vec::new(), String::new());
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = rest[at..].find('>').unwrap() + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order before {}", &rest[..rest.len().min(80)]);
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.split(' ').any(|known| known == name), "<{tag}> stands in the page");
        while name != "!doctype" && !attributes.trim_start().is_empty() {
            let (key, value) = attributes.trim_start().split_once("=\"").unwrap();
            let (value, more) = value.split_once('"').unwrap();
            attributes = more;
            assert!(ATTRIBUTES.split_whitespace().any(|known| known == key), "{key} stands in <{tag}>");
            match key {
                "id" => assert!(ids.insert(value.to_owned()), "{value} is there twice"),
                "href" => links.push(value.strip_prefix('#').unwrap().to_owned()),
                _ => {}
            }
        }
        if name == "style" {
            let end = rest.find("</style>").unwrap();
            assert!(!rest[..end].contains("url(") && !rest[..end].contains("@import"));
            rest = &rest[end..];
        }
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    for link in links {
        assert!(ids.contains(&link), "#{link} leads nowhere");
    }
    text
}

#[test]
fn texts_from_the_repository_stay_texts() {
    let levels = [Level::Block, Level::Warn];
    let findings =
        levels.map(|level| finding(level, EVIL, Some(EVIL))).into_iter().chain([finding(Level::Warn, EVIL, None)]);
    let page = of(&[merge(1, EVIL, findings.collect()), unjudged(2, EVIL)], EVIL);
    let text = read(&page);
    assert!(text.contains("&quot;&gt;&lt;script&gt;x&lt;/script&gt;"), "{text}");
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline';"));
}

#[test]
fn a_finding_has_its_lines_its_author_and_its_command() {
    let mut found = finding(Level::Warn, "x", Some("src/a.rs"));
    found.evidence.insert("line_1".into(), r"\t\tif deep {".into());
    found.evidence.insert("line_2".into(), r"\t\t\tdeeper();".into());
    found.evidence.insert("lost_author".into(), "Ada".into());
    found.evidence.insert("lost_commit".into(), "0123456789".into());
    let page = of(&[merge(1, "Merge feat", vec![found])], "demo");
    for expected in [
        "<span>if deep {\n</span><span>    deeper();\n</span>",
        "work of <b><bdi>Ada</bdi></b>, <code>0123456789</code>",
        "a line is missing from <code>src/a.rs</code>",
        "<pre><code>git diff x</code></pre>",
        "something new: x",
        "<h1>The merge deserves a look</h1>",
        "<bdi>Merge feat</bdi>",
    ] {
        assert!(page.contains(expected), "{expected} is missing from {page}");
    }
}

/// To a merge that is past nothing can be allowed any more.
#[test]
fn an_old_merge_is_not_allowed() {
    let mut found = finding(Level::Block, "x", Some("a"));
    found.remedy = "guard allow lost-change 'a' --reason '...'".into();
    assert!(!of(&[merge(1, "m", vec![found])], "demo").contains("guard allow"));
}

#[test]
fn that_nothing_was_found_is_said() {
    let page = of(&[merge(1, "m", Vec::new()), merge(2, "m", Vec::new())], "demo");
    let _ = read(&page);
    assert!(page.contains("<h1>Nothing was found in 2 merges</h1>") && page.contains("class=\"panel fine\""));
    assert!(of(&[], "demo").contains("<h1>There is no merge to judge</h1>"));
    let quiet = of(&[merge(1, "m", vec![finding(Level::Info, "x", None)])], "demo");
    assert!(quiet.contains("1 finding of less weight left out"), "{quiet}");
    assert!(quiet.contains("<h1>Nothing that warns was found in 1 merge</h1>"), "{quiet}");
    let about = About { repository: "demo".into(), range: "HEAD".into(), at: Timestamp(0) };
    let all = [merge(1, "m", vec![finding(Level::Info, "x", None)]), merge(2, "m", Vec::new())];
    let shown = super::page(&Report::of_audit(about, &all, true));
    assert!(shown.contains("<h1>Nothing that warns was found in 2 merges</h1>") && shown.contains("good to know"));
}

/// A page that nobody could fill must not look like a good one.
#[test]
fn what_could_not_be_judged_is_said_by_reason() {
    let mut all: Vec<Audited> = (0..30).map(|number| unjudged(number, "object '1' is missing")).collect();
    let page = of(&all, "demo");
    let _ = read(&page);
    assert!(page.contains("<h1>30 merges could not be judged</h1>") && !page.contains("class=\"panel fine\""));
    assert!(page.contains("<dt>object &#39;1&#39; is missing</dt>") && page.contains(" and 18 more</dd>"), "{page}");
    all.push(merge(31, "m", Vec::new()));
    let page = of(&all, "demo");
    assert!(page.contains("<h1>Nothing was found, but 30 merges could not be judged</h1>"), "{page}");
    assert!(!page.contains("class=\"panel fine\""));
}

/// The worst stand first, whatever their age.
#[test]
fn merges_stand_worst_first() {
    let all = [
        merge(3, "newest", vec![finding(Level::Warn, "1", Some("a"))]),
        merge(2, "ranked", vec![finding(Level::Warn, "5", Some("a"))]),
        merge(1, "oldest", vec![finding(Level::Block, "0", Some("a"))]),
    ];
    let page = of(&all, "demo");
    let places =
        ["oldest", "ranked", "newest"].map(|subject| page.find(&format!("<bdi>{subject}</bdi></a></h3>")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

/// A history of 20,000 merges, 2,500 of them with up to 20 findings at a path.
fn long_history(path: &str) -> Vec<Audited> {
    let found = |number: usize| {
        let one = Finding { remedy: format!("git diff -- {path}"), ..finding(Level::Warn, "x", Some(path)) };
        vec![one; if number.is_multiple_of(8) { number % 20 + 1 } else { 0 }]
    };
    (0..20_000).map(|number| merge(number, "m", found(number))).collect()
}

#[test]
fn a_page_of_a_long_history_says_what_it_leaves_out() {
    let page = of(&long_history("a"), "demo");
    let _ = read(&page);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    assert_eq!((page.matches("<article").count(), page.matches("<li id=\"m").count()), (FULL, LISTED));
    assert!(page.contains("<p class=\"left\">1,400 merges not listed here."));
    assert!(page.contains("14 more findings at this merge") && page.contains("And 5 more: <code>guard audit -n 1 "));
}

/// Paths may have 4,096 bytes, and stand in commands that must be whole.
#[test]
fn a_page_of_long_paths_is_bounded_too() {
    let page = of(&long_history(&"long/".repeat(800)), "demo");
    let _ = read(&page);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    let (full, listed) = (page.matches("<article").count(), page.matches("<li id=\"m").count());
    assert!(full < FULL && full + listed == FULL + LISTED, "{full} in full, {listed} listed");
}
