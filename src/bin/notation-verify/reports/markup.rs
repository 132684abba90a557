//! Text inside XML and HTML.

use std::fmt;

/// Shows a text so that it is text in XML and HTML, between tags and in quoted
/// attributes. Characters that XML 1.0 does not have become U+FFFD.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // A parser makes blanks of them in attributes.
                '\t' => f.write_str("&#9;")?,
                '\n' => f.write_str("&#10;")?,
                '\r' => f.write_str("&#13;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                other if other.is_control() => f.write_str("\u{fffd}")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn nothing_gets_out_of_the_text() {
        let shown = Escaped("<a b=\"c\" d='e'>&amp;\n\u{0}\u{1b}[1m\u{ffff}").to_string();
        assert_eq!(
            shown,
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;&#10;\u{fffd}\u{fffd}[1m\u{fffd}"
        );
    }
}
