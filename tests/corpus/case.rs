//! `case.json`, as the corpus's README describes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One case and the folder that its files are in.
#[derive(Debug, Deserialize)]
pub struct Case {
    #[serde(skip)]
    pub directory: PathBuf,
    pub id: String,
    #[serde(default)]
    pub title: String,
    pub kind: String,
    pub envelope_media_type: Option<String>,
    pub signature: Option<String>,
    pub artifact_reference: Option<String>,
    pub target: Option<Target>,
    pub blob: Option<String>,
    pub blob_media_type: Option<String>,
    pub blob_policy_name: Option<String>,
    pub policy_type: Option<String>,
    pub trust_policy: Option<serde_json::Value>,
    pub trust_policy_file: Option<String>,
    pub trust_policy_fs: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub trust_stores: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    pub trust_store_fs: Vec<FsObject>,
    #[serde(default, deserialize_with = "or_default")]
    pub user_metadata: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub evidence: BTreeMap<String, String>,
    pub load_store: Option<String>,
    pub layout: Option<String>,
    pub layout_reference: Option<String>,
    pub layout_scope: Option<String>,
    pub max_signatures: Option<usize>,
    pub expected: Expected,
    pub decision: Option<Decision>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    #[serde(default)]
    pub media_type: String,
    #[serde(default)]
    pub digest: String,
    #[serde(default)]
    pub size: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub struct FsObject {
    pub path: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub source: Option<String>,
    pub target: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Expected {
    pub overall: String,
    #[serde(default)]
    pub skipped: bool,
    pub validations: Option<Vec<Validation>>,
    pub error_category: Option<String>,
    pub output: Option<String>,
    pub selected_policy: Option<String>,
    pub enforcement: Option<BTreeMap<String, String>>,
    pub certificates: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Clone)]
pub struct Validation {
    #[serde(rename = "type")]
    pub check: String,
    pub action: String,
    pub ok: bool,
}

#[derive(Debug, Deserialize)]
pub struct Decision {
    pub follow: String,
    pub overall: Option<String>,
}

/// `null` stands for nothing, as in the producer's language.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Case {
    pub fn read(directory: &Path) -> Result<Self, String> {
        let bytes =
            std::fs::read(directory.join("case.json")).map_err(|error| error.to_string())?;
        let mut case: Self = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        case.directory = directory.to_owned();
        Ok(case)
    }

    /// A file of the case.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether the level of the reference's layout run was `skip`: its exit code
    /// does not tell, its words do.
    pub fn expects_skipped(&self) -> bool {
        self.expected.skipped
            || self
                .expected
                .output
                .as_deref()
                .is_some_and(|output| output.contains("skip signature verification"))
    }
}
