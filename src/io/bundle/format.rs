//! The names in a bundle. `docs/EVIDENCE.md` describes the whole format.

/// The artifact type of a recording.
pub const ARTIFACT_TYPE: &str = "application/vnd.notation-verifier.evidence.v1";

/// Annotations of recordings and of their layers.
pub(super) mod annotation {
    /// When the bundle was written (image-spec, annotations).
    pub(in super::super) const CREATED: &str = "org.opencontainers.image.created";
    /// A tag, in `index.json` (image-spec, image-layout).
    pub(in super::super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
    /// As of when the verification judged.
    pub(in super::super) const AS_OF: &str = "notation-verifier.as-of";
    /// What selected the trust policy statement of an image.
    pub(in super::super) const SCOPE: &str = "notation-verifier.scope";
    /// The tag or digest that was asked for.
    pub(in super::super) const REFERENCE: &str = "notation-verifier.reference";
    /// What a person called it.
    pub(in super::super) const NAME: &str = "notation-verifier.name";

    /// What was asked: `resolve`, `referrers`, `manifest`, `envelope`, `ocsp`,
    /// `crl`, `delta-crl`.
    pub(in super::super) const REQUEST: &str = "notation-verifier.request";
    /// How it was answered: `content`, `resolved`, `referrers`, `not-found`,
    /// `failed`.
    pub(in super::super) const REPLY: &str = "notation-verifier.reply";
    /// When it was answered.
    pub(in super::super) const TIME: &str = "notation-verifier.time";
    /// The address of a responder or list.
    pub(in super::super) const URL: &str = "notation-verifier.url";
    /// The OCSP request, base64.
    pub(in super::super) const OCSP_REQUEST: &str = "notation-verifier.ocsp-request";
    /// The digest that was asked for.
    pub(in super::super) const DIGEST: &str = "notation-verifier.digest";
    /// The page of a list that was asked for.
    pub(in super::super) const PAGE: &str = "notation-verifier.page";
    /// Where the list goes on.
    pub(in super::super) const NEXT: &str = "notation-verifier.next";
    /// What could not be looked at, a JSON list of texts.
    pub(in super::super) const PROBLEMS: &str = "notation-verifier.problems";
    /// The media type that came with the content.
    pub(in super::super) const MEDIA_TYPE: &str = "notation-verifier.media-type";
    /// Why there is no answer.
    pub(in super::super) const CAUSE: &str = "notation-verifier.cause";
}
