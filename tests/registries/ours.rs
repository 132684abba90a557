//! This verifier, as a library.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notation_verifier::io::config::ConfigDirectory;
use notation_verifier::io::drive;
use notation_verifier::io::registry::{
    Credential, NoCredentials, OneCredential, Proxies, RegistryClient, RegistryOptions,
};
use notation_verifier::io::{Budget, Run};
use notation_verifier::oci::Reference;
use notation_verifier::registry::Scheme;
use notation_verifier::report::Report;
use notation_verifier::session::{ImageRequest, Platforms};
use notation_verifier::{Limits, Provider, Time, Verifier};

use super::{PASSWORD, Registry, USERNAME};

/// A verifier with a configuration folder of notation.
pub fn verifier(folder: &Path) -> Verifier {
    ConfigDirectory::at(folder)
        .oci_verifier(Provider::preferred(), Limits::default())
        .unwrap()
        .verifier
}

/// Options that take nothing from the environment of the test.
pub fn options() -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.proxies = Proxies::Direct;
    options.credentials = Arc::new(NoCredentials);
    options
}

/// The account of the tests.
pub fn account() -> Arc<OneCredential> {
    Arc::new(OneCredential(Credential::password(USERNAME, PASSWORD)))
}

/// What a client needs for `registry`, without an account.
pub fn options_for(registry: &Registry) -> RegistryOptions {
    let mut options = options();
    if registry.security.tls {
        options.loopback = Scheme::Https;
        options.tls.ca_files = vec![registry.ca()];
    }
    if let Some(realm) = registry.token_address() {
        options.allowed_realms = vec![realm.parse().unwrap()];
    }
    options
}

/// The status of an image and the whole report.
pub fn verify(
    verifier: &Verifier,
    client: &RegistryClient,
    reference: &str,
    budget: Duration,
    all_signatures: bool,
) -> Report {
    let parsed = Reference::parse(reference).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (repository, tag_or_digest) = match reference.split_once('@') {
        Some((repository, digest)) => (repository, digest),
        None => reference.rsplit_once(':').unwrap(),
    };
    let session = verifier
        .verify_image(ImageRequest {
            name: reference.to_owned(),
            scope: repository.to_owned(),
            reference: tag_or_digest.to_owned(),
            user_metadata: BTreeMap::new(),
            max_signatures: None,
            all_signatures,
            platforms: Platforms::Named,
            now: Time::from_unix(i64::try_from(now.as_secs()).unwrap()),
        })
        .unwrap();
    let run = Run::default().with_budget(Budget::of(budget));
    let mut host = client.host(&parsed).in_run(run);
    drive(session, &mut host).unwrap()
}
