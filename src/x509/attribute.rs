//! Attribute types of distinguished names: object identifiers and their names.

use const_oid::ObjectIdentifier;

use crate::wire::oid;

/// A type with the names that stand for it in text.
struct Known {
    oid: ObjectIdentifier,
    /// In output.
    name: &'static str,
    /// In input too, in upper case.
    aliases: &'static [&'static str],
}

const fn known(oid: &str, name: &'static str, aliases: &'static [&'static str]) -> Known {
    Known {
        oid: ObjectIdentifier::new_unwrap(oid),
        name,
        aliases,
    }
}

/// RFC 4514 section 3, the names of RFC 4519 and RFC 2985, and `S`, which the
/// specification allows for `ST` ("Trusted Identities Constraints").
const TYPES: &[Known] = &[
    known("2.5.4.6", "C", &["COUNTRYNAME"]),
    known("2.5.4.8", "ST", &["S", "STATEORPROVINCENAME"]),
    known("2.5.4.7", "L", &["LOCALITYNAME"]),
    known("2.5.4.10", "O", &["ORGANIZATIONNAME"]),
    known("2.5.4.11", "OU", &["ORGANIZATIONALUNITNAME"]),
    known("2.5.4.3", "CN", &["COMMONNAME"]),
    known("2.5.4.9", "STREET", &["STREETADDRESS"]),
    known("2.5.4.17", "POSTALCODE", &[]),
    known("2.5.4.5", "SERIALNUMBER", &[]),
    known("0.9.2342.19200300.100.1.25", "DC", &["DOMAINCOMPONENT"]),
    known("0.9.2342.19200300.100.1.1", "UID", &["USERID"]),
    known("1.2.840.113549.1.9.1", "emailAddress", &["E", "EMAIL"]),
    known("2.5.4.4", "SN", &["SURNAME"]),
    known("2.5.4.42", "givenName", &["GN"]),
    known("2.5.4.12", "title", &[]),
    known("2.5.4.43", "initials", &[]),
    known("2.5.4.44", "generationQualifier", &[]),
    known("2.5.4.46", "dnQualifier", &[]),
    known("2.5.4.65", "pseudonym", &[]),
    known("2.5.4.13", "description", &[]),
    known("2.5.4.15", "businessCategory", &[]),
    known("2.5.4.97", "organizationIdentifier", &[]),
];

/// `C`, `ST` and `O`: what every trusted identity names.
pub(super) const MANDATORY: [(&str, ObjectIdentifier); 3] = [
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6")),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8")),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10")),
];

/// The name of a type in output: a short name or the dotted object identifier.
pub(super) fn name(oid: &[u8]) -> String {
    TYPES
        .iter()
        .find(|known| known.oid.as_bytes() == oid)
        .map_or_else(|| oid::to_dotted(oid), |known| known.name.to_owned())
}

/// The contents of the object identifier that `name` stands for; case does not
/// matter (RFC 4514 section 2.3).
pub(super) fn by_name(name: &str) -> Option<&'static [u8]> {
    TYPES
        .iter()
        .find(|known| {
            known.name.eq_ignore_ascii_case(name)
                || known
                    .aliases
                    .iter()
                    .any(|alias| alias.eq_ignore_ascii_case(name))
        })
        .map(|known| known.oid.as_bytes())
}
