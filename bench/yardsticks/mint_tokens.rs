//! Signs many access tokens with the signing key of an installation, as `vitrine jwt mint` does for one.
//! Usage: `mint_tokens DATA MODEL COUNT NOW`, the instant in seconds since 1970. Prints one token a line.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{KeyMark, TokenId};
use vitrine_access::jwt::{AccessToken, SigningKey};
use vitrine_access::random::Entropy;
use vitrine_access::seal::{Purpose, Sealer};
use vitrine_access::secret::MasterKey;
use vitrine_access::time::Timestamp;
use vitrine_store::{Store, StoreOptions};

/// Longer than any measurement.
const TTL: Duration = Duration::from_hours(1);

struct Chance(SystemRandom);

impl Entropy for Chance {
    fn fill(&self, out: &mut [u8]) {
        self.0
            .fill(out)
            .expect("the operating system gives random bytes");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, model, count, now] = args.as_slice() else {
        bail!("usage: mint_tokens DATA MODEL COUNT NOW");
    };
    let data = Path::new(data);
    let master = std::fs::read_to_string(data.join("master.key"))?;
    let sealer = Sealer::new(&MasterKey::from_text(master.trim())?);
    let database = format!("sqlite://{}", data.join("vitrine.db").display());
    let store = Store::open(&database, StoreOptions::default()).await?;
    let records = store.signing_keys().await?;
    let record = records.first().context("there is no signing key")?;
    let private = sealer.open(Purpose::SigningKey, &record.sealed_private)?;
    let key = SigningKey::from_pkcs8(record.alg, &private)?;
    let entropy = Chance(SystemRandom::new());
    let now = Timestamp::from_unix_ms(now.parse::<i64>()? * 1_000);
    let subject = Subject::Model(model.parse()?);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..count.parse::<u32>()? {
        let token = AccessToken {
            id: TokenId::marked(KeyMark::of(key.kid()), &entropy),
            issuer: "vitrine".to_owned(),
            audience: "vitrine-geometry".to_owned(),
            subject,
            scopes: vec!["group.view".to_owned()],
            issued_at: now,
            not_before: now,
            expires_at: now.plus(TTL),
        };
        writeln!(out, "{}", token.sign(&key)?)?;
    }
    out.flush()?;
    Ok(())
}
