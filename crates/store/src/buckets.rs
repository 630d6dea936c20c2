//! Buckets of partners: folders and S3 buckets that belong to somebody else. Objects are read whole and
//! within a bound, and are only ever added: what is there is never overwritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

/// What can go wrong with a bucket.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// There is no such object, or its name leads out of the bucket.
    #[error("the bucket has no such object")]
    Missing,
    /// There is an object of this name already.
    #[error("the bucket has an object of this name")]
    Exists,
    /// More bytes than allowed.
    #[error("the object has {size} bytes, more than the allowed {allowed}")]
    TooLarge {
        /// How many.
        size: u64,
        /// The bound.
        allowed: u64,
    },
    /// The URL is wrong.
    #[error("{0}")]
    Config(String),
    /// The bucket does not do its work.
    #[error("the bucket failed")]
    Failed(#[source] object_store::Error),
}

impl From<object_store::Error> for BucketError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::AlreadyExists { .. } => Self::Exists,
            error => Self::Failed(error),
        }
    }
}

/// A partner's bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    /// The folder, when it is one, without links in its own path.
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bucket(hidden)")
    }
}

impl Bucket {
    /// Opens `file:///folder`, which must exist, or `s3://bucket/prefix`. The S3 client takes the usual
    /// AWS environment.
    ///
    /// # Errors
    /// [`BucketError::Config`] for a URL that is not understood or a folder that is not there.
    pub fn open(url: &str) -> Result<Self, BucketError> {
        if let Some(path) = url.strip_prefix("file://") {
            return Self::open_folder(Path::new(path));
        }
        let config = |error: &dyn std::fmt::Display| BucketError::Config(error.to_string());
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(BucketError::Config(
                "a bucket's URL must begin with file:/// or s3://".to_owned(),
            ));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let bucket = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .build()
            .map_err(|error| config(&error))?;
        let prefix =
            ObjectPath::parse(prefix.trim_end_matches('/')).map_err(|error| config(&error))?;
        Ok(Self {
            objects: Arc::new(PrefixStore::new(bucket, prefix)),
            folder: None,
        })
    }

    fn open_folder(path: &Path) -> Result<Self, BucketError> {
        let wrong = |why: &dyn std::fmt::Display| {
            BucketError::Config(format!("the folder {} of a bucket: {why}", path.display()))
        };
        if !path.is_absolute() {
            return Err(wrong(&"its path must begin with a slash"));
        }
        let folder = path.canonicalize().map_err(|error| wrong(&error))?;
        let objects = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| wrong(&error))?
            .with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
            folder: Some(folder),
        })
    }

    /// The whole object.
    ///
    /// # Errors
    /// [`BucketError::Missing`] and [`BucketError::TooLarge`].
    pub async fn get(&self, name: &str, bytes_max: u64) -> Result<Bytes, BucketError> {
        let location = self.location(name)?;
        let found = self.objects.get(&location).await?;
        let size = found.meta.size;
        if size > bytes_max {
            return Err(BucketError::TooLarge {
                size,
                allowed: bytes_max,
            });
        }
        Ok(found.bytes().await?)
    }

    /// Adds an object. Durable when it returns; nobody sees a part of it.
    ///
    /// # Errors
    /// [`BucketError::Exists`] when the name is taken.
    pub async fn put_new(&self, name: &str, content: Bytes) -> Result<(), BucketError> {
        let location = self.location(name)?;
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        self.objects
            .put_opts(&location, PutPayload::from_bytes(content), options)
            .await?;
        Ok(())
    }

    /// Writes an object, in place of one of this name. Durable when it returns; nobody sees a part of it.
    ///
    /// # Errors
    /// When the bucket does not do its work.
    pub async fn put(&self, name: &str, content: Bytes) -> Result<(), BucketError> {
        let location = self.location(name)?;
        self.objects
            .put(&location, PutPayload::from_bytes(content))
            .await?;
        Ok(())
    }

    /// The object's place. In a folder no link on the way may lead out of it.
    fn location(&self, name: &str) -> Result<ObjectPath, BucketError> {
        let location = ObjectPath::parse(name).map_err(|_| BucketError::Missing)?;
        if let Some(folder) = &self.folder {
            let mut place = folder.join(location.as_ref());
            // What is not there yet cannot be a link; the nearest folder that is there decides.
            while std::fs::symlink_metadata(&place).is_err() {
                if !place.pop() {
                    return Err(BucketError::Missing);
                }
            }
            let real = place.canonicalize().map_err(|_| BucketError::Missing)?;
            if !real.starts_with(folder) {
                return Err(BucketError::Missing);
            }
        }
        Ok(location)
    }
}
