//! The beginning of an OpenSCAD file in pieces: as far as the Customizer looks, which is up to the first brace.

/// A piece of the language.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A name or keyword; names may begin with `$`.
    Word(String),
    /// A number as it is written.
    Number(String),
    /// A text without its quotes, escapes resolved.
    Text(String),
    /// The path of `use <…>` or `include <…>`.
    Path,
    /// Anything else.
    Sign(char),
}

/// A piece and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    /// Counted from 1.
    pub(super) line: usize,
}

/// A comment and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Comment {
    /// Without its marks, trimmed.
    pub(super) text: String,
    /// `/* … */` instead of `// …`.
    pub(super) block: bool,
    /// The line on which it begins, counted from 1.
    pub(super) line: usize,
    /// Pieces before it.
    pub(super) after: usize,
}

/// The beginning of a file.
#[derive(Default, Debug)]
pub(super) struct Head {
    pub(super) tokens: Vec<Placed>,
    pub(super) comments: Vec<Comment>,
}

/// Reads a file up to its first brace. A text or comment that does not end ends the head: the program will complain.
pub(super) fn head(source: &str) -> Head {
    let mut reader = Reader {
        rest: source,
        line: 1,
    };
    let mut head = Head::default();
    while let Some(next) = reader.peek() {
        let line = reader.line;
        if next.is_whitespace() {
            reader.take();
        } else if reader.skip("//") {
            let text = reader.take_while(|c| c != '\n').trim().to_owned();
            head.comment(text, false, line);
        } else if reader.skip("/*") {
            let Some(text) = reader.take_until("*/") else {
                break;
            };
            head.comment(text.trim().to_owned(), true, line);
        } else if next == '{' {
            break;
        } else if next == '"' {
            let Some(text) = reader.text() else { break };
            head.push(Token::Text(text), line);
        } else if next.is_ascii_digit() || (next == '.' && reader.digit_follows()) {
            let text = reader.number();
            head.push(Token::Number(text), line);
        } else if is_word(next) {
            let word = reader.take_while(is_word).to_owned();
            let names_a_file = word == "use" || word == "include";
            head.push(Token::Word(word), line);
            if names_a_file && !reader.path(&mut head) {
                break;
            }
        } else {
            reader.take();
            head.push(Token::Sign(next), line);
        }
    }
    head
}

impl Head {
    fn push(&mut self, token: Token, line: usize) {
        self.tokens.push(Placed { token, line });
    }

    fn comment(&mut self, text: String, block: bool, line: usize) {
        self.comments.push(Comment {
            text,
            block,
            line,
            after: self.tokens.len(),
        });
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.advance(next.len_utf8());
        Some(next)
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.advance(text.len());
        }
        found
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    /// What stands before `end`, which is taken as well; nothing when it never comes.
    fn take_until(&mut self, end: &str) -> Option<&'a str> {
        let length = self.rest.find(end)?;
        let taken = self.advance(length);
        self.advance(end.len());
        Some(taken)
    }

    fn digit_follows(&self) -> bool {
        let mut next = self.rest.chars().skip(1);
        next.next().is_some_and(|c| c.is_ascii_digit())
    }

    fn number(&mut self) -> String {
        let mut number = self
            .take_while(|c| c.is_ascii_digit() || c == '.')
            .to_owned();
        let exponent = self.rest.strip_prefix(['e', 'E']).map(|rest| {
            let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            let count = digits.len()
                - digits
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .len();
            if count == 0 {
                0
            } else {
                1 + rest.len() - digits.len() + count
            }
        });
        number.push_str(self.advance(exponent.unwrap_or(0)));
        number
    }

    /// A text, from its opening quote.
    fn text(&mut self) -> Option<String> {
        self.take();
        let mut text = String::new();
        loop {
            match self.take()? {
                '"' => return Some(text),
                '\\' => match self.take()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'x' => self.code(&mut text, 2),
                    'u' => self.code(&mut text, 4),
                    'U' => self.code(&mut text, 6),
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
    }

    /// A character by its number.
    fn code(&mut self, text: &mut String, digits: usize) {
        let code = self
            .rest
            .get(..digits)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        if let Some(code) = code {
            self.advance(digits);
            text.push(code);
        }
    }

    /// The path after `use` or `include`. False when it does not end.
    fn path(&mut self, head: &mut Head) -> bool {
        self.take_while(char::is_whitespace);
        let line = self.line;
        if !self.skip("<") {
            return true;
        }
        head.push(Token::Path, line);
        self.take_until(">").is_some()
    }
}
