//! OCI names and documents: digests, references, manifests, indexes. Parsing
//! only: nothing here reads a file or opens a socket.

pub mod artifact;
pub mod closure;
pub mod content;
pub mod digest;
pub mod image_list;
pub mod index;
pub mod manifest;
pub mod media_type;
pub mod reference;

mod json;

pub(crate) use json::excerpt;

pub use artifact::ArtifactManifest;
pub use closure::Closure;
pub use content::Content;
pub use digest::{Digest, DigestError};
pub use image_list::{ImageList, Relocation};
pub use index::{Index, IndexEntry, Platform, referrers_subject, referrers_tag};
pub use manifest::{Manifest, SignatureManifest};
pub use reference::{LayoutReference, Reference};
