//! The master key: from a file that the operator names, or made with an empty data directory.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use vitrine_access::random::Entropy;
use vitrine_access::secret::MasterKey;

/// Owner may read and write, nobody else anything.
const MODE: u32 = 0o600;
/// Bits of a file mode that let others in.
const MODE_OTHERS: u32 = 0o077;

/// Reads the master key, or makes one where `may_create` says that a new installation begins.
pub(crate) fn load(path: &Path, may_create: bool, entropy: &dyn Entropy) -> Result<MasterKey> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            if mode & MODE_OTHERS != 0 {
                bail!(
                    "the master key {} can be read by others (mode {:o}); run: chmod 600 {}",
                    path.display(),
                    mode & 0o777,
                    path.display()
                );
            }
            MasterKey::from_text(text.trim())
                .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && may_create => create(path, entropy),
        Err(error) => Err(error).with_context(|| {
            format!(
                "the master key {} cannot be read; without the key that belongs to this data \
                 tickets and signing keys cannot be opened",
                path.display()
            )
        }),
    }
}

fn create(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey> {
    let key = MasterKey::generate(entropy);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path);
    match written {
        Ok(mut file) => {
            file.write_all(key.to_text().as_bytes())?;
            file.sync_all()?;
            if let Some(folder) = path.parent() {
                std::fs::File::open(folder)?.sync_all()?;
            }
            Ok(key)
        }
        // Another process made one at the same moment: that one counts.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => load(path, false, entropy),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}
