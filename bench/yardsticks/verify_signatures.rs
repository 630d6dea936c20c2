//! The least that a JWT costs: aws-lc-rs verifies ES256 signatures with a key that was parsed once. Decoding happens before, and is not
//! measured. Usage: `verify_signatures KEYSET < TOKENS`, the key set as JSON text, one token a line. Prints nanoseconds of CPU per
//! verification.

use std::error::Error;
use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Verified before the measurement, so that caches and frequencies are as they will be.
const WARM: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().nth(1).ok_or("the key set is missing")?;
    let set: serde_json::Value = serde_json::from_str(&text)?;
    let coordinate = |member: &str| {
        let text = set["keys"][0][member].as_str().unwrap_or_default();
        URL_SAFE_NO_PAD.decode(text)
    };
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?;
    let input = std::io::read_to_string(std::io::stdin())?;
    let mut tokens = Vec::new();
    for line in input.lines() {
        let (signed, signature) = line.rsplit_once('.').ok_or("a line is no token")?;
        tokens.push((signed, URL_SAFE_NO_PAD.decode(signature)?));
    }
    let verify = |tokens: &[(&str, Vec<u8>)]| {
        tokens.iter().try_for_each(|(signed, signature)| {
            key.verify_sig(signed.as_bytes(), black_box(signature))
        })
    };
    let count = u64::try_from(tokens.len())?;
    verify(tokens.get(..WARM).ok_or("there are too few tokens")?)?;
    let before = cpu_ns()?;
    verify(&tokens)?;
    println!("{}", (cpu_ns()? - before) / count);
    Ok(())
}

/// Nanoseconds that this process's only thread has computed so far.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(first.parse()?)
}
