//! Every bound of the verifier, each with where it comes from.
//!
//! A bound is checked before the memory or the work that it bounds is spent.

/// Annotations of one manifest. Neither specification has a bound; signatures
/// carry two.
pub(crate) const MAX_ANNOTATIONS: usize = 1_000;

/// Bits of the smallest RSA modulus that a signature is accepted from: what the
/// reference implementation's library takes. Such keys occur in old authorities;
/// for signing keys the specification asks for 2048 bits and more.
pub const RSA_MODULUS_MIN_BITS: usize = 1024;
/// Bits of the largest RSA modulus. The work of a verification grows with the
/// square; no backend takes more.
pub const RSA_MODULUS_MAX_BITS: usize = 8192;
/// The largest RSA exponent: it fits 31 bits, as in the reference
/// implementation's library. The work grows with its length.
pub const RSA_EXPONENT_MAX: u64 = (1 << 31) - 1;

/// Files of evidence that are given beforehand. The CRLs of all authorities of
/// the public web are fewer.
pub const PRELOADED_FILES: usize = 10_000;
/// Octets of evidence that is given beforehand: it is kept in memory.
pub const PRELOADED_BYTES: usize = 512 * 1024 * 1024;

/// Bounds on what a verification may read, count and nest.
///
/// All sizes are in bytes. [`Limits::default`] is meant for everyone; raise a
/// bound only for an artifact that you know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A signature envelope (COSE or JWS). The reference implementation reads
    /// signature blobs of up to 32 MiB; real ones are below 20 KiB.
    pub envelope_bytes: usize,
    /// The protected header of an envelope. It is decoded before the signature
    /// is verified; real ones are below 1 KiB.
    pub protected_header_bytes: usize,
    /// Parameters in one header of an envelope; real ones have fewer than ten.
    pub header_parameters: usize,
    /// The payload of an envelope: one descriptor with its annotations.
    pub payload_bytes: usize,
    /// A manifest or an index. OCI distribution: registries should accept
    /// manifests of 4 MiB, and clients need not read more.
    pub manifest_bytes: usize,
    /// A trust policy document. A Kubernetes ConfigMap, where policies of
    /// clusters are kept, holds no more.
    pub policy_bytes: usize,
    /// Values in a trust policy document: objects, arrays, texts. Empty ones take
    /// a hundred times their length in memory.
    pub policy_values: usize,
    /// Trusted identities in one statement of a trust policy. Each is compared
    /// with each other for overlap, so the work grows with the square.
    pub policy_identities: usize,
    /// One certificate file of a trust store.
    pub trust_store_file_bytes: usize,
    /// All certificate files of one named trust store. The certificates of the
    /// public web take 300 KiB.
    pub trust_store_bytes: usize,
    /// Files looked at in one named trust store.
    pub trust_store_files: usize,
    /// One certificate in DER.
    pub certificate_bytes: usize,
    /// Certificates in one chain. RFC 5280 has no bound; real chains have at
    /// most five.
    pub chain_certificates: usize,
    /// A time-stamp token, or the answer of an authority with one. Real ones are
    /// below 10 KiB; the reference's client reads 1 MiB.
    pub token_bytes: usize,
    /// Nesting of elements in a time-stamp token. Certificates reach 10, a token
    /// within a token's attributes 20.
    pub token_nesting: usize,
    /// Certificates in a time-stamp token. Real ones have at most five.
    pub token_certificates: usize,
    /// Signers of a time-stamp token. RFC 3161 section 2.4.2: one.
    pub token_signers: usize,
    /// Signed attributes of one signer of a time-stamp token. Real ones have
    /// four to six.
    pub token_attributes: usize,
    /// Certificates tried in search of the chain of a time-stamp token. The
    /// reference's library stops after 100.
    pub token_path_steps: usize,
    /// Nesting of CBOR items. The reference's decoder stops at 32.
    pub cbor_nesting: usize,
    /// Items in one CBOR envelope, counted over the whole document.
    pub cbor_items: usize,
    /// Nesting of JSON values (the parser's own bound).
    pub json_nesting: usize,
    /// Octets of an RSA modulus in a certificate: 8192 bits. More has no effect,
    /// see [`RSA_MODULUS_MAX_BITS`].
    pub rsa_modulus_bytes: usize,
    /// Characters of a distinguished name in a trust policy, or octets of one
    /// in a certificate.
    pub name_bytes: usize,
    /// Attributes in one distinguished name.
    pub name_attributes: usize,
    /// Signatures evaluated for one artifact. The specification's reference
    /// command has the same option, with 100.
    pub signatures: usize,
    /// Referrer pages read for one artifact, empty ones included.
    pub referrer_pages: usize,
    /// Descriptors read from referrer pages or an index for one artifact.
    pub referrers: usize,
    /// Tags of one repository that are listed. Large registries have some ten thousand.
    pub tags: usize,
    /// Pages on which they come: registries give 50 to 1,000 at a time.
    pub tag_pages: usize,
    /// Indexes within indexes: index, platform index, manifests are three.
    pub index_nesting: usize,
    /// Referrers of referrers: a signature of an image's bill of materials is two.
    pub referrer_nesting: usize,
    /// Layers of one manifest that is copied. Container runtimes take 127; artifacts
    /// have more.
    pub layers: usize,
    /// Manifests that are copied for one image: index, children, and all referrers.
    pub copied_manifests: usize,
    /// Blobs that are copied for one image.
    pub copied_blobs: usize,
    /// One blob that is copied: registries take layers of up to 200 GiB.
    pub copied_blob_bytes: u64,
    /// Manifests and indexes that are verified for one index, where all count.
    /// Real indexes have at most a few dozen.
    pub platforms: usize,
    /// A file that names images. The image-info of the largest publisher known here
    /// has some 5 MiB.
    pub image_list_bytes: usize,
    /// Values in an image-info: objects, arrays, texts.
    pub image_list_values: usize,
    /// Images that files name for one run.
    pub image_list_images: usize,
    /// Octets fetched for one artifact in total: manifests, indexes, envelopes.
    pub artifact_bytes: u64,
    /// One OCSP answer or CRL. The reference reads CRLs of up to 32 MiB.
    pub evidence_bytes: usize,
    /// One OCSP response. The reference reads 20 KiB; real ones have 1 to 4.
    pub ocsp_response_bytes: usize,
    /// Addresses of OCSP responders, or of CRLs, or of delta CRLs that are tried
    /// for one certificate. Real certificates have one or two.
    pub revocation_addresses: usize,
    /// Rounds of fetching evidence for one artifact: each address of each
    /// certificate can be a round, then CRLs, then their deltas.
    pub evidence_rounds: usize,
    /// Entries of a tar archive (an OCI layout).
    pub tar_entries: usize,
    /// Octets of a tar archive that comes as a stream. What is not kept only
    /// passes; this ends a stream that never does.
    pub tar_stream_bytes: u64,
    /// Verifications recorded in one evidence bundle: a large publish has some
    /// thousands of images.
    pub bundle_recordings: usize,
    /// Requests recorded in one evidence bundle. An image has about ten.
    pub bundle_exchanges: usize,
    /// Octets of everything that was recorded in one evidence bundle.
    pub bundle_bytes: u64,
    /// A detached blob whose signature is verified: 0 is no bound, it is read
    /// as a stream.
    pub blob_bytes: u64,
    /// Chains kept by a verifier for the next signature of the same signer, and as
    /// many of time-stamping authorities.
    pub cached_chains: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope_bytes: 4 * 1024 * 1024,
            protected_header_bytes: 256 * 1024,
            header_parameters: 1_000,
            payload_bytes: 1024 * 1024,
            manifest_bytes: 4 * 1024 * 1024,
            policy_bytes: 1024 * 1024,
            policy_values: 50_000,
            policy_identities: 1_000,
            trust_store_file_bytes: 4 * 1024 * 1024,
            trust_store_bytes: 8 * 1024 * 1024,
            trust_store_files: 1_000,
            certificate_bytes: 64 * 1024,
            chain_certificates: 20,
            token_bytes: 1024 * 1024,
            token_nesting: 64,
            token_certificates: 32,
            token_signers: 8,
            token_attributes: 64,
            token_path_steps: 100,
            cbor_nesting: 32,
            cbor_items: 20_000,
            json_nesting: 128,
            rsa_modulus_bytes: RSA_MODULUS_MAX_BITS / 8,
            name_bytes: 64 * 1024,
            name_attributes: 256,
            signatures: 100,
            referrer_pages: 100,
            referrers: 10_000,
            tags: 1_000_000,
            tag_pages: 20_000,
            index_nesting: 8,
            referrer_nesting: 8,
            layers: 10_000,
            copied_manifests: 10_000,
            copied_blobs: 100_000,
            copied_blob_bytes: 256 * 1024 * 1024 * 1024,
            platforms: 256,
            image_list_bytes: 16 * 1024 * 1024,
            image_list_values: 1_000_000,
            image_list_images: 100_000,
            artifact_bytes: 256 * 1024 * 1024,
            evidence_bytes: 32 * 1024 * 1024,
            ocsp_response_bytes: 64 * 1024,
            revocation_addresses: 16,
            evidence_rounds: 64,
            tar_entries: 100_000,
            tar_stream_bytes: 64 * 1024 * 1024 * 1024,
            bundle_recordings: 10_000,
            bundle_exchanges: 100_000,
            bundle_bytes: 1024 * 1024 * 1024,
            blob_bytes: 0,
            cached_chains: 256,
        }
    }
}
