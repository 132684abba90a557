//! One question of a verification and what came of it, as a layer with
//! annotations.

use std::collections::BTreeMap;

use super::format::annotation;
use crate::evidence::{Content, EvidenceReply, EvidenceRequest, ListKind};
use crate::oci::media_type::{OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, OCTET_STREAM};
use crate::session::{Reply, Request};
use crate::time::Time;
use crate::wire::{Descriptor, base64};

/// What was asked. The digests are those that were asked for, whatever came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Resolve {
        reference: String,
    },
    Referrers {
        subject: String,
        page: Option<String>,
    },
    Manifest {
        digest: String,
    },
    Envelope {
        digest: String,
    },
    Ocsp {
        url: String,
        request: Vec<u8>,
    },
    Crl {
        url: String,
        kind: ListKind,
    },
}

impl Key {
    /// The key of `request`, where it is something to record: a blob is never
    /// fetched.
    pub(super) fn of(request: &Request) -> Option<Self> {
        Some(match request {
            Request::Resolve { reference } => Self::Resolve {
                reference: reference.clone(),
            },
            Request::Referrers { subject, page } => Self::Referrers {
                subject: subject.clone(),
                page: page.clone(),
            },
            Request::Manifest(descriptor) => Self::Manifest {
                digest: descriptor.digest.clone(),
            },
            Request::Envelope(descriptor) => Self::Envelope {
                digest: descriptor.digest.clone(),
            },
            Request::Evidence(request) => Self::of_evidence(request),
            Request::BlobDigest(_) => return None,
        })
    }

    pub(super) fn of_evidence(request: &EvidenceRequest) -> Self {
        match request {
            EvidenceRequest::Ocsp { url, request } => Self::Ocsp {
                url: url.clone(),
                request: request.clone(),
            },
            EvidenceRequest::Crl { url, kind, .. } => Self::Crl {
                url: url.clone(),
                kind: *kind,
            },
        }
    }

    /// Whether this is about revocation: such answers are signed and dated by
    /// authorities, and fit every artifact.
    pub(super) const fn is_evidence(&self) -> bool {
        matches!(self, Self::Ocsp { .. } | Self::Crl { .. })
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "resolve",
            Self::Referrers { .. } => "referrers",
            Self::Manifest { .. } => "manifest",
            Self::Envelope { .. } => "envelope",
            Self::Ocsp { .. } => "ocsp",
            Self::Crl {
                kind: ListKind::Complete,
                ..
            } => "crl",
            Self::Crl {
                kind: ListKind::Delta,
                ..
            } => "delta-crl",
        }
    }

    fn annotate(&self, annotations: &mut BTreeMap<String, String>) {
        let mut add = |name: &str, value: &str| {
            annotations.insert(name.to_owned(), value.to_owned());
        };
        add(annotation::REQUEST, self.name());
        match self {
            Self::Resolve { reference } => add(annotation::REFERENCE, reference),
            Self::Referrers { subject, page } => {
                add(annotation::DIGEST, subject);
                if let Some(page) = page {
                    add(annotation::PAGE, page);
                }
            }
            Self::Manifest { digest } | Self::Envelope { digest } => {
                add(annotation::DIGEST, digest);
            }
            Self::Ocsp { url, request } => {
                add(annotation::URL, url);
                add(annotation::OCSP_REQUEST, &base64::encode_standard(request));
            }
            Self::Crl { url, .. } => add(annotation::URL, url),
        }
    }

    /// Reads what [`annotate`](Self::annotate) wrote.
    fn of_annotations(annotations: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = |name: &str| {
            annotations
                .get(name)
                .cloned()
                .ok_or_else(|| format!("the annotation `{name}` is missing"))
        };
        Ok(match text(annotation::REQUEST)?.as_str() {
            "resolve" => Self::Resolve {
                reference: text(annotation::REFERENCE)?,
            },
            "referrers" => Self::Referrers {
                subject: text(annotation::DIGEST)?,
                page: annotations.get(annotation::PAGE).cloned(),
            },
            "manifest" => Self::Manifest {
                digest: text(annotation::DIGEST)?,
            },
            "envelope" => Self::Envelope {
                digest: text(annotation::DIGEST)?,
            },
            "ocsp" => Self::Ocsp {
                url: text(annotation::URL)?,
                request: base64::decode_standard(&text(annotation::OCSP_REQUEST)?)
                    .ok_or_else(|| format!("`{}` is not base64", annotation::OCSP_REQUEST))?,
            },
            "crl" => Self::Crl {
                url: text(annotation::URL)?,
                kind: ListKind::Complete,
            },
            "delta-crl" => Self::Crl {
                url: text(annotation::URL)?,
                kind: ListKind::Delta,
            },
            _ => return Err(format!("the value of `{}` is unknown", annotation::REQUEST)),
        })
    }

    /// The media type of the body of an answer that has none of its own.
    const fn media_type(&self) -> &'static str {
        match self {
            Self::Ocsp { .. } => "application/ocsp-response",
            Self::Crl { .. } => "application/pkix-crl",
            Self::Manifest { .. } => OCI_MANIFEST,
            _ => OCTET_STREAM,
        }
    }
}

/// What came of a request. `B` is a body, or where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<B> {
    Content {
        /// The media type that came with it.
        media_type: Option<String>,
        body: B,
    },
    /// The body is an index with the one descriptor that the host's own index has.
    Resolved(B),
    /// The body is an index.
    Referrers {
        body: B,
        next: Option<String>,
        problems: Vec<String>,
    },
    NotFound,
    Failed(String),
}

impl Answer<Content> {
    /// `None` for a reply that belongs to no request that is recorded.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        Some(match reply {
            Reply::Content { media_type, bytes } => Self::Content {
                media_type: media_type.clone(),
                body: bytes.clone().into(),
            },
            Reply::Resolved(descriptor) => Self::Resolved(index(std::slice::from_ref(descriptor))),
            Reply::Referrers {
                descriptors,
                next,
                problems,
            } => Self::Referrers {
                body: index(descriptors),
                next: next.clone(),
                problems: problems.clone(),
            },
            Reply::Evidence(reply) => Self::of_evidence(reply),
            Reply::NotFound => Self::NotFound,
            Reply::Failed(why) => Self::Failed(why.clone()),
            Reply::BlobDigest { .. } => return None,
        })
    }

    pub(super) fn of_evidence(reply: &EvidenceReply) -> Self {
        match reply {
            EvidenceReply::Content(content) => Self::Content {
                media_type: None,
                body: content.clone(),
            },
            EvidenceReply::Unavailable(why) => Self::Failed(why.clone()),
        }
    }
}

impl<B> Answer<B> {
    /// Where the body is, if there is one.
    pub(super) const fn body(&self) -> Option<&B> {
        match self {
            Self::Content { body, .. } | Self::Resolved(body) | Self::Referrers { body, .. } => {
                Some(body)
            }
            Self::NotFound | Self::Failed(_) => None,
        }
    }

    /// The same with the body elsewhere.
    pub(super) fn map<C>(self, place: impl FnOnce(B) -> C) -> Answer<C> {
        match self {
            Self::Content { media_type, body } => Answer::Content {
                media_type,
                body: place(body),
            },
            Self::Resolved(body) => Answer::Resolved(place(body)),
            Self::Referrers {
                body,
                next,
                problems,
            } => Answer::Referrers {
                body: place(body),
                next,
                problems,
            },
            Self::NotFound => Answer::NotFound,
            Self::Failed(why) => Answer::Failed(why),
        }
    }
}

/// A request, when it was answered, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exchange<B> {
    pub(super) key: Key,
    pub(super) at: Time,
    pub(super) answer: Answer<B>,
}

impl Exchange<Descriptor> {
    /// The layer of this exchange; `empty` is the descriptor of `{}`, for answers
    /// without a body.
    pub(super) fn layer(&self, empty: &Descriptor) -> Descriptor {
        let mut annotations = BTreeMap::new();
        self.key.annotate(&mut annotations);
        let mut add = |name: &str, value: &str| {
            annotations.insert(name.to_owned(), value.to_owned());
        };
        add(annotation::TIME, &self.at.to_string());
        let media_type = match &self.answer {
            Answer::Content { media_type, .. } => {
                add(annotation::REPLY, "content");
                if let Some(media_type) = media_type {
                    add(annotation::MEDIA_TYPE, media_type);
                }
                // A header of a server may be anything.
                media_type
                    .as_deref()
                    .filter(|text| crate::oci::media_type::is_well_formed(text))
                    .unwrap_or(self.key.media_type())
            }
            Answer::Resolved(_) => {
                add(annotation::REPLY, "resolved");
                OCI_INDEX
            }
            Answer::Referrers { next, problems, .. } => {
                add(annotation::REPLY, "referrers");
                if let Some(next) = next {
                    add(annotation::NEXT, next);
                }
                if !problems.is_empty() {
                    add(
                        annotation::PROBLEMS,
                        &serde_json::json!(problems).to_string(),
                    );
                }
                OCI_INDEX
            }
            Answer::NotFound => {
                add(annotation::REPLY, "not-found");
                OCI_EMPTY
            }
            Answer::Failed(why) => {
                add(annotation::REPLY, "failed");
                add(annotation::CAUSE, why);
                OCI_EMPTY
            }
        };
        let body = self.answer.body().unwrap_or(empty);
        Descriptor {
            media_type: media_type.to_owned(),
            digest: body.digest.clone(),
            size: body.size,
            artifact_type: None,
            annotations,
        }
    }

    /// Reads what [`layer`](Self::layer) wrote; `None` where the layer is no
    /// exchange.
    pub(super) fn of_layer(layer: &Descriptor) -> Result<Option<Self>, String> {
        let annotations = &layer.annotations;
        let Some(reply) = annotations.get(annotation::REPLY) else {
            return Ok(None);
        };
        let body = Descriptor {
            annotations: BTreeMap::new(),
            ..layer.clone()
        };
        let answer = match reply.as_str() {
            "content" => Answer::Content {
                media_type: annotations.get(annotation::MEDIA_TYPE).cloned(),
                body,
            },
            "resolved" => Answer::Resolved(body),
            "referrers" => Answer::Referrers {
                body,
                next: annotations.get(annotation::NEXT).cloned(),
                problems: match annotations.get(annotation::PROBLEMS) {
                    None => Vec::new(),
                    Some(text) => serde_json::from_str(text)
                        .map_err(|_| format!("`{}` is no list of texts", annotation::PROBLEMS))?,
                },
            },
            "not-found" => Answer::NotFound,
            "failed" => Answer::Failed(
                annotations
                    .get(annotation::CAUSE)
                    .cloned()
                    .unwrap_or_default(),
            ),
            _ => return Err(format!("the value of `{}` is unknown", annotation::REPLY)),
        };
        let at = annotations
            .get(annotation::TIME)
            .and_then(|text| Time::parse_rfc3339(text))
            .ok_or_else(|| format!("`{}` is missing or no time", annotation::TIME))?;
        Ok(Some(Self {
            key: Key::of_annotations(annotations)?,
            at,
            answer,
        }))
    }
}

/// A descriptor as documents have it.
pub(super) fn descriptor_json(descriptor: &Descriptor) -> serde_json::Value {
    let mut value = serde_json::json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    });
    if let Some(members) = value.as_object_mut() {
        if let Some(artifact_type) = &descriptor.artifact_type {
            members.insert("artifactType".to_owned(), artifact_type.as_str().into());
        }
        if !descriptor.annotations.is_empty() {
            let annotations = serde_json::json!(descriptor.annotations);
            members.insert("annotations".to_owned(), annotations);
        }
    }
    value
}

fn index(descriptors: &[Descriptor]) -> Content {
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": descriptors.iter().map(descriptor_json).collect::<Vec<_>>(),
    });
    index.to_string().into_bytes().into()
}
