//! OCSP requests as addresses (RFC 6960 appendix A.1).

use crate::wire::base64;

/// The longest address that is asked by GET: caches need not take longer ones
/// (RFC 5019 section 5, which this bound comes from).
const MAX_OCTETS: usize = 255;

/// `{url}/{request in base64, escaped}`, which caches between here and the
/// responder can answer, or `None` where that does not do: then POST is used.
pub fn for_get(url: &str, request: &[u8]) -> Option<String> {
    // Appended to a query it would be something else.
    if url.contains(['?', '#']) {
        return None;
    }
    let mut long = url.strip_suffix('/').unwrap_or(url).to_owned();
    long.push('/');
    for character in base64::encode_standard(request).chars() {
        match character {
            '+' => long.push_str("%2B"),
            '/' => long.push_str("%2F"),
            '=' => long.push_str("%3D"),
            _ => long.push(character),
        }
    }
    (long.len() <= MAX_OCTETS).then_some(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_requests_go_into_the_address() {
        let url = |url| for_get(url, &[0xfb, 0xff, 0xff, 0xfe]);
        let expected = Some("http://a.example/o/%2B%2F%2F%2F%2Fg%3D%3D".to_owned());
        assert_eq!(url("http://a.example/o"), expected);
        assert_eq!(url("http://a.example/o/"), expected);
        assert_eq!(url("http://a.example/o?x=y"), None);
        assert_eq!(for_get("http://a.example", &[0; 200]), None);
    }
}
