//! `WWW-Authenticate` headers (RFC 9110 section 11.6.1): what a server wants to see
//! before it answers.

use super::text::Scanner;

/// Octets of all `WWW-Authenticate` headers of one answer.
const MAX_BYTES: usize = 16 * 1024;
/// Challenges in one answer. Registries send one or two.
const MAX_CHALLENGES: usize = 16;
/// Parameters of one challenge. Registries send two to four.
const MAX_PARAMETERS: usize = 32;

/// One way to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// In lower case: `bearer`, `basic`.
    pub scheme: String,
    /// Names in lower case, with their values; each name stands once.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The challenge to answer: the first `bearer` one with a realm, else the first
/// `basic` one.
#[must_use]
pub fn choose(challenges: &[Challenge]) -> Option<&Challenge> {
    let bearer = challenges
        .iter()
        .find(|one| one.scheme == "bearer" && one.parameter("realm").is_some());
    bearer.or_else(|| challenges.iter().find(|one| one.scheme == "basic"))
}

/// All challenges in these headers.
///
/// # Errors
/// What is wrong with them, for a person.
pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Vec<Challenge>, String> {
    let mut challenges = Vec::new();
    let mut octets = 0;
    for header in headers {
        octets += header.len();
        if octets > MAX_BYTES {
            return Err(format!(
                "the `WWW-Authenticate` headers have more than {MAX_BYTES} octets"
            ));
        }
        parse_header(header, &mut challenges)?;
    }
    Ok(challenges)
}

fn parse_header(header: &str, challenges: &mut Vec<Challenge>) -> Result<(), String> {
    let malformed = || "a `WWW-Authenticate` header is malformed".to_owned();
    let mut scanner = Scanner::new(header);
    // Whether what stands next may belong to the challenge before.
    let mut open = false;
    loop {
        // Empty elements of a list are allowed (RFC 9110 section 5.6.1).
        scanner.skip_space();
        if scanner.eat(',') {
            continue;
        }
        if scanner.is_at_end() {
            return Ok(());
        }
        let name = scanner.token().ok_or_else(malformed)?;
        let spaced = scanner.rest().starts_with([' ', '\t']);
        scanner.skip_space();
        if open && scanner.eat('=') {
            scanner.skip_space();
            let value = scanner.value().ok_or_else(malformed)?;
            let parameters = match challenges.last_mut() {
                Some(challenge) => &mut challenge.parameters,
                None => return Err(malformed()),
            };
            let name = name.to_ascii_lowercase();
            if parameters.len() == MAX_PARAMETERS || parameters.iter().any(|(one, _)| *one == name)
            {
                return Err(malformed());
            }
            parameters.push((name, value));
        } else {
            if challenges.len() == MAX_CHALLENGES {
                return Err(malformed());
            }
            challenges.push(Challenge {
                scheme: name.to_ascii_lowercase(),
                parameters: Vec::new(),
            });
            open = true;
            if spaced {
                skip_token68(&mut scanner);
                if !is_list_element_next(&scanner) {
                    // The first parameter follows without a comma.
                    continue;
                }
            }
        }
        scanner.skip_space();
        if !scanner.is_at_end() && !scanner.eat(',') {
            return Err(malformed());
        }
    }
}

fn is_list_element_next(scanner: &Scanner<'_>) -> bool {
    scanner.is_at_end() || scanner.rest().starts_with(',')
}

/// Passes the `token68` of a challenge that has one in place of parameters, such
/// as those of Negotiate. Nothing here answers them.
fn skip_token68(scanner: &mut Scanner<'_>) {
    let mut ahead = scanner.clone();
    let text = ahead.take_while(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    ahead.take_while(|c| c == '=');
    ahead.skip_space();
    if !text.is_empty() && is_list_element_next(&ahead) {
        *scanner = ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> String {
        let challenges = parse([header]).unwrap();
        let shown: Vec<String> = challenges
            .iter()
            .map(|challenge| {
                let parameters: Vec<String> = challenge
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{}({})", challenge.scheme, parameters.join("; "))
            })
            .collect();
        shown.join(" ")
    }

    #[test]
    fn challenges_of_registries_and_of_the_specification() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://auth.example/token",service="reg.example",scope="repository:a/b:pull,push""#,
                "bearer(realm=https://auth.example/token; service=reg.example; \
                 scope=repository:a/b:pull,push)",
            ),
            (
                r#"Basic realm="a \"quoted\" realm""#,
                "basic(realm=a \"quoted\" realm)",
            ),
            (
                "BASIC realm=simple , charset = UTF-8",
                "basic(realm=simple; charset=UTF-8)",
            ),
            (
                r#"Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple""#,
                "newauth(realm=apps; type=1; title=Login to \"apps\") basic(realm=simple)",
            ),
            ("Negotiate, Basic realm=a", "negotiate() basic(realm=a)"),
            ("Negotiate", "negotiate()"),
            (
                "Negotiate abc/+==, Basic realm=a",
                "negotiate() basic(realm=a)",
            ),
            ("NTLM abcdef", "ntlm()"),
            ("Bearer realm=", "bearer()"),
            ("Bearer", "bearer()"),
            (",, Bearer realm=a,,b=c , ,", "bearer(realm=a; b=c)"),
            ("Bearer ,realm=a", "bearer(realm=a)"),
            ("", ""),
        ] {
            assert_eq!(shown(header), expected, "{header}");
        }
    }

    #[test]
    fn several_headers_and_the_choice() {
        let challenges = parse([r#"Basic realm="b""#, r#"Bearer realm="https://a""#]).unwrap();
        assert_eq!(choose(&challenges).unwrap().scheme, "bearer");
        let challenges = parse(["Bearer, Basic realm=b"]).unwrap();
        assert_eq!(choose(&challenges).unwrap().scheme, "basic");
        assert!(choose(&parse(["Digest realm=a"]).unwrap()).is_none());
    }

    #[test]
    fn malformed_and_endless_ones_are_refused() {
        let many = "a,".repeat(MAX_CHALLENGES + 1);
        let parameters: String = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=1,")).collect();
        let parameters = format!("Bearer {parameters}");
        let long = "a".repeat(MAX_BYTES + 1);
        for bad in [
            r#"Bearer realm="open"#,
            "Bearer a=b, realm=",
            "Bearer realm=a realm2=b",
            "Bearer realm=a, realm=b",
            "realm=a",
            "=a",
            "\"Bearer\"",
            "Bearer realm=é",
            &many,
            &parameters,
            &long,
        ] {
            assert!(parse([bad]).is_err(), "{bad:.40}");
        }
    }
}
