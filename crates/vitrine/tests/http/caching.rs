//! How long an answer may be kept, for every operation: no cache outlives a right.

/// The answers that may be kept at all, and how. Links to assets are rights by themselves, sealed and
/// short, and only the browser that has one keeps what it names; keys are public.
const KEPT: [(&str, &str); 5] = [
    ("DownloadOutput", "private, max-age=3600"),
    ("DownloadExport", "private, max-age=3600"),
    ("DownloadAsset", "private, max-age=3600"),
    // The same address for every credential: asked for again each time.
    ("DownloadModelFile", "private, no-cache"),
    ("GetJsonWebKeySets", "public, max-age=60"),
];

/// What is wrong with an answer's `Cache-Control`, if anything.
pub(crate) fn complaint(operation: &str, status: u16, header: Option<&str>) -> Option<String> {
    let kept = KEPT.iter().find(|(id, _)| *id == operation);
    let good = match (kept, header) {
        (Some((_, expected)), Some(found)) if status < 400 => found == *expected,
        (_, Some("no-store" | "private, no-store")) => true,
        // Nothing is there to be kept.
        (_, None) => status == 204,
        _ => false,
    };
    (!good).then(|| format!("{operation} ({status}): Cache-Control is {header:?}"))
}
