//! Markdown: what stands in a table's cell, and where a heading is found.

/// Returns text for a cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns a table.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.map(|text| cell(&text)).join(" | ")));
    }
    text.push('\n');
    text
}

/// Returns where forges put the heading of this text: lower case, hyphens for blanks, no punctuation.
pub(super) fn anchor(heading: &str) -> String {
    let keep = |character: char| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        other if other.is_alphanumeric() => Some(other.to_ascii_lowercase()),
        _ => None,
    };
    heading.trim().chars().filter_map(keep).collect()
}

/// Returns a link to a heading of the page.
pub(super) fn link(heading: &str) -> String {
    format!("[{heading}](#{})", anchor(heading))
}

/// Returns commands as a block that can be copied as a whole.
pub(super) fn block(lines: &[String]) -> String {
    format!("```sh\n{}\n```\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_found_where_forges_put_them() {
        assert_eq!(anchor("'git clean' deletes data"), "git-clean-deletes-data");
        assert_eq!(anchor("1. Start here: what do you see?"), "1-start-here-what-do-you-see");
    }

    #[test]
    fn cells_stay_in_their_row() {
        let text = table(["a", "b"], [["x|y".to_owned(), "z\nz".to_owned()]]);
        assert_eq!(text, "| a | b |\n|---|---|\n| x\\|y | z z |\n\n");
    }
}
