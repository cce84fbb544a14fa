//! Tokens, as far as blanking needs them: comments are left out, a directive is one token.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    /// A number, string or character.
    Literal,
    Sign(u8),
    /// `#if X`, with the lines that continue it.
    Directive,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
    /// Row from 0.
    pub row: u32,
}

impl Token {
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The sign that it is, or 0.
    pub fn sign(&self) -> u8 {
        if let TokenKind::Sign(sign) = self.kind { sign } else { 0 }
    }
}

pub(super) fn scan(text: &str) -> Vec<Token> {
    let mut scan = TokenScan { bytes: text.as_bytes(), at: 0, row: 0, is_line_start: true, tokens: Vec::new() };
    while scan.at < scan.bytes.len() {
        scan.step();
    }
    scan.tokens
}

struct TokenScan<'t> {
    bytes: &'t [u8],
    at: usize,
    row: u32,
    /// Nothing but white space and comments stands before it on its line.
    is_line_start: bool,
    tokens: Vec<Token>,
}

impl TokenScan<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn step(&mut self) {
        let (start, row) = (self.at, self.row);
        match (self.byte(0), self.byte(1)) {
            (b'\n', _) => {
                self.row += 1;
                self.at += 1;
                self.is_line_start = true;
                return;
            }
            (byte, _) if byte.is_ascii_whitespace() => {
                self.at += 1;
                return;
            }
            (b'/', b'/') => return self.line(),
            (b'/', b'*') => return self.block_comment(),
            (b'#', _) if self.is_line_start => {
                self.directive();
                self.tokens.push(Token { kind: TokenKind::Directive, start, end: self.at, row });
                return;
            }
            (b'\\', _) => {
                self.at += 1;
                return;
            }
            _ => {}
        }
        self.is_line_start = false;
        let kind = self.token();
        self.tokens.push(Token { kind, start, end: self.at, row });
    }

    fn token(&mut self) -> TokenKind {
        let first = self.byte(0);
        match first {
            b'"' | b'\'' => {
                self.quoted(first);
                TokenKind::Literal
            }
            b'0'..=b'9' => {
                let is_part = |byte: u8, next: u8| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'.' | b'_')
                        || byte == b'\'' && next.is_ascii_alphanumeric()
                };
                while is_part(self.byte(0), self.byte(1)) {
                    self.at += 1;
                }
                TokenKind::Literal
            }
            _ if is_word(first) => {
                let start = self.at;
                while is_word(self.byte(0)) || self.byte(0).is_ascii_digit() {
                    self.at += 1;
                }
                let word = self.bytes.get(start..self.at).unwrap_or_default();
                if self.byte(0) == b'"' && matches!(word, b"R" | b"LR" | b"uR" | b"UR" | b"u8R") {
                    self.raw();
                    return TokenKind::Literal;
                }
                if matches!(self.byte(0), b'"' | b'\'') && matches!(word, b"L" | b"u" | b"U" | b"u8") {
                    self.quoted(self.byte(0));
                    return TokenKind::Literal;
                }
                TokenKind::Word
            }
            sign => {
                self.at += 1;
                TokenKind::Sign(sign)
            }
        }
    }

    /// To the end of a line, with the lines that continue it.
    fn line(&mut self) {
        while self.at < self.bytes.len() && self.byte(0) != b'\n' {
            if self.byte(0) == b'\\' && self.byte(1) == b'\n' {
                self.row += 1;
                self.at += 1;
            }
            self.at += 1;
        }
    }

    fn directive(&mut self) {
        while self.at < self.bytes.len() && self.byte(0) != b'\n' {
            match (self.byte(0), self.byte(1)) {
                (b'\\', b'\n') => {
                    self.row += 1;
                    self.at += 2;
                }
                (b'\\', b'\r') if self.byte(2) == b'\n' => {
                    self.row += 1;
                    self.at += 3;
                }
                (b'/', b'/') => return self.line(),
                (b'/', b'*') => self.block_comment(),
                (b'"', _) => self.quoted(b'"'),
                _ => self.at += 1,
            }
        }
    }

    fn block_comment(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() && (self.byte(0), self.byte(1)) != (b'*', b'/') {
            self.row += u32::from(self.byte(0) == b'\n');
            self.at += 1;
        }
        self.at = (self.at + 2).min(self.bytes.len());
    }

    /// A string or character; it ends with its line.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() && !matches!(self.byte(0), b'\n') {
            match self.byte(0) {
                b'\\' => {
                    self.row += u32::from(self.byte(1) == b'\n');
                    self.at += 2;
                }
                byte => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    /// `"delimiter( .. )delimiter"`
    fn raw(&mut self) {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let Some(open) = rest.iter().take(17).position(|&byte| byte == b'(') else { return self.quoted(b'"') };
        let mut close = vec![b')'];
        close.extend_from_slice(rest.get(..open).unwrap_or_default());
        close.push(b'"');
        let body = rest.get(open..).unwrap_or_default();
        let end = body.windows(close.len()).position(|window| window == close.as_slice());
        let length = end.map_or(body.len(), |end| end + close.len());
        let lines = body.get(..length).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
        self.row += u32::try_from(lines).unwrap_or(u32::MAX);
        self.at += 1 + open + length;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}
