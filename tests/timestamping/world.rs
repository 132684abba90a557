//! What is signed, by whom, and who verifies it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notation_verifier::envelope::{MediaType, SigningScheme};
use notation_verifier::io::evidence::{EvidenceFetcher, FetchOptions, PrivateAddresses};
use notation_verifier::io::timestamp::{TimestampAuthority, TimestampOptions};
use notation_verifier::sign::local::LocalSigner;
use notation_verifier::sign::payload::payload;
use notation_verifier::sign::{SigningRequest, Stamped};
use notation_verifier::trust::StoreKind;
use notation_verifier::verifier::{EnvelopeRequest, Scope};
use notation_verifier::wire::Descriptor;
use notation_verifier::{Error, Limits, OciPolicy, Provider, Report, Time, TrustStore, Verifier};

use crate::tsa::{Signing, Tsa};

/// An authority, and a signer who wants its time-stamps.
pub struct World {
    pub tsa: Tsa,
    pub signing: Signing,
    pub signer: LocalSigner,
    pub payload: Vec<u8>,
    pub target: Descriptor,
}

pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(i64::try_from(since.as_secs()).unwrap())
}

/// A fetcher that knows nothing yet.
pub fn fetcher() -> EvidenceFetcher {
    let mut options = FetchOptions::default();
    options.egress.private_addresses = PrivateAddresses::Allow;
    options.ocsp_timeout = Duration::from_secs(30);
    options.crl_timeout = Duration::from_secs(30);
    EvidenceFetcher::new(options, Provider::preferred(), &Limits::default())
}

/// Options with which nothing waits long.
pub fn options() -> TimestampOptions {
    let mut options = TimestampOptions::default();
    options.first_pause = Duration::from_millis(10);
    options
}

impl World {
    pub fn new() -> Self {
        let tsa = Tsa::start();
        let signing = tsa.signing("now");
        let limits = Limits::default();
        let target = Descriptor {
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            digest: format!("sha256:{}", "ab".repeat(32)),
            size: 42,
            ..Descriptor::default()
        };
        Self {
            signer: LocalSigner::from_pem(&signing.key, &signing.chain, &limits).unwrap(),
            payload: payload(&target).unwrap(),
            tsa,
            signing,
            target,
        }
    }

    pub fn authority(&self, url: &str, options: TimestampOptions) -> TimestampAuthority {
        self.believing(url, &self.tsa.root(), options)
    }

    pub fn believing(
        &self,
        url: &str,
        root: &[u8],
        options: TimestampOptions,
    ) -> TimestampAuthority {
        TimestampAuthority::new(url, &[root], fetcher(), options, &Limits::default()).unwrap()
    }

    pub fn sign(&self, authority: &TimestampAuthority) -> Result<Stamped, Error> {
        self.sign_as(MediaType::Cose, authority)
    }

    pub fn sign_as(
        &self,
        media_type: MediaType,
        authority: &TimestampAuthority,
    ) -> Result<Stamped, Error> {
        let now = now();
        let request = SigningRequest {
            media_type,
            payload: &self.payload,
            certificates: &[],
            scheme: SigningScheme::X509,
            signing_time: now,
            expiry: None,
            signing_agent: None,
        };
        let (provider, limits) = (Provider::preferred(), Limits::default());
        authority.sign(&request, &self.signer, now, &provider, &limits)
    }

    /// What a verifier says that wants a time-stamp of this authority.
    pub fn verify(&self, media_type: MediaType, envelope: &[u8]) -> Report {
        let (provider, limits) = (Provider::preferred(), Limits::default());
        let policy = br#"{"version": "1.0", "trustPolicies": [{
            "name": "all", "registryScopes": ["*"],
            "signatureVerification": {"level": "strict", "verifyTimestamp": "always"},
            "trustStores": ["ca:acme", "tsa:acme"], "trustedIdentities": ["*"]}]}"#;
        let trust = TrustStore::builder()
            .add_pem(
                StoreKind::Ca,
                "acme",
                &self.signing.root,
                &provider,
                &limits,
            )
            .unwrap()
            .add_pem(StoreKind::Tsa, "acme", &self.tsa.root(), &provider, &limits)
            .unwrap();
        let verifier = Verifier::builder()
            .oci_policy(OciPolicy::parse(policy, &limits).unwrap())
            .trust_store(trust.build())
            .build();
        let request = EnvelopeRequest {
            scope: Scope::Repository("registry.example/app"),
            media_type: media_type.as_str(),
            envelope,
            target: &self.target,
            user_metadata: &BTreeMap::new(),
            now: now(),
        };
        verifier.verify_envelope(&request, &mut fetcher()).unwrap()
    }
}
