//! A store behind HTTP, as much of a registry as a client that reads needs.
//! Registries of others are in suites of their own; this one can hang and count.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use notation_verifier::oci::media_type::OCI_INDEX;
use serde_json::{Value, json};

use crate::server::{Asked, Server, reply};
use crate::signed::{Store, plain};

/// User name and password of the repository `private`, in base64.
const BASIC: &str = "authorization: basic dxnlcjpwyxnzd29yza==";

pub fn serve(store: Store) -> Server {
    let store = Arc::new(store);
    Server::start(move |asked, stream| {
        if asked.target.contains("/hang/") {
            thread::sleep(Duration::from_secs(600));
        }
        let _ = stream.write_all(&answer(&store, asked));
    })
}

fn answer(store: &Store, asked: &Asked) -> Vec<u8> {
    let nothing = || {
        reply(
            "404 Not Found",
            &[("content-type", "application/json")],
            br#"{"errors":[{"code":"NOT_FOUND"}]}"#,
        )
    };
    if asked.target.contains("/private/") && !asked.head.contains(BASIC) {
        let challenge = [("www-authenticate", "Basic realm=\"test\"")];
        return reply("401 Unauthorized", &challenge, b"");
    }
    let path = asked.target.split('?').next().unwrap_or_default();
    let mut parts = path.rsplit('/');
    let (Some(name), Some(kind)) = (parts.next(), parts.next()) else {
        return nothing();
    };
    let name = name.replace("%3A", ":");
    if kind == "referrers" {
        let empty = Vec::new();
        let found = store.referrers.get(&name).unwrap_or(&empty);
        let manifests: Vec<Value> = found.iter().map(plain).collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        return reply(
            "200 OK",
            &[("content-type", OCI_INDEX)],
            index.to_string().as_bytes(),
        );
    }
    let digest = store.tags.get(&name).map_or(&name, |tagged| &tagged.digest);
    let Some(bytes) = store.blobs.get(digest) else {
        return nothing();
    };
    let media_type = match kind {
        "manifests" => store.types.get(digest).map(String::as_str),
        _ => Some("application/octet-stream"),
    };
    match media_type {
        Some(media_type) => reply(
            "200 OK",
            &[
                ("content-type", media_type),
                ("docker-content-digest", digest),
            ],
            bytes,
        ),
        None => nothing(),
    }
}
