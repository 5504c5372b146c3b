//! The rules' pages: `guard explain` and `docs/rules.md`.

use super::{REGISTER, Rule};

/// Returns a rule's page as Markdown.
pub fn render_page(rule: &Rule) -> String {
    let Rule { name, default, docs, .. } = rule;
    format!(
        "## {name}\n\nDefault level: {}.\n\n### What it finds\n\n{}\n\n### Why it matters\n\n{}\n\n### What to do\n\n{}\n\n### When it is wrong\n\n{}\n",
        default.word(),
        docs.finds,
        docs.why,
        docs.what_to_do,
        docs.when_wrong
    )
}

/// Returns `docs/rules.md`.
pub fn render_all() -> String {
    let mut page = String::from(
        "# Rules\n\nGenerated from `src/rules/`; `guard explain <rule>` prints the same text. A rule's level can be set in \
         the manifest:\n`[rules]`, `<rule> = \"block\" | \"warn\" | \"info\" | \"off\"`.\n\n| rule | default |\n|---|---|\n",
    );
    for rule in REGISTER {
        page.push_str(&format!("| [{0}](#{0}) | {1} |\n", rule.name, rule.default.word()));
    }
    for rule in REGISTER {
        page.push('\n');
        page.push_str(&render_page(rule));
    }
    page
}
