//! Finds the JavaScript half of the JSCAD engine, which `make build` bundles.

use std::path::PathBuf;

fn main() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let bundle = manifest.join("../../web/dist/jscad.js");
    println!("cargo::rerun-if-changed={}", bundle.display());
    if bundle.is_file() {
        println!("cargo::rustc-env=VITRINE_JSCAD_BUNDLE={}", bundle.display());
    } else {
        println!(
            "cargo::error={} is missing. Run `make build`, or `npm ci && npm run build` in web/jscad, and build again",
            bundle.display()
        );
    }
}
