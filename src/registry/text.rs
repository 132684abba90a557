//! Characters of HTTP headers (RFC 9110 section 5.6) and of addresses
//! (RFC 3986 section 2).

/// Reads the fields of a header from left to right.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Passes spaces and tabs.
    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Passes `character`, where it is next.
    pub(super) fn eat(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The longest run of characters that `accepts`; it may be empty.
    pub(super) fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let end = self
            .rest
            .find(|character| !accepts(character))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A token, where one is next.
    pub(super) fn token(&mut self) -> Option<&'a str> {
        let token = self.take_while(is_token_character);
        (!token.is_empty()).then_some(token)
    }

    /// A token or a quoted string, without its quoting.
    pub(super) fn value(&mut self) -> Option<String> {
        if !self.eat('"') {
            return self.token().map(str::to_owned);
        }
        let mut value = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next()? {
                '"' => {
                    self.rest = characters.as_str();
                    return Some(value);
                }
                '\\' => value.push(characters.next()?),
                character => value.push(character),
            }
        }
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(super) const fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(
            character,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '.'
                | '^'
                | '_'
                | '`'
                | '|'
                | '~'
        )
}

/// `text` as a value in a query or a form: everything but unreserved characters
/// is escaped.
pub(super) fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = HEX.get(usize::from(digit)).copied().unwrap_or(b'0');
                encoded.push(char::from(digit));
            }
        }
    }
    encoded
}

/// `text` with its escapes resolved once; `None` where it is not UTF-8 then, or an
/// escape is cut off.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quoting() {
        let value = |text| Scanner::new(text).value();
        assert_eq!(value("abc, d").as_deref(), Some("abc"));
        assert_eq!(value(r#""a, \"b\\" x"#).as_deref(), Some(r#"a, "b\"#));
        assert_eq!(value(r#""""#).as_deref(), Some(""));
        for open in [r#"""#, r#""abc"#, r#""abc\"#, "", ",", "é"] {
            assert_eq!(value(open), None, "{open}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(percent_encode("a b/é:&="), "a%20b%2F%C3%A9%3A%26%3D");
        assert_eq!(percent_decode("a%20b%2fé%3A").as_deref(), Some("a b/é:"));
        for bad in ["%", "%2", "%zz", "%ff", "%é1"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }
}
