//! Words of a script. Blanks and line ends stand between them, an empty line is an Enter, and a line that
//! begins with a semicolon is a note.

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    Some(&'a str),
    Enter,
    End,
}

pub(super) struct Lexer<'a> {
    lines: std::str::Lines<'a>,
    rest: &'a str,
    /// Whether nothing of the line was taken yet.
    is_fresh: bool,
    line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lines: text.trim_start_matches('\u{feff}').lines(),
            rest: "",
            is_fresh: false,
            line: 0,
        }
    }

    /// Number of the line that the last word stood in, from 1 on.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    fn next_line(&mut self) -> bool {
        for line in self.lines.by_ref() {
            self.line += 1;
            if !line.starts_with(';') {
                (self.rest, self.is_fresh) = (line, true);
                return true;
            }
        }
        (self.rest, self.is_fresh) = ("", false);
        false
    }

    /// The next word. What stands in parentheses or quotation marks is one.
    pub(super) fn word(&mut self) -> Word<'a> {
        loop {
            let text = self.rest.trim_start();
            if !text.is_empty() {
                self.is_fresh = false;
                let end = match text.as_bytes()[0] {
                    b'(' => text.find(')').map_or(text.len(), |at| at + 1),
                    b'"' => text[1..].find('"').map_or(text.len(), |at| at + 2),
                    _ => text.find(char::is_whitespace).unwrap_or(text.len()),
                };
                self.rest = &text[end..];
                return Word::Some(text[..end].trim_matches('"'));
            }
            if std::mem::take(&mut self.is_fresh) {
                return Word::Enter;
            }
            if !self.next_line() {
                return Word::End;
            }
        }
    }

    /// The rest of the line, or the whole next one: texts and names may have blanks.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        if self.rest.trim().is_empty() && !self.next_line() {
            return None;
        }
        self.is_fresh = false;
        Some(std::mem::take(&mut self.rest).trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_enters_and_texts_are_told_apart() {
        let mut lexer =
            Lexer::new("; a note\n_LINE 0,0  10,10\n\nERASE (handent \"1A\")\nTEXT\n two words \n");
        let words = |lexer: &mut Lexer<'static>, count: usize| -> Vec<Word<'static>> {
            (0..count).map(|_| lexer.word()).collect()
        };
        let first = words(&mut lexer, 6);
        assert_eq!(first[..3], ["_LINE", "0,0", "10,10"].map(Word::Some));
        assert_eq!(first[3], Word::Enter);
        assert_eq!(first[4..], ["ERASE", "(handent \"1A\")"].map(Word::Some));
        assert_eq!((lexer.word(), lexer.line()), (Word::Some("TEXT"), 5));
        assert_eq!(lexer.text(), Some("two words"));
        assert_eq!((lexer.word(), lexer.text()), (Word::End, None));
    }
}
