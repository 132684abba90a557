//! What images and signatures a registry is filled with, and what is to be said
//! of them.

use serde_json::json;

use super::programs::Programs;
use super::push::Pusher;
use super::reference::Reference;
use super::{Kind, Registry};

/// One image, or index, and its signatures.
pub struct Scenario {
    pub name: &'static str,
    /// The status here.
    pub status: &'static str,
    /// How many signatures are listed.
    pub listed: usize,
    /// What the reference says.
    pub reference: Theirs,
    pub registries: On,
    build: fn(&mut World<'_>, &str) -> String,
}

/// How the reference answers `verify`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theirs {
    Same,
    /// It ends at a signature whose manifest it does not like, and does not look
    /// at the next one: a known difference.
    StopsThere,
    /// It passes over what is not listed as a signature: a known difference.
    PassesOver,
}

/// Which registries a scenario is for.
#[derive(Clone, Copy)]
pub enum On {
    All,
    /// Those where a list of referrers is an index that a client pushes.
    Tags,
    /// Those that list a manifest under its artifact type.
    ArtifactTypes,
    /// The one that lists it under the type of its config.
    ConfigTypes,
}

impl Scenario {
    pub fn runs_on(&self, kind: Kind) -> bool {
        match self.registries {
            On::All => true,
            On::Tags => !kind.has_referrers_api(),
            On::ArtifactTypes => kind != Kind::Ggcr,
            On::ConfigTypes => kind == Kind::Ggcr,
        }
    }

    /// Pushes and signs it in a repository of its own; the reference to it.
    pub fn build(&self, world: &mut World<'_>) -> String {
        let repository = format!("cases/{}", self.name);
        let tag_or_digest = (self.build)(world, &repository);
        world.registry.reference(&repository, &tag_or_digest)
    }
}

/// A registry that is being filled.
pub struct World<'a> {
    pub registry: &'a Registry,
    pub pusher: Pusher,
    pub reference: Reference<'a>,
    /// An image with one signature, to take that from.
    base: Option<String>,
}

const BASE: &str = "base/app";

impl<'a> World<'a> {
    pub fn new(programs: &'a Programs, registry: &'a Registry) -> Self {
        Self {
            registry,
            pusher: Pusher::start(programs, registry),
            reference: Reference::new(programs, registry),
            base: None,
        }
    }

    /// Signs with the reference command.
    pub fn sign(&mut self, repository: &str, digest: &str, key: &str, format: &str) {
        self.sign_with(repository, digest, key, format, &[]);
    }

    fn sign_with(
        &mut self,
        repository: &str,
        digest: &str,
        key: &str,
        format: &str,
        more: &[&str],
    ) {
        let reference = self.registry.reference(repository, digest);
        self.reference.sign(&reference, key, format, more);
    }

    /// An image in `repository`, signed once for each of `keys`.
    fn signed(&mut self, repository: &str, keys: &[(&str, &str)]) -> String {
        let digest = self.pusher.image(repository);
        for (key, format) in keys {
            self.sign(repository, &digest, key, format);
        }
        digest
    }

    fn base(&mut self) -> String {
        if let Some(base) = &self.base {
            return base.clone();
        }
        let base = self.signed(BASE, &[("ec", "cose")]);
        self.base = Some(base.clone());
        base
    }

    fn repack(
        &mut self,
        from: &str,
        digest: &str,
        to: &str,
        form: &str,
        more: &serde_json::Value,
    ) -> Vec<String> {
        let mut order = json!({
            "op": "repack", "repository": from, "digest": digest, "to": to, "form": form,
        });
        let (order_members, more) = (order.as_object_mut().unwrap(), more.as_object().unwrap());
        order_members.extend(more.clone());
        self.pusher.order(&order)
    }

    /// The base image in `repository`, with its signature in each of `forms`; the
    /// first form is listed first.
    fn forms(&mut self, repository: &str, forms: &[&str]) -> String {
        let base = self.base();
        let first = base_signature(self, &base);
        for (position, form) in forms.iter().enumerate() {
            let more = json!({
                "tag": "v1", "first": position == 0 && forms.len() > 1, "manifests": [first],
            });
            self.repack(BASE, &base, repository, form, &more);
        }
        base
    }

    fn index(&mut self, repository: &str, docker: bool) -> (String, Vec<String>) {
        let mut image = |text: &str| {
            self.pusher.one(&json!({
                "op": "image", "repository": repository, "tag": text, "text": text,
                "docker": docker,
            }))
        };
        let children = vec![image("amd64"), image("arm64")];
        let index = self.pusher.one(&json!({
            "op": "index", "repository": repository, "tag": "v1", "manifests": children,
            "docker": docker,
        }));
        (index, children)
    }
}

/// One manifest of the base image's signature, as the reference lists it.
fn base_signature(world: &World<'_>, base: &str) -> String {
    let reference = world.registry.reference(BASE, base);
    let mut listed = world.reference.list(&reference).unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0)
}

const EC: (&str, &str) = ("ec", "cose");
const RSA: (&str, &str) = ("rsa", "jws");
const STRANGER: (&str, &str) = ("stranger", "cose");

/// A scenario that is the same everywhere.
const fn all(
    name: &'static str,
    status: &'static str,
    listed: usize,
    build: fn(&mut World<'_>, &str) -> String,
) -> Scenario {
    Scenario {
        name,
        status,
        listed,
        reference: Theirs::Same,
        registries: On::All,
        build,
    }
}

pub const SCENARIOS: &[Scenario] = &[
    all("unsigned", "unsigned", 0, |world, repository| {
        world.signed(repository, &[])
    }),
    all("one-cose", "verified", 1, |world, repository| {
        world.signed(repository, &[EC])
    }),
    all("one-jws", "verified", 1, |world, repository| {
        world.signed(repository, &[RSA])
    }),
    all("by-tag", "verified", 1, |world, repository| {
        world.signed(repository, &[EC]);
        "v1".to_owned()
    }),
    all("three", "verified", 3, |world, repository| {
        world.signed(repository, &[EC, RSA, ("ec", "jws")])
    }),
    all("twenty", "verified", 20, |world, repository| {
        world.signed(repository, &[EC; 20])
    }),
    all("twenty-bad", "rejected", 20, |world, repository| {
        world.signed(repository, &[STRANGER; 20])
    }),
    all("stranger", "rejected", 1, |world, repository| {
        world.signed(repository, &[STRANGER])
    }),
    all("stranger-first", "verified", 2, |world, repository| {
        world.signed(repository, &[STRANGER, EC])
    }),
    all("artifact-type", "verified", 1, |world, repository| {
        world.forms(repository, &["artifact-type"])
    })
    .on(On::ArtifactTypes),
    all(
        "artifact-type-listed-as-config",
        "verified",
        1,
        |world, repository| world.forms(repository, &["artifact-type"]),
    )
    .reference(Theirs::PassesOver)
    .on(On::ConfigTypes),
    all("copied", "verified", 1, |world, repository| {
        world.forms(repository, &["config-type"])
    }),
    all("both-forms", "verified", 2, |world, repository| {
        world.forms(repository, &["config-type", "artifact-type"])
    })
    .on(On::ArtifactTypes),
    all("tampered", "rejected", 1, |world, repository| {
        world.forms(repository, &["tampered"])
    }),
    all("tampered-first", "verified", 2, |world, repository| {
        world.forms(repository, &["tampered", "config-type"])
    }),
    all("garbage", "rejected", 1, |world, repository| {
        world.forms(repository, &["garbage"])
    }),
    all("garbage-first", "verified", 2, |world, repository| {
        world.forms(repository, &["garbage", "config-type"])
    }),
    all("other-format", "rejected", 1, |world, repository| {
        world.forms(repository, &["other-format"])
    }),
    all("two-layers", "rejected", 1, |world, repository| {
        world.forms(repository, &["two-layers"])
    }),
    all("two-layers-first", "verified", 2, |world, repository| {
        world.forms(repository, &["two-layers", "config-type"])
    })
    .reference(Theirs::StopsThere),
    all("no-layers", "rejected", 1, |world, repository| {
        world.forms(repository, &["no-layers"])
    }),
    all("wrong-subject", "rejected", 1, |world, repository| {
        // The signature of the base image, attached to another one.
        let digest = world.pusher.image(repository);
        let base = world.base();
        let manifest = base_signature(world, &base);
        let more = json!({ "subject": digest, "manifests": [manifest] });
        world.repack(BASE, &base, repository, "config-type", &more);
        digest
    }),
    all("wrong-list", "rejected", 1, |world, repository| {
        // The list of one image names a signature manifest whose subject is another.
        let digest = world.pusher.image(repository);
        let base = world.base();
        let manifest = base_signature(world, &base);
        let more = json!({ "manifests": [manifest] });
        let pushed = world.repack(BASE, &base, repository, "artifact-type", &more);
        world.pusher.one(&json!({
            "op": "list", "repository": repository, "subject": digest, "manifests": pushed,
        }));
        digest
    })
    .on(On::Tags),
    all("sbom", "unsigned", 0, |world, repository| {
        let digest = world.pusher.image(repository);
        world.pusher.one(&json!({
            "op": "sbom", "repository": repository, "subject": digest,
        }));
        digest
    }),
    all("sbom-and-signature", "verified", 1, |world, repository| {
        let digest = world.pusher.image(repository);
        world.pusher.one(&json!({
            "op": "sbom", "repository": repository, "subject": digest,
        }));
        world.sign(repository, &digest, "ec", "cose");
        digest
    }),
    all("index", "verified", 1, |world, repository| {
        let (index, _) = world.index(repository, false);
        world.sign(repository, &index, "ec", "cose");
        index
    }),
    all(
        "index-child-unsigned",
        "unsigned",
        0,
        |world, repository| {
            let (index, children) = world.index(repository, false);
            world.sign(repository, &index, "ec", "cose");
            children[0].clone()
        },
    ),
    all("index-child-signed", "verified", 1, |world, repository| {
        let (_, children) = world.index(repository, false);
        world.sign(repository, &children[1], "ec", "cose");
        children[1].clone()
    }),
    all(
        "index-of-signed-child",
        "unsigned",
        0,
        |world, repository| {
            let (index, children) = world.index(repository, false);
            world.sign(repository, &children[0], "ec", "cose");
            index
        },
    ),
    all("docker-image", "verified", 1, |world, repository| {
        let digest = world.pusher.one(&json!({
            "op": "image", "repository": repository, "tag": "v1", "text": "docker",
            "docker": true,
        }));
        world.sign(repository, &digest, "rsa", "cose");
        digest
    }),
    all("docker-list", "verified", 1, |world, repository| {
        let (list, _) = world.index(repository, true);
        world.sign(repository, &list, "ec", "jws");
        list
    }),
    all("metadata", "verified", 1, |world, repository| {
        let digest = world.pusher.image(repository);
        let more = ["--user-metadata", "io.example.build=7", "--expiry", "24h"];
        world.sign_with(repository, &digest, "ec", "cose", &more);
        digest
    }),
    all("no-such-image", "lookup-failed", 0, |world, repository| {
        world.pusher.image(repository);
        format!("sha256:{}", "5".repeat(64))
    }),
    all("no-such-tag", "lookup-failed", 0, |world, repository| {
        world.pusher.image(repository);
        "v7".to_owned()
    }),
];

impl Scenario {
    const fn on(mut self, registries: On) -> Self {
        self.registries = registries;
        self
    }

    const fn reference(mut self, reference: Theirs) -> Self {
        self.reference = reference;
        self
    }
}
