//! CVE-2017-15361 ("ROCA"): RSA moduli from a broken generator are powers of 65537 modulo every
//! small prime, which a random modulus is not. Such keys can be factored.

/// The odd primes up to 167, which the published test uses; all together accept a random modulus
/// about once in 2^27.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether this modulus (big endian) carries the fingerprint.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            let hit = power == rest;
            power = power * 65_537 % prime;
            hit
        })
    })
}
