//! The algorithm table: what the specification allows and what certificates use.

/// Hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// Octets of a digest.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The name in OCI digests: `sha256`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

/// Elliptic curves of certificates. The specification allows the last three for
/// signing keys; `P224` occurs in certificates of authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp224r1.
    P224,
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

impl Curve {
    /// The size of the field in bits.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::P224 => 224,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// Octets of a coordinate, and of each of the two numbers of a signature.
    #[must_use]
    pub const fn field_len(self) -> usize {
        self.bits().div_ceil(8)
    }
}

/// Algorithm and size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA (`rsaEncryption`); the size of the modulus in bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// An elliptic curve.
    Ec(Curve),
    /// Ed25519, in certificates of authorities only.
    Ed25519,
}

/// How a signature is made: padding, encoding, hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RSASSA-PSS, MGF1 with the same hash, a salt as long as the hash
    /// (RFC 8230 section 2, RFC 7518 section 3.5).
    RsaPss(HashAlgorithm),
    /// RSASSA-PKCS1-v1_5: certificates, CRLs, OCSP, CMS.
    RsaPkcs1(HashAlgorithm),
    /// ECDSA, `r` and `s` as octet strings of the curve's size one after the
    /// other: COSE and JWS.
    EcdsaFixed(HashAlgorithm),
    /// ECDSA as a DER `SEQUENCE`: X.509 and CMS.
    EcdsaDer(HashAlgorithm),
    /// Pure Ed25519.
    Ed25519,
}

/// The six signature algorithms of the specification (signature-specification,
/// "Signature Algorithm Requirements").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PSS with SHA-256, RSA 2048.
    Ps256,
    /// RSASSA-PSS with SHA-384, RSA 3072.
    Ps384,
    /// RSASSA-PSS with SHA-512, RSA 4096.
    Ps512,
    /// ECDSA on secp256r1 with SHA-256.
    Es256,
    /// ECDSA on secp384r1 with SHA-384.
    Es384,
    /// ECDSA on secp521r1 with SHA-512.
    Es512,
}

impl SignatureAlgorithm {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];

    /// The algorithm that a signing key must be used with, or `None` where the
    /// specification does not allow the key ("Algorithm Selection").
    #[must_use]
    pub const fn for_key(kind: KeyKind) -> Option<Self> {
        match kind {
            KeyKind::Rsa { bits: 2048 } => Some(Self::Ps256),
            KeyKind::Rsa { bits: 3072 } => Some(Self::Ps384),
            KeyKind::Rsa { bits: 4096 } => Some(Self::Ps512),
            KeyKind::Ec(Curve::P256) => Some(Self::Es256),
            KeyKind::Ec(Curve::P384) => Some(Self::Es384),
            KeyKind::Ec(Curve::P521) => Some(Self::Es512),
            KeyKind::Rsa { .. } | KeyKind::Ec(Curve::P224) | KeyKind::Ed25519 => None,
        }
    }

    /// The hash of the algorithm; a blob's descriptor uses it too.
    #[must_use]
    pub const fn hash(self) -> HashAlgorithm {
        match self {
            Self::Ps256 | Self::Es256 => HashAlgorithm::Sha256,
            Self::Ps384 | Self::Es384 => HashAlgorithm::Sha384,
            Self::Ps512 | Self::Es512 => HashAlgorithm::Sha512,
        }
    }

    /// How the signature in an envelope is encoded.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Ps256 | Self::Ps384 | Self::Ps512 => Scheme::RsaPss(self.hash()),
            Self::Es256 | Self::Es384 | Self::Es512 => Scheme::EcdsaFixed(self.hash()),
        }
    }

    /// The JWS `alg` (RFC 7518): `PS256`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// The COSE `alg` (RFC 9053, RFC 8230): -37.
    #[must_use]
    pub const fn cose(self) -> i64 {
        match self {
            Self::Ps256 => -37,
            Self::Ps384 => -38,
            Self::Ps512 => -39,
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Es512 => -36,
        }
    }
}
