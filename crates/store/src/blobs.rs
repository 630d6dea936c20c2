//! Blobs: model files, computed assets, pictures. Content-addressed, so writing is idempotent and what
//! a key names never changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload,
};
use vitrine_access::BlobKey;

use crate::limits::{BLOB_BYTES_MAX, STREAM_PIECE_BYTES};

/// Bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// What can go wrong with blobs.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    Missing(BlobKey),
    /// The stored bytes are not those that the key names.
    #[error("blob {0} is damaged; restore it from a backup")]
    Damaged(BlobKey),
    /// More bytes than allowed.
    #[error("{given} bytes are more than the allowed {allowed}")]
    TooLarge {
        /// How many.
        given: u64,
        /// The bound.
        allowed: u64,
    },
    /// A range that does not lie in the blob.
    #[error("the range {start}..{end} does not lie in a blob of {size} bytes")]
    Range {
        /// First byte.
        start: u64,
        /// One after the last byte.
        end: u64,
        /// Bytes of the blob.
        size: u64,
    },
    /// The URL or an option is wrong.
    #[error("{0}")]
    Config(String),
    /// The folder failed.
    #[error("the blob folder failed")]
    Folder(#[source] io::Error),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[source] object_store::Error),
}

/// How to open [`Blobs`].
#[derive(Clone, Debug)]
pub struct BlobOptions {
    /// Largest blob in bytes. Default [`BLOB_BYTES_MAX`].
    pub bytes_max: u64,
    /// Options of the S3 client by the names of `object_store` (`aws_endpoint`, `aws_region`…), over
    /// what the usual AWS environment says.
    pub s3: Vec<(String, String)>,
}

impl Default for BlobOptions {
    fn default() -> Self {
        Self {
            bytes_max: BLOB_BYTES_MAX,
            s3: Vec::new(),
        }
    }
}

/// The place for blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    /// The folder, when it is one.
    folder: Option<Arc<Folder>>,
    bytes_max: u64,
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs")
            .field("objects", &self.objects.to_string())
            .finish_non_exhaustive()
    }
}

impl Blobs {
    /// Opens `file:///folder` (made when missing) or `s3://bucket/prefix` with default options.
    ///
    /// # Errors
    /// [`BlobError::Config`] for a URL that is not understood, [`BlobError::Folder`] for a folder
    /// that cannot be used.
    pub async fn open(url: &str) -> Result<Self, BlobError> {
        Self::open_with(url, BlobOptions::default()).await
    }

    /// See [`Self::open`].
    ///
    /// # Errors
    /// See [`Self::open`].
    pub async fn open_with(url: &str, options: BlobOptions) -> Result<Self, BlobError> {
        if let Some(path) = url.strip_prefix("file://") {
            return Self::open_folder(PathBuf::from(path), options.bytes_max).await;
        }
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(BlobError::Config(
                "the objects URL must begin with file:// or s3://".to_owned(),
            ));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        for (name, value) in options.s3 {
            let key = name.parse().map_err(|_| {
                BlobError::Config(format!("{name:?} is no option of the S3 client"))
            })?;
            builder = builder.with_config(key, value);
        }
        let bucket = builder
            .build()
            .map_err(|error| BlobError::Config(error.to_string()))?;
        let prefix = ObjectPath::parse(prefix.trim_end_matches('/'))
            .map_err(|error| BlobError::Config(error.to_string()))?;
        Ok(Self {
            objects: Arc::new(PrefixStore::new(bucket, prefix)),
            folder: None,
            bytes_max: options.bytes_max,
        })
    }

    async fn open_folder(path: PathBuf, bytes_max: u64) -> Result<Self, BlobError> {
        if !path.is_absolute() {
            return Err(BlobError::Config(
                "the objects URL must name an absolute folder: file:///…".to_owned(),
            ));
        }
        let folder = in_background(move || Folder::open(path)).await?;
        let objects = LocalFileSystem::new_with_prefix(&folder.path)
            .map_err(BlobError::Objects)?
            .with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
            folder: Some(Arc::new(folder)),
            bytes_max,
        })
    }

    /// Stores the content under its own hash. Durable when it returns; storing the same again is
    /// cheap. Until it is complete, nobody can read any of it.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] beyond the bound that the place was opened with.
    pub async fn put(&self, content: Bytes) -> Result<BlobKey, BlobError> {
        let given = content.len() as u64;
        if given > self.bytes_max {
            return Err(BlobError::TooLarge {
                given,
                allowed: self.bytes_max,
            });
        }
        let hashed = content.clone();
        let key = in_background(move || Ok(BlobKey::of(&hashed))).await?;
        if self.size(key).await? == Some(given) {
            // Somebody else may have put it there this moment and still be flushing.
            if let Some(folder) = self.folder.clone() {
                in_background(move || folder.flush(key)).await?;
            }
            return Ok(key);
        }
        let options = PutOptions {
            mode: PutMode::Overwrite,
            ..PutOptions::default()
        };
        self.objects
            .put_opts(&location(key), PutPayload::from_bytes(content), options)
            .await
            .map_err(BlobError::Objects)?;
        Ok(key)
    }

    /// The whole content, checked against its key.
    ///
    /// # Errors
    /// [`BlobError::Missing`] and [`BlobError::Damaged`].
    pub async fn get(&self, key: BlobKey) -> Result<Bytes, BlobError> {
        let result = self
            .objects
            .get(&location(key))
            .await
            .map_err(|error| missing(error, key))?;
        let content = result.bytes().await.map_err(|error| missing(error, key))?;
        let hashed = content.clone();
        let found = in_background(move || Ok(BlobKey::of(&hashed))).await?;
        if found == key {
            Ok(content)
        } else {
            Err(BlobError::Damaged(key))
        }
    }

    /// The bytes of `range`, piece by piece. The pieces are read as they are asked for.
    ///
    /// # Errors
    /// [`BlobError::Missing`], and [`BlobError::Range`] when the range is turned round or ends
    /// beyond the blob; an empty range inside it is an empty stream.
    pub async fn stream(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        let size = self.size(key).await?.ok_or(BlobError::Missing(key))?;
        if range.start > range.end || range.end > size {
            return Err(BlobError::Range {
                start: range.start,
                end: range.end,
                size,
            });
        }
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let result = self
            .objects
            .get_opts(&location(key), options)
            .await
            .map_err(|error| missing(error, key))?;
        let range = result.range.clone();
        Ok(match result.payload {
            GetResultPayload::File(file, _) => stream_file(file, range),
            GetResultPayload::Stream(stream) => stream.map_err(BlobError::Objects).boxed(),
        })
    }

    /// Bytes of the blob, if there is one.
    ///
    /// # Errors
    /// When the place does not answer.
    pub async fn size(&self, key: BlobKey) -> Result<Option<u64>, BlobError> {
        match self.objects.head(&location(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::Objects(error)),
        }
    }

    /// Deletes a blob; one that is not there is deleted already. Only for blobs that no row names and
    /// that are marked as being deleted (see [`crate::DoomState`]).
    ///
    /// # Errors
    /// When the place does not answer.
    pub async fn delete(&self, key: BlobKey) -> Result<(), BlobError> {
        match self.objects.delete(&location(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::Objects(error)),
        }
    }

    /// Whether there is such a blob.
    ///
    /// # Errors
    /// When the place does not answer.
    pub async fn exists(&self, key: BlobKey) -> Result<bool, BlobError> {
        Ok(self.size(key).await?.is_some())
    }
}

/// Two levels: `ab/abcdef…`, because folders with a million files are slow to handle.
fn location(key: BlobKey) -> ObjectPath {
    let name = key.to_string();
    ObjectPath::from_iter([&name[..2], &name])
}

fn missing(error: object_store::Error, key: BlobKey) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::Missing(key),
        error => BlobError::Objects(error),
    }
}

/// Reads a file in large pieces: each costs a change of thread.
fn stream_file(file: File, range: Range<u64>) -> BlobStream {
    futures::stream::try_unfold((file, range), |(mut file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let bytes = (range.end - range.start).min(STREAM_PIECE_BYTES);
        let (file, piece) = in_background(move || {
            let mut piece = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut piece)?;
            Ok((file, Bytes::from(piece)))
        })
        .await?;
        Ok(Some((piece, (file, range.start + bytes..range.end))))
    })
    .boxed()
}

/// Hashing and flushing take long enough to disturb other tasks.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(BlobError::Folder),
        Err(error) => Err(BlobError::Folder(io::Error::other(error))),
    }
}

/// Name of the lock file. Not a blob's, and in none of their folders.
const LOCK_NAME: &str = ".lock";

/// A local folder. Files are written beside their place under the name `<blob>#<n>` and renamed; a
/// crash leaves such files behind.
struct Folder {
    path: PathBuf,
    /// Held shared as long as the folder is open: leftovers are removed only by somebody who got it
    /// exclusively, when nobody can be writing.
    _lock: File,
}

impl Folder {
    fn open(path: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK_NAME))?;
        match lock.try_lock() {
            Ok(()) => {
                remove_leftovers(&path)?;
                lock.unlock()?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        lock.lock_shared()?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes the directory entry of a blob durable.
    fn flush(&self, key: BlobKey) -> io::Result<()> {
        let parent = self.path.join(&key.to_string()[..2]);
        File::open(parent)?.sync_all()?;
        File::open(&self.path)?.sync_all()
    }
}

fn remove_leftovers(path: &Path) -> io::Result<()> {
    for shelf in std::fs::read_dir(path)? {
        let shelf = shelf?;
        if !shelf.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(shelf.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().contains('#') {
                tracing::info!(file = %file.path().display(), "removing an unfinished blob");
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}
