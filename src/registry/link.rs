//! `Link` headers (RFC 8288): where the next page is.

use super::text::Scanner;

/// Octets of all `Link` headers of one answer.
const MAX_BYTES: usize = 16 * 1024;
/// Links of one answer.
const MAX_LINKS: usize = 64;
/// Parameters of one link.
const MAX_PARAMETERS: usize = 32;

/// The target of the link to the next page in these `Link` headers, as it is
/// written there. `None` where there is none.
///
/// # Errors
/// What is wrong with the headers, for a person: where they cannot be read, nobody
/// knows whether there is more.
pub fn next<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Option<String>, String> {
    let mut octets = 0;
    let mut links = 0;
    let mut next: Option<String> = None;
    for header in headers {
        octets += header.len();
        if octets > MAX_BYTES {
            return Err(format!(
                "the `Link` headers have more than {MAX_BYTES} octets"
            ));
        }
        let mut scanner = Scanner::new(header);
        while let Some(link) = link(&mut scanner)? {
            links += 1;
            if links > MAX_LINKS {
                return Err(format!(
                    "the `Link` headers have more than {MAX_LINKS} links"
                ));
            }
            if !link.leads_on() {
                continue;
            }
            match &next {
                Some(other) if *other != link.target => {
                    return Err("the `Link` headers name two next pages".to_owned());
                }
                _ => next = Some(link.target.to_owned()),
            }
        }
    }
    Ok(next)
}

struct Link<'a> {
    target: &'a str,
    relation: Option<String>,
    /// It says something about another document.
    anchored: bool,
}

impl Link<'_> {
    /// One that does not say what it is leads on too: RFC 8288 asks for a relation,
    /// and to pass such a link by could pass signatures by.
    fn leads_on(&self) -> bool {
        !self.anchored
            && self.relation.as_deref().is_none_or(|relations| {
                relations
                    .split_ascii_whitespace()
                    .any(|one| one.eq_ignore_ascii_case("next"))
            })
    }
}

/// The next link of a header (RFC 8288 appendix B.2).
fn link<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Link<'a>>, String> {
    let malformed = || "a `Link` header is malformed".to_owned();
    // Empty elements of a list are allowed (RFC 9110 section 5.6.1).
    loop {
        scanner.skip_space();
        if !scanner.eat(',') {
            break;
        }
    }
    if scanner.is_at_end() {
        return Ok(None);
    }
    if !scanner.eat('<') {
        return Err(malformed());
    }
    let target = scanner.take_while(|character| character != '>');
    if !scanner.eat('>') {
        return Err(malformed());
    }
    let mut link = Link {
        target: target.trim(),
        relation: None,
        anchored: false,
    };
    let mut parameters = 0;
    loop {
        scanner.skip_space();
        if scanner.is_at_end() || scanner.eat(',') {
            return Ok(Some(link));
        }
        if !scanner.eat(';') {
            return Err(malformed());
        }
        scanner.skip_space();
        let Some(name) = scanner.token() else {
            // `;` at the end says nothing.
            continue;
        };
        scanner.skip_space();
        let value = if scanner.eat('=') {
            scanner.skip_space();
            scanner.value().ok_or_else(malformed)?
        } else {
            String::new()
        };
        parameters += 1;
        if parameters > MAX_PARAMETERS {
            return Err(malformed());
        }
        if name.eq_ignore_ascii_case("rel") {
            // RFC 8288 section 3.3: only the first one counts.
            link.relation.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            link.anchored = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        for (header, expected) in [
            (r#"</v2/a?n=1>; rel="next""#, Some("/v2/a?n=1")),
            ("</b>; rel=next", Some("/b")),
            ("</b>;rel=NEXT", Some("/b")),
            (
                r#"< /b > ; title="a, <c>; rel=next" ; rel="prev next""#,
                Some("/b"),
            ),
            (
                r#"</a>; rel=prev, </b>; rel="next", </c>; rel=last"#,
                Some("/b"),
            ),
            (", </b>; rel=next;, ,", Some("/b")),
            ("</b>; rel=next, </b>; rel=next", Some("/b")),
            ("<>; rel=next", Some("")),
            ("</b>; rel=prev; rel=next", None),
            ("</b>; rel=next; anchor=\"/other\"", None),
            ("</b>; rel=nextpage", None),
            ("</b>", Some("/b")),
            ("</b>; title=x", Some("/b")),
            ("</b>; rel", None),
            ("", None),
        ] {
            assert_eq!(next([header]).unwrap().as_deref(), expected, "{header}");
        }
        assert_eq!(next([]), Ok(None));
        assert_eq!(
            next(["</a>; rel=prev", "</b>; rel=next"])
                .unwrap()
                .as_deref(),
            Some("/b")
        );
    }

    #[test]
    fn what_cannot_be_read_is_no_end() {
        let many = "<a>,".repeat(MAX_LINKS + 1);
        let long = format!("<{}>", "a".repeat(MAX_BYTES));
        let parameters = format!("<a>{}", "; a=b".repeat(MAX_PARAMETERS + 1));
        for bad in [
            "/v2/a; rel=next",
            "</v2/a; rel=next",
            "</v2/a> rel=next",
            "</v2/a>; rel=\"next",
            "</a>; rel=next, </b>; rel=next",
            &many,
            &long,
            &parameters,
        ] {
            assert!(next([bad]).is_err(), "{bad:.40}");
        }
    }
}
