//! The release binary carries the web pages; this makes a release build notice when they appear.
//! A debug build reads them from the folder as it runs and needs nothing.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script has no configuration module"
    )]
    let (profile, here) = (
        std::env::var("PROFILE"),
        std::env::var("CARGO_MANIFEST_DIR"),
    );
    if profile.as_deref() != Ok("release") {
        return;
    }
    let pages = Path::new(&here.unwrap_or_default()).join("../../web/dist");
    println!("cargo::rerun-if-changed={}", pages.display());
    if !pages.join("viewer").is_dir() {
        println!(
            "cargo::warning=web/dist is missing: run `make build` to have the web pages inside"
        );
    }
}
