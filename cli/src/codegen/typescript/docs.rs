//! Comments of the generated code.

use super::layout::WIDTH;

/// A comment with these paragraphs, `steps` to the right; nothing if there are none.
///
/// The text is somebody else's, so nothing in it ends the comment, and no line of it is taken for a tag. Tags are `tags`.
pub(super) fn comment(paragraphs: &[String], tags: &[String], steps: usize) -> String {
    let margin = "  ".repeat(steps);
    let texts = paragraphs.iter().map(|text| text.trim().lines().map(plain).collect::<Vec<_>>());
    let tags = (!tags.is_empty()).then(|| tags.iter().map(|tag| closed(tag)).collect());
    let blocks: Vec<Vec<String>> = texts.chain(tags).filter(|lines| !lines.is_empty()).collect();
    let lines = blocks.join(&String::new());
    match &lines[..] {
        [] => String::new(),
        [line] if margin.len() + "/** ".len() + line.chars().count() + " */".len() <= WIDTH => {
            format!("{margin}/** {line} */\n")
        }
        lines => {
            let mut text = format!("{margin}/**\n");
            for line in lines {
                text.push_str(&margin);
                text.push_str(format!(" * {line}").trim_end());
                text.push('\n');
            }
            text + &margin + " */\n"
        }
    }
}

/// A line of documentation that is no tag and does not end the comment.
fn plain(line: &str) -> String {
    let line = closed(line);
    let tag = line.len() - line.trim_start().len();
    if line[tag..].starts_with('@') { format!("{}\\{}", &line[..tag], &line[tag..]) } else { line }
}

/// `text` on one line, without an end of the comment in it.
pub(super) fn closed(text: &str) -> String {
    let line: String = text.chars().map(|c| if ends_line(c) { ' ' } else { c }).collect();
    line.trim_end().replace("*/", "*\\/")
}

/// What ends a line for JavaScript, or means something to a terminal.
fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paragraphs(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn one_line_stays_one() {
        assert_eq!(comment(&paragraphs(&["The value."]), &[], 1), "  /** The value. */\n");
        assert_eq!(comment(&paragraphs(&["", ""]), &[], 1), "");
        let wide = "x".repeat(WIDTH);
        assert_eq!(comment(&paragraphs(&[&wide]), &[], 0), format!("/**\n * {wide}\n */\n"));
    }

    #[test]
    fn paragraphs_and_tags_stand_apart() {
        let text = comment(&paragraphs(&["One\ntwo.", "Three."]), &paragraphs(&["@throws {E}"]), 0);
        assert_eq!(text, "/**\n * One\n * two.\n *\n * Three.\n *\n * @throws {E}\n */\n");
    }

    #[test]
    fn documentation_can_neither_end_the_comment_nor_set_a_tag() {
        let text = comment(&paragraphs(&["See `a/*.rs`, */ x **/\n  @internal a@b"]), &[], 0);
        assert_eq!(text, "/**\n * See `a/*.rs`, *\\/ x **\\/\n *   \\@internal a@b\n */\n");
    }

    proptest! {
        #[test]
        fn a_comment_ends_where_it_ends(text in "[*/@\\\\ \n\r\t\u{2028}a]{0,30}", tag in "[*/@\n a]{0,10}") {
            let comment = comment(&[text], &[tag], 1);
            let ends: Vec<_> = comment.match_indices("*/").map(|(at, _)| at + "*/\n".len()).collect();
            prop_assert!(comment.is_empty() || ends == [comment.len()], "{comment}");
        }
    }
}
