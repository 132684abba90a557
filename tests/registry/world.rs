//! The demo's image and its signatures behind the distribution API.

use std::sync::Arc;

use notation_verifier::io::registry::{NoCredentials, Proxies, RegistryClient, RegistryOptions};
use notation_verifier::io::{Host, Run, drive};
use notation_verifier::oci::Reference;
use notation_verifier::report::{ArtifactStatus, Report};
use notation_verifier::session::{Need, Reply, Request};
use notation_verifier::wire::Descriptor;
use serde_json::{Value, json};

use crate::memory::{IMAGE, Registry, image_request, verifier};
use crate::server::{Answer, Asked, Server};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A repository: what it holds, and which referrers it lists how.
pub struct World {
    held: Registry,
    image: Vec<u8>,
    /// One list for each page.
    pages: Vec<Vec<Descriptor>>,
    api: bool,
}

impl World {
    /// The image with one good signature, in a registry with the referrers API.
    pub fn signed() -> Self {
        Self::of(Registry::with_good())
    }

    pub fn unsigned() -> Self {
        Self::of(Registry::default())
    }

    pub fn of(mut held: Registry) -> Self {
        let image = held.image();
        let image = held.blobs[&image.digest].clone();
        let pages = std::mem::take(&mut held.pages);
        Self {
            held,
            image,
            pages,
            api: true,
        }
    }

    /// The same in a registry that has the tag in place of the API.
    pub fn without_api(mut self) -> Self {
        self.api = false;
        self
    }

    /// The answer to a request for any repository.
    pub fn answer(&self, asked: &Asked) -> Answer {
        let missing = || {
            let errors = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]});
            Answer::new(404, "application/json", errors.to_string())
        };
        let path = asked.path();
        let tag = IMAGE.replace(':', "-");
        if let Some(reference) = between(path, "/manifests/") {
            if reference == tag && !self.api && !self.pages.is_empty() {
                return Answer::new(200, INDEX, self.index(self.pages.concat()));
            }
            if reference == "v1" || reference == IMAGE {
                return Answer::new(200, MANIFEST, self.image.clone());
            }
            return match self.held.blobs.get(reference) {
                Some(bytes) => Answer::new(200, MANIFEST, bytes.clone()),
                None => missing(),
            };
        }
        if let Some(digest) = between(path, "/blobs/") {
            return match self.held.blobs.get(digest) {
                Some(bytes) => Answer::new(200, "application/octet-stream", bytes.clone()),
                None => missing(),
            };
        }
        if between(path, "/referrers/").is_some() {
            if !self.api {
                return Answer::new(404, "text/plain", "404 page not found");
            }
            let number: usize = asked
                .target
                .split_once("page=")
                .map_or(0, |(_, number)| number.parse().unwrap());
            let page = self.pages.get(number).cloned().unwrap_or_default();
            let answer = Answer::new(200, INDEX, self.index(page));
            if number + 1 < self.pages.len() {
                return answer.with(
                    "link",
                    format!("<{path}?page={}>; rel=\"next\"", number + 1),
                );
            }
            return answer;
        }
        Answer::new(404, "text/plain", "404 page not found")
    }

    fn index(&self, entries: Vec<Descriptor>) -> String {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| {
                json!({
                    "mediaType": entry.media_type,
                    "digest": entry.digest,
                    "size": entry.size,
                    "artifactType": entry.artifact_type,
                })
            })
            .collect();
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string()
    }

    /// A server for it, without TLS.
    pub fn serve(self) -> Server {
        Server::start(move |asked| self.answer(asked))
    }
}

fn between<'a>(path: &'a str, middle: &str) -> Option<&'a str> {
    let (start, rest) = path.split_once(middle)?;
    start.starts_with("/v2/").then_some(rest)
}

/// Options that depend on nothing of this machine, with short pauses.
pub fn options() -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.proxies = Proxies::Direct;
    options.credentials = Arc::new(NoCredentials);
    options.pace.first_pause = std::time::Duration::from_millis(5);
    options
}

pub fn client() -> RegistryClient {
    RegistryClient::new(options())
}

/// The demo's image in the repository `demo/app` of a registry.
pub fn image(registry: &str) -> Reference {
    Reference::parse(&format!("{registry}/demo/app@{IMAGE}")).unwrap()
}

/// Verifies the demo's image by digest.
pub fn verify(client: &RegistryClient, server: &Server) -> Report {
    verify_in(client, &image(&server.name()), Run::default())
}

pub fn verify_in(client: &RegistryClient, reference: &Reference, run: Run) -> Report {
    let mut host = client.host(reference).in_run(run);
    let what = match (reference.digest(), reference.tag()) {
        (Some(digest), _) => digest.to_string(),
        (None, tag) => tag.unwrap().to_owned(),
    };
    let session = verifier().verify_image(image_request(&what)).unwrap();
    drive(session, &mut host).unwrap()
}

/// Asks a registry for one thing.
pub fn fetch(client: &RegistryClient, server: &Server, request: Request) -> Reply {
    let need = Need {
        id: notation_verifier::session::NeedId(0),
        request,
        max_bytes: 64 * 1024,
    };
    client.host(&image(&server.name())).fetch(&need)
}

/// Why the look-up failed; stops the test where it did not.
pub fn lookup_failure(report: &Report) -> String {
    assert_eq!(report.status(), ArtifactStatus::LookupFailed, "{report:#?}");
    report.lookup_failures().join("\n")
}
