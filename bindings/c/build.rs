//! Names the shared library for the dynamic linker: its SONAME has the major
//! version, so that programs keep the generation that they were linked with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    match (target("FAMILY").as_str(), target("VENDOR").as_str()) {
        ("unix", "apple") => println!(
            "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libnotation_verifier.{major}.dylib"
        ),
        ("unix", _) => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnotation_verifier.so.{major}")
        }
        _ => {}
    }
}
