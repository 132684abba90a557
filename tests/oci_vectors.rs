//! The image specification's schema cases, and layouts of other projects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use notation_verifier::io::layout::Layout;
use notation_verifier::limits::Limits;
use notation_verifier::oci::{Index, Manifest, SignatureManifest, media_type};
use notation_verifier::wire::Descriptor;
use serde_json::{Value, json};

/// Which of our parsers decides a schema case.
enum Parser {
    /// A descriptor: as the subject of a manifest, where it is checked.
    Descriptor,
    /// The head of a manifest.
    Manifest,
    /// An index. Its entries count: one bad entry is reported beside the others.
    Index,
    /// The `oci-layout` file.
    Layout,
    /// None, for this reason.
    NotOurs(&'static str),
}

/// Cases that are about a rule that this verifier does not have.
fn parser(case: &Value) -> Parser {
    let name = case["name"].as_str().unwrap();
    match (case["schema"].as_str().unwrap(), name) {
        ("config-schema.json", _) => Parser::NotOurs("the configuration of an image is not read"),
        (
            _,
            "expected failure: layers.size is string, expected integer"
            | "expected failure: empty layer, expected at least one"
            | "expected failure: push bounds of algorithm field in digest too far.",
        ) => Parser::NotOurs("layers are read in signature manifests only"),
        (_, name) if name.contains("platform.architecture is missing") => {
            Parser::NotOurs("a platform is shown and decides nothing")
        }
        ("image-index-schema.json", "expected failure, invalid subject field") => {
            Parser::NotOurs("an index is no signature: its subject is not read")
        }
        (_, name) if name.contains("urls does not match format") => {
            Parser::NotOurs("a layout is never completed from `urls`: they are not read")
        }
        ("content-descriptor.json", _) => Parser::Descriptor,
        ("image-manifest-schema.json", _) => Parser::Manifest,
        ("image-index-schema.json", _) => Parser::Index,
        ("image-layout-schema.json", _) => Parser::Layout,
        (schema, name) => panic!("unknown case `{name}` of `{schema}`"),
    }
}

fn accepts(parser: &Parser, document: &str) -> Option<bool> {
    let limits = Limits::default();
    Some(match parser {
        Parser::NotOurs(_) => return None,
        Parser::Descriptor => {
            let manifest = format!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"a:b","size":0}},
                    "layers":[],"subject":{document}}}"#
            );
            Manifest::parse(manifest.as_bytes(), &limits).is_ok()
        }
        Parser::Manifest => Manifest::parse(document.as_bytes(), &limits).is_ok(),
        Parser::Index => Index::parse(document.as_bytes(), &limits)
            .is_ok_and(|index| index.entries.iter().all(|entry| entry.descriptor.is_ok())),
        Parser::Layout => {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("oci-layout"), document).unwrap();
            fs::write(folder.path().join("index.json"), r#"{"manifests":[]}"#).unwrap();
            Layout::open(folder.path(), &limits).is_ok()
        }
    })
}

#[test]
fn schema_cases() {
    let Some(folder) = shared::folder("vectors/oci-referrers/image-spec") else {
        return;
    };
    let text = fs::read(folder.join("schema-cases.json")).unwrap();
    let table: Value = serde_json::from_slice(&text).unwrap();
    let mut not_ours: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut ran = 0;
    let cases = table["cases"].as_array().unwrap();
    for case in cases {
        let parser = parser(case);
        let document = case["json"].as_str().unwrap();
        match accepts(&parser, document) {
            Some(accepted) => {
                ran += 1;
                if accepted != (case["expect"] == "ok") {
                    differences.push(format!("{}: accepted {accepted}", case["name"]));
                }
            }
            None => {
                if let Parser::NotOurs(reason) = parser {
                    *not_ours.entry(reason).or_default() += 1;
                }
            }
        }
    }
    for (reason, count) in &not_ours {
        println!("{count} not ours: {reason}");
    }
    println!("schema cases: {} cases, {ran} ran", cases.len());
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!((cases.len(), ran), (46, 38));
}

/// A layout: its tags, and how many signatures each has.
struct Known {
    folder: &'static str,
    signatures: &'static [(&'static str, usize)],
}

const NOTATION: &[Known] = &[
    Known {
        folder: "notation-e2e/oci_layout/e2e",
        signatures: &[("v1", 0)],
    },
    Known {
        folder: "notation-e2e/oci_layout/e2e-valid-signature",
        signatures: &[("v1", 1)],
    },
    Known {
        folder: "notation-e2e/oci_layout/e2e-expired-signature",
        signatures: &[("v1", 1)],
    },
    Known {
        folder: "notation-e2e/oci_layout/e2e-with-expired-cert",
        signatures: &[("v1", 1)],
    },
    Known {
        folder: "notation-e2e/oci_layout/e2e-invalid-signature",
        signatures: &[("v1", 1)],
    },
    Known {
        folder: "notation-go/internal/oci-layout",
        signatures: &[("v2", 0)],
    },
];

const OTHERS: &[Known] = &[
    Known {
        folder: "ratify-go/hello",
        signatures: &[("v1", 0)],
    },
    Known {
        folder: "ratify-go/full_ref.tar",
        signatures: &[("localhost:5000/hello:v1", 0)],
    },
    Known {
        folder: "oras-e2e-zot/blobs",
        signatures: &[],
    },
    Known {
        folder: "oras-e2e-zot/images",
        signatures: &[
            ("linux-armv7", 0),
            ("nonjson-config", 0),
            ("foobar", 0),
            ("linux-arm64", 0),
            ("empty_index", 0),
            ("multi", 0),
            ("linux-amd64", 0),
        ],
    },
    Known {
        folder: "oras-e2e-zot/artifacts",
        signatures: &[
            ("unnamed", 0),
            ("multi", 0),
            ("foobar", 0),
            ("v1.3.8", 0),
            ("empty", 0),
            ("config", 0),
            ("blob", 0),
        ],
    },
];

#[test]
fn layouts_of_notation() {
    if let Some(folder) = shared::folder("vectors/notation-signatures") {
        assert_eq!(check_layouts(&folder, NOTATION), (6, 6, 4));
    }
}

#[test]
fn layouts_of_others() {
    if let Some(folder) = shared::folder("vectors/oci-referrers") {
        assert_eq!(check_layouts(&folder, OTHERS), (5, 16, 0));
    }
}

/// Resolves every tag and finds its signatures, in the layout and in the same
/// layout as a tar file and as a tar stream. The numbers of layouts, tags,
/// signatures.
fn check_layouts(root: &Path, known: &[Known]) -> (usize, usize, usize) {
    let limits = Limits::default();
    let (mut tags, mut signatures) = (0, 0);
    for layout in known {
        let path = root.join(layout.folder);
        let opened = Layout::open(&path, &limits).expect(layout.folder);
        let found = answers(&opened);
        let expected: Vec<(&str, usize)> = layout.signatures.to_vec();
        let counts: Vec<(&str, usize)> = found
            .iter()
            .map(|(tag, _, list)| (tag.as_str(), list.len()))
            .collect();
        assert_eq!(counts, expected, "{}", layout.folder);
        tags += found.len();
        signatures += counts.iter().map(|(_, count)| count).sum::<usize>();

        let archive = if path.is_dir() {
            tar_of(&path)
        } else {
            fs::read(&path).unwrap()
        };
        let stream = Layout::from_tar_reader(archive.as_slice(), &limits).unwrap();
        assert_eq!(answers(&stream), found, "{} as a stream", layout.folder);
        let file = Layout::from_tar(std::io::Cursor::new(archive), &limits).unwrap();
        assert_eq!(answers(&file), found, "{} as a tar file", layout.folder);
    }
    (known.len(), tags, signatures)
}

type Answer = (
    String,
    Descriptor,
    Vec<(Descriptor, SignatureManifest, Vec<u8>)>,
);

/// What the layout says of each of its tags, down to the bytes of envelopes.
fn answers(layout: &Layout) -> Vec<Answer> {
    let limits = Limits::default();
    let tags = layout
        .index()
        .entries
        .iter()
        .filter_map(|entry| entry.ref_name.clone());
    let tags = tags.filter(|tag| !tag.starts_with("sha256-"));
    tags.map(|tag| {
        let subject = layout.resolve(&tag).unwrap();
        assert_eq!(layout.resolve(&subject.digest).unwrap(), subject);
        let referrers = layout.referrers(&subject);
        assert!(referrers.problems.is_empty(), "{:?}", referrers.problems);
        let list = referrers.signatures.into_iter().map(|descriptor| {
            let bytes = layout.read(&descriptor, limits.manifest_bytes).unwrap();
            let manifest = SignatureManifest::parse(&bytes, &subject, &limits).unwrap();
            let envelope = layout
                .read(&manifest.envelope, limits.envelope_bytes)
                .unwrap();
            (descriptor, manifest, envelope)
        });
        (tag, subject.clone(), list.collect())
    })
    .collect()
}

fn tar_of(folder: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", folder).unwrap();
    builder.into_inner().unwrap()
}

/// Every manifest with a subject in the layouts of others is read, and none is
/// taken for a signature.
#[test]
fn referrers_that_are_no_signatures() {
    let Some(folder) = shared::folder("vectors/oci-referrers") else {
        return;
    };
    let mut with_subject = 0;
    for layout in [
        "ratify-go/hello",
        "oras-e2e-zot/images",
        "oras-e2e-zot/artifacts",
    ] {
        for path in blobs(&folder.join(layout)) {
            let Ok(manifest) = Manifest::parse(&fs::read(path).unwrap(), &Limits::default()) else {
                continue;
            };
            assert!(!manifest.is_signature());
            with_subject += usize::from(manifest.subject.is_some());
        }
    }
    assert_eq!(with_subject, 10);
}

fn blobs(layout: &Path) -> Vec<PathBuf> {
    fs::read_dir(layout.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn corpus_layouts_as_tar() {
    let Some(folder) = shared::folder("corpus/cases") else {
        return;
    };
    let limits = Limits::default();
    let mut ran = 0;
    for case in fs::read_dir(folder).unwrap() {
        let path = case.unwrap().path().join("layout");
        if !path.is_dir() {
            continue;
        }
        ran += 1;
        let directory = Layout::open(&path, &limits);
        let archive = Layout::from_tar_reader(tar_of(&path).as_slice(), &limits);
        let (Ok(directory), Ok(archive)) = (&directory, &archive) else {
            assert!(directory.is_err() && archive.is_err(), "{}", path.display());
            assert!(!path.join("oci-layout").exists(), "{}", path.display());
            continue;
        };
        let subject = directory.resolve("v1").unwrap();
        assert_eq!(archive.resolve("v1").unwrap(), subject);
        let [here, there] = [directory, archive].map(|layout| layout.referrers(&subject));
        assert_eq!(here.signatures, there.signatures, "{}", path.display());
        assert!(here.problems.is_empty() && there.problems.is_empty());
    }
    assert!(ran >= 18, "{ran} layouts");
}

#[test]
fn platforms_of_a_multi_platform_image() {
    let Some(folder) = shared::folder("vectors/oci-referrers/oras-e2e-zot/images") else {
        return;
    };
    let limits = Limits::default();
    let layout = Layout::open(folder, &limits).unwrap();
    let multi = layout.resolve("multi").unwrap();
    assert_eq!(multi.media_type, media_type::OCI_INDEX);
    let index = Index::parse(
        &layout.read(&multi, limits.manifest_bytes).unwrap(),
        &limits,
    )
    .unwrap();
    let platforms: Vec<Value> = index
        .platform_manifests()
        .map(|(descriptor, platform)| {
            layout.read(descriptor, limits.manifest_bytes).unwrap();
            json!([platform.os, platform.architecture, platform.variant])
        })
        .collect();
    assert_eq!(
        platforms,
        [
            json!(["linux", "amd64", null]),
            json!(["linux", "arm64", null]),
            json!(["linux", "arm", "v7"])
        ]
    );
}
