//! The master key: from a file that the operator names, or made with an empty data directory.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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
            let metadata = std::fs::metadata(path)?;
            let (owner, ours) = (metadata.uid(), rustix::process::geteuid().as_raw());
            if owner != ours && owner != 0 {
                bail!(
                    "the master key {} belongs to the account {owner}, which knows it; run the \
                     server as that account, or give the file to {ours}",
                    path.display()
                );
            }
            let mode = metadata.permissions().mode();
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

/// Writes a new key under another name first: a key is whole or not there.
fn create(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey> {
    let key = MasterKey::generate(entropy);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let unfinished = folder.join(format!(".master-key-{}", std::process::id()));
    let written = write_new(&unfinished, &key)
        // Fails when there is one already, which a rename would not.
        .and_then(|()| std::fs::hard_link(&unfinished, path))
        .and_then(|()| std::fs::File::open(folder)?.sync_all());
    let removed = std::fs::remove_file(&unfinished);
    match written {
        Ok(()) => removed
            .map(|()| key)
            .context("cannot finish the master key"),
        // Another process made one at the same moment: that one counts.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => load(path, false, entropy),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

fn write_new(path: &Path, key: &MasterKey) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(MODE)
        .open(path)?;
    file.write_all(key.to_text().as_bytes())?;
    file.sync_all()
}
